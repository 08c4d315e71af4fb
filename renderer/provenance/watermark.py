"""A keyed mark in the luma of plates: 32 bits, imperceptible, read back from a compressed film without the original.

The mark is made when pictures leave, in `renderer/exports`, and not in the renderer's own `mark` step. A live plate is
scene-linear half float whose bits are the product: `passthrough` proves the path by them, a take replays and renders
again bit for bit, on a farm whose machines have other keys; evaluation compares them with the truth. A key in them
would break all of that, and a tone map that nobody knows yet would come on top. So takes hold plates as they were made
and are signed by a manifest; whatever is a picture is marked, deterministically by key and payload.

How: the frame is a grid of ROWS x COLUMNS cells, whatever its size. A key gives each cell a sign and one of 32 bits
(SHAKE-256, so that the same key gives the same grid everywhere and for ever). A cell's brightness goes up or down a
little, by its sign times its bit, more where the picture is busy (spread spectrum, Cox et al. 1997). What the picture
itself says about a bit is known while marking and is compensated (improved spread spectrum, Malvar and Florencio 2003).
The mark is the same in all frames of a film, so that a reader needs neither the first frame nor the frame's number.

Reading: cells minus the mean of their neighbours, clipped, summed over frames, correlated with the signs. Signs are
independent of the picture, so an unmarked picture gives every bit a normal deviate whatever it shows, and the sum of 32
of them stays under FOUND (mean 25.5, deviation 3.4) but for once in 10^10.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bridge.errors import InvalidValue, MissingDependency

try:
    from renderer.provenance.watermark_kernels import add_levels, sum_cells, sum_matte
except ImportError as error:
    raise MissingDependency(
        f"the watermark needs numba: {error}", fix='Install it with `pip install "worldplate[torch]"`.'
    ) from error

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
ROWS, COLUMNS, BITS = 90, 160, 32
CELLS = ROWS * COLUMNS
KEY_BYTES = 32
REC709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
BRIGHTEST, DARKEST = 254.9, 1e-5  # levels and scene-linear luma: what lies beyond is left as it is
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
LUMA = (54, 183, 19)  # of Rec.709, in 256ths: sums of cells are whole numbers, equal on every machine
CLIP = 4.0  # levels: an edge in the picture says no more than this
WANTED = 1.7  # levels that a bit's cells are to stand out by, on the mean
QUIET, BUSY, LOUDEST = 0.9, 0.5, 4.0  # a cell's weight: QUIET + BUSY * its contrast in levels, LOUDEST at most
LOUD, HELP, LEAST = 1.2, 0.6, 0.3  # gain of a bit: at most, on top against what the picture says, and at least
RMS = 1.85  # levels over a frame at most: 42.8 dB, and rounding takes some
EDGE = 0.4  # share of a cell over which one turns into the next: hard edges would show in a clear sky
FOUND = 50.0  # the sum of 32 deviates from which on a mark is believed
CERTAIN = 3.0  # a bit's deviate from which on it is believed


@dataclass(frozen=True)
class Grid:
    """What a key says of each cell: `signs` +-1 and `bits` 0..31, both [CELLS], every bit equally often."""

    signs: F64
    bits: NDArray[np.int64]


@lru_cache(maxsize=16)
def grid_of(key: bytes) -> Grid:
    """Raises InvalidValue for a key of another length."""
    if len(key) != KEY_BYTES:
        raise InvalidValue(f"a watermark's key has {len(key)} bytes", fix=f"Use {KEY_BYTES} random bytes.")
    tossed = np.frombuffer(hashlib.shake_256(key + b" signs").digest(CELLS // 8), np.uint8)
    lots = np.frombuffer(hashlib.shake_256(key + b" bits").digest(8 * CELLS), "<u8")
    bits = np.empty(CELLS, np.int64)
    bits[np.argsort(lots, kind="stable")] = np.arange(CELLS) % BITS
    return Grid(np.unpackbits(tossed).astype(np.float64) * 2.0 - 1.0, bits)


def mark(picture: U8, key: bytes, payload: int, matte: F32 | None = None) -> U8:
    """A display picture [H, W, 3] with the mark, a new array. `matte` [H, W] 0..1 says how far each pixel is the
    plate's: where it is 0 the pixel stays as it is. Pictures smaller than the grid stay unmarked: see `can_hold`."""
    height, width = picture.shape[:2]
    if not can_hold(height, width):
        return picture.copy()
    source, out = np.ascontiguousarray(picture), np.empty(picture.shape, np.uint8)
    whole = None if matte is None else np.ascontiguousarray(matte, np.float32)
    owned = None if whole is None else matte_means(whole)
    levels = planned(picture_means(source), owned, key, payload)
    above, share = _between(height, ROWS)
    flat = (height, 3 * width)
    add_levels(source.reshape(flat), whole, _widened(levels, width), above, share, dither(width), out.reshape(flat))
    return out


def mark_linear(plate: NDArray[np.floating], key: bytes, payload: int) -> F32:
    """A scene-linear plate [H, W, 4] with the mark, a new float32 array: colour is scaled where alpha is
    over 0. Its luma is seen through `shown`, a curve without a white point, so that any exposure holds the mark."""
    out = plate.astype(np.float32)
    height, width = out.shape[:2]
    if not can_hold(height, width):
        return out
    luma = np.maximum(np.nan_to_num(out[..., :3], posinf=65504.0) @ REC709, 0.0)
    curve, matte = shown(luma), np.clip(out[..., 3], 0.0, 1.0)
    levels = planned(luma_means(curve), matte_means(matte), key, payload)
    above, share = _between(height, ROWS)
    wide = _widened(levels, width)
    added = (wide[above] * (1.0 - share[:, None]) + wide[above + 1] * share[:, None]) * matte
    brighter = unshown(np.clip(curve + added, 0.0, BRIGHTEST))
    gain = np.where((luma > DARKEST) & (matte > 0.0), brighter / np.maximum(luma, DARKEST), 1.0)
    out[..., :3] *= gain[..., None].astype(np.float32)
    return out


def shown(luma: NDArray[np.floating]) -> F32:
    """Scene-linear luma >= 0 as levels 0..255, for the mark alone: Reinhard's curve (2002), then gamma 1/2.2."""
    return np.asarray(255.0 * (luma / (1.0 + luma)) ** (1.0 / 2.2), np.float32)


def unshown(levels: NDArray[np.floating]) -> F32:
    """The inverse of `shown`."""
    light = (levels.astype(np.float64) / 255.0) ** 2.2
    return np.asarray(light / (1.0 - light), np.float32)


def can_hold(height: int, width: int) -> bool:
    """Whether each cell has a pixel of its own."""
    return height >= ROWS and width >= COLUMNS


def planned(means: F64, owned: F64 | None, key: bytes, payload: int) -> F64:
    """The levels that each cell goes up or down, [ROWS, COLUMNS], from the cells' mean luma in levels and, where the
    engine owns pixels, the plate's share `owned` of each cell.

    Raises InvalidValue for a payload that is not of 32 bits.
    """
    if not 0 <= payload < 1 << BITS:
        raise InvalidValue(f"a watermark's payload is {payload}", fix=f"Use a whole number of {BITS} bits.")
    grid = grid_of(key)
    wanted = np.where((payload >> np.arange(BITS - 1, -1, -1)) & 1, 1.0, -1.0)
    weight = np.minimum(QUIET + BUSY * contrast(means), LOUDEST)
    if owned is not None:
        weight = weight * owned
    count = CELLS / BITS
    said = np.bincount(grid.bits, grid.signs * standing_out(means).ravel(), BITS) / count
    power = np.maximum(np.bincount(grid.bits, weight.ravel(), BITS) / count, 1e-3)
    gain = np.maximum(np.minimum(WANTED / power, LOUD) + np.clip(-wanted * said / power, -HELP, HELP), LEAST)
    levels = (gain * wanted)[grid.bits] * grid.signs * weight.ravel()
    rms = float(np.sqrt(np.mean(levels**2)))
    return np.asarray((levels * min(1.0, RMS / max(rms, 1e-9))).reshape(ROWS, COLUMNS), np.float64)


def standing_out(means: F64) -> F64:
    """Each cell minus the mean of its four neighbours, clipped: what the reader correlates."""
    p = np.pad(means, 1, mode="edge")
    around = (p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:]) / 4.0
    return np.asarray(np.clip(means - around, -CLIP, CLIP), np.float64)


def contrast(means: F64) -> F64:
    """How busy the picture is around each cell, levels: the mean absolute difference to the three neighbours of a
    corner, in the calmest of its four corners, so that a sky stays calm up to the roof that it ends at."""
    p = np.pad(means, 1, mode="edge")
    steps = {(y, x): np.abs(p[1 + y : 1 + y + ROWS, 1 + x : 1 + x + COLUMNS] - means) for y, x in AROUND}
    corners = [(steps[y, 0] + steps[0, x] + steps[y, x]) / 3.0 for y in (-1, 1) for x in (-1, 1)]
    return np.asarray(np.minimum.reduce(corners), np.float64)


@dataclass(frozen=True)
class Reading:
    """What was read with one key. `score` is the sum of 32 absolute deviates; the payload means something only where
    `found`; bits under CERTAIN are counted in `uncertain_bits`."""

    score: float
    payload: int
    uncertain_bits: int
    frames: int

    @property
    def found(self) -> bool:
        return self.score >= FOUND


@dataclass
class Evidence:
    """What the frames of a film say together; `add` each of them, then `read` with any key."""

    total: F64 = field(default_factory=lambda: np.zeros((ROWS, COLUMNS)))
    frames: int = 0

    def add(self, luma: NDArray[np.floating] | U8) -> None:
        """A frame's luma [H, W] in levels, whatever their offset; too small a frame says nothing."""
        if can_hold(luma.shape[0], luma.shape[1]):
            self.total += standing_out(luma_means(luma))
            self.frames += 1

    def add_picture(self, picture: U8) -> None:
        """A display picture [H, W, 3]."""
        if can_hold(picture.shape[0], picture.shape[1]):
            self.total += standing_out(picture_means(np.ascontiguousarray(picture)))
            self.frames += 1

    def join(self, other: Evidence) -> None:
        """Take in what other frames say."""
        self.total += other.total
        self.frames += other.frames

    def deviates(self, key: bytes) -> F64:
        """What each bit says, [32]: its sign, and how sure that is, in standard deviations of an unmarked picture."""
        grid, cells = grid_of(key), self.total.ravel()
        energy = np.bincount(grid.bits, cells**2, BITS)
        said = np.bincount(grid.bits, grid.signs * cells, BITS)
        return np.asarray(said / np.sqrt(np.maximum(energy, 1e-12)), np.float64)

    def read(self, key: bytes) -> Reading:
        deviates = self.deviates(key)
        payload = int("".join("1" if d > 0 else "0" for d in deviates), 2)
        size = np.abs(deviates)
        return Reading(float(size.sum()), payload, int(np.count_nonzero(size < CERTAIN)), self.frames)


def luma_means(luma: NDArray[np.floating] | U8) -> F64:
    """Cell means [ROWS, COLUMNS] of luma [H, W]."""
    rows, columns = edges(luma.shape[0], ROWS), edges(luma.shape[1], COLUMNS)
    sums = np.add.reduceat(np.add.reduceat(luma.astype(np.float64), rows[:-1], 0), columns[:-1], 1)
    return np.asarray(sums / (np.diff(rows)[:, None] * np.diff(columns)), np.float64)


def edges(side: int, count: int) -> NDArray[np.int64]:
    """The first pixel of each of `count` cells along a side, and the side itself: [count + 1]."""
    return np.arange(count + 1) * side // count


@lru_cache(maxsize=16)
def _between(side: int, count: int) -> tuple[NDArray[np.int64], F32]:
    """For each pixel of a side, the cell before it, and how far (0..1) it belongs to the next one. Cells are numbered
    from 1, with one more at either end that repeats its neighbour."""
    place = (np.arange(side) + 0.5) * count / side - 0.5
    before = np.floor(place)
    share = np.clip((place - before - 0.5) / EDGE + 0.5, 0.0, 1.0)
    return before.astype(np.int64) + 1, share.astype(np.float32)


def _widened(levels: F64, width: int) -> F32:
    """Cells [ROWS, COLUMNS] drawn out to pixels along rows, with a row repeated at either end: [ROWS + 2, W]."""
    before, share = _between(width, COLUMNS)
    p = np.pad(levels, 1, mode="edge").astype(np.float32)
    return np.asarray(p[:, before] * (1.0 - share) + p[:, before + 1] * share, np.float32)


@lru_cache(maxsize=4)
def dither(width: int) -> F32:
    """Thresholds 0..1 by which fractions of a level are rounded up or down: [16, width], a Bayer matrix of 16 x 16, so
    that what is between two levels comes out right on the mean of a cell."""
    matrix = np.zeros((1, 1))
    for _ in range(4):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    row = (matrix + 0.5) / 256.0
    return np.tile(row, (1, -(-width // 16)))[:, :width].astype(np.float32)


def picture_means(picture: U8) -> F64:
    """Mean luma of each cell of a contiguous picture [H, W, 3], levels: [ROWS, COLUMNS]."""
    rows, columns = edges(picture.shape[0], ROWS), edges(picture.shape[1], COLUMNS)
    sums = np.empty((ROWS, COLUMNS), np.int64)
    sum_cells(picture.reshape(picture.shape[0], -1), rows, columns, sums)
    return np.asarray(sums / (256.0 * np.diff(rows)[:, None] * np.diff(columns)), np.float64)


def matte_means(matte: F32) -> F64:
    """Mean of a contiguous matte [H, W] over each cell: [ROWS, COLUMNS]."""
    rows, columns = edges(matte.shape[0], ROWS), edges(matte.shape[1], COLUMNS)
    sums = np.empty((ROWS, COLUMNS), np.float64)
    sum_matte(matte, rows, columns, sums)
    return np.asarray(sums / (np.diff(rows)[:, None] * np.diff(columns)), np.float64)
