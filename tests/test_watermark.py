"""The watermark: read back with its key, gone without it, never in the engine's pixels, as plain as its reference."""

from __future__ import annotations

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.errors import InvalidValue
from renderer.film import write_mp4
from renderer.provenance.watermark import (
    CELLS,
    COLUMNS,
    ROWS,
    Evidence,
    Reading,
    can_hold,
    grid_of,
    mark,
    mark_linear,
    shown,
    unshown,
)
from renderer.provenance.watermark_plainly import mark_plainly

U8 = NDArray[np.uint8]
KEY, OTHER = hashlib.sha256(b"one").digest(), hashlib.sha256(b"two").digest()
PAYLOAD = 0xA5C3_0F69


def scene(height: int = 180, width: int = 320, at: float = 0.0, seed: int = 0) -> U8:
    """A picture with a calm sky, a busy ground and something that moves; `at` moves all of it sideways."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [rng.uniform(0.02, 0.9, 2) for _ in range(12)]
    ground = sum(np.sin(a * (x + 40.0 * at) + b * y) for a, b in waves) * 6.0 + 110.0
    sky = 200.0 - 40.0 * y / height
    gray = np.where(y < height * 0.4, sky, ground)
    gray[(x - width * at) ** 2 + (y - height * 0.5) ** 2 < (height * 0.12) ** 2] = 60.0
    return np.asarray(np.clip(gray[..., None] + (8.0, 0.0, -12.0), 0, 255), np.uint8)


def read(pictures: list[U8], key: bytes = KEY) -> Reading:
    evidence = Evidence()
    for picture in pictures:
        evidence.add_picture(picture)
    return evidence.read(key)


def psnr_db(a: U8, b: U8) -> float:
    return float(10.0 * np.log10(255.0**2 / np.mean((a.astype(np.float64) - b) ** 2)))


def test_one_marked_picture_gives_the_payload_to_the_key_and_nothing_to_another() -> None:
    marked = mark(scene(), KEY, PAYLOAD)
    assert read([marked]).found
    assert read([marked]).payload == PAYLOAD
    assert not read([marked], OTHER).found
    assert not read([scene()]).found


@pytest.mark.parametrize("payload", [0, 1, 2**31, 2**32 - 1])
def test_every_bit_of_the_payload_counts(payload: int) -> None:
    assert read([mark(scene(), KEY, payload)]).payload == payload


def test_a_film_compressed_as_h264_still_says_its_payload(tmp_path: Path) -> None:
    frames = [mark(scene(at=n / 50.0), KEY, PAYLOAD) for n in range(25)]
    write_mp4(tmp_path / "film.mp4", frames, 25)
    evidence = Evidence()
    with av.open(str(tmp_path / "film.mp4")) as film:
        for frame in film.decode(video=0):
            evidence.add(frame.to_ndarray()[: frame.height])
    reading = evidence.read(KEY)
    assert (reading.frames, reading.payload) == (25, PAYLOAD)
    assert reading.found


@pytest.mark.parametrize(("height", "width"), [(90, 160), (97, 161), (144, 256)])
def test_the_fast_path_does_what_the_plain_one_says(height: int, width: int) -> None:
    picture = scene(height, width)
    matte = np.linspace(0.0, 1.0, height * width, dtype=np.float32).reshape(height, width)
    for chosen in (None, matte):
        fast, plain = mark(picture, KEY, PAYLOAD, chosen), mark_plainly(picture, KEY, PAYLOAD, chosen)
        difference = np.abs(fast.astype(int) - plain)
        assert difference.max() <= 1  # where a level is within a float's rounding of a threshold
        assert np.mean(difference > 0) < 1e-3


def test_the_mark_is_the_same_each_time() -> None:
    assert np.array_equal(mark(scene(), KEY, PAYLOAD), mark(scene(), KEY, PAYLOAD))


def test_pixels_of_the_engine_stay_bit_for_bit_and_half_a_matte_takes_half_a_mark() -> None:
    picture = scene()
    matte = np.zeros(picture.shape[:2], np.float32)
    matte[:, 160:] = 1.0
    marked = mark(picture, KEY, PAYLOAD, matte)
    assert np.array_equal(marked[:, :160], picture[:, :160])
    assert not np.array_equal(marked[:, 160:], picture[:, 160:])
    assert read([marked]).payload == PAYLOAD
    assert np.array_equal(mark(picture, KEY, PAYLOAD, np.zeros_like(matte)), picture)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_mark_changes_is_small(seed: int) -> None:
    assert psnr_db(mark(scene(seed=seed), KEY, PAYLOAD), scene(seed=seed)) >= 42.0


def test_black_and_white_pictures_are_marked_without_wrapping_round() -> None:
    for value in (0, 255):
        marked = mark(np.full((180, 320, 3), value, np.uint8), KEY, PAYLOAD)
        assert np.abs(marked.astype(int) - value).max() <= 8


def test_a_picture_smaller_than_the_grid_is_left_as_it_is_and_says_nothing() -> None:
    small = scene(ROWS - 1, COLUMNS)
    assert not can_hold(*small.shape[:2])
    assert np.array_equal(mark(small, KEY, PAYLOAD), small)
    assert read([small]) == Reading(0.0, 0, 32, 0)


def test_a_film_made_smaller_still_says_its_payload() -> None:
    marked = [mark(scene(360, 640, at=n / 20.0), KEY, PAYLOAD) for n in range(8)]
    halved = [m.reshape(180, 2, 320, 2, 3).mean((1, 3)).astype(np.uint8) for m in marked]
    assert read(halved).payload == PAYLOAD
    assert read(halved).found


def test_a_scene_linear_plate_holds_the_mark_in_its_colour_alone() -> None:
    plate = np.ones((180, 320, 4), np.float16)
    plate[..., :3] = (scene() / 255.0) ** 2.2 * 3.0
    plate[:, :40, 3] = 0.0
    marked = mark_linear(plate, KEY, PAYLOAD)
    assert np.array_equal(marked[..., 3], plate[..., 3])
    assert np.array_equal(marked[:, :40], plate[:, :40].astype(np.float32))
    evidence = Evidence()
    evidence.add(shown(marked[..., :3] @ np.array([0.2126, 0.7152, 0.0722], np.float32)))
    assert evidence.read(KEY).payload == PAYLOAD
    changed = np.abs(marked[..., :3] - plate[..., :3]).max(-1) / np.maximum(plate[..., 1], 0.05)
    assert changed.max() < 0.25


def test_a_plate_with_bad_pixels_is_marked_around_them() -> None:
    plate = np.ones((180, 320, 4), np.float32)
    plate[3, 3, 0], plate[9, 9, 1], plate[20, 20, :3] = np.nan, np.inf, -1.0
    marked = mark_linear(plate, KEY, PAYLOAD)
    assert np.isfinite(marked).sum() == np.isfinite(plate).sum()


def test_the_curve_of_the_linear_mark_has_an_inverse() -> None:
    luma = np.geomspace(1e-4, 1e3, 50, dtype=np.float32)
    np.testing.assert_allclose(unshown(shown(luma)), luma, rtol=2e-2)


def test_a_grid_is_its_keys_own_and_uses_every_bit_equally() -> None:
    grid, other = grid_of(KEY), grid_of(OTHER)
    assert np.bincount(grid.bits).tolist() == [CELLS // 32] * 32
    assert abs(float(np.mean(grid.signs * other.signs))) < 0.05
    assert np.mean(grid.bits == other.bits) < 0.06


@pytest.mark.parametrize(("key", "payload"), [(b"short", 1), (KEY, -1), (KEY, 2**32)])
def test_a_bad_key_or_payload_is_refused_by_its_value(key: bytes, payload: int) -> None:
    with pytest.raises(InvalidValue, match="watermark"):
        mark(scene(), key, payload)


def test_unmarked_pictures_are_never_taken_for_marked_ones() -> None:
    rng = np.random.default_rng(5)
    pictures = [scene(at=a, seed=s) for s in range(4) for a in (0.1, 0.6)]
    for picture in pictures:
        evidence = Evidence()
        evidence.add_picture(picture)
        assert all(not evidence.read(rng.bytes(32)).found for _ in range(125))
