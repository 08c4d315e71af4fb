"""The fast twin of `plate.plate_of`: a plate from parts and answers, in one pass and a half over the picture."""

from __future__ import annotations

import math

import numpy as np

from bridge.compiled import kernel
from renderer.models.limn.features import BRIGHTEST, CHANNELS, DEPTH_SCALE, PARTS
from renderer.models.limn.lanes import F32, clip, exp, f, inlined
from renderer.models.limn.plate import ANSWERS, MOST_LOG_GAIN, MOST_LOG_GLOW, SAME_DEPTH, SAME_NORMAL, SOFTEST

PER_PI = f(1.0 / math.pi)
MOST, SOFT, ONE = f(BRIGHTEST), f(SOFTEST), f(1.0)
STEP, TURN = f(SAME_DEPTH * DEPTH_SCALE), f(SAME_NORMAL)
# Every answer goes through one exponential of scale * answer + shift, clamped: shares are 1 / (1 + it), gains it.
_SHARE = -1.0
_SCALE = np.array([_SHARE, _SHARE, 1, 1, 1, 1, 1, 1, _SHARE, 1, _SHARE, _SHARE], np.float32)
_SHIFT = np.array([-1, 0, 0, 0, 0, 0, 0, 0, -3, 0, 2, 2], np.float32)
_LIMIT = np.array([80, 80, *[MOST_LOG_GAIN] * 6, 80, MOST_LOG_GLOW, 80, 80], np.float32)


def exponents(width: int) -> F32:
    """Scale, shift and limit of a row's answers [3, width * ANSWERS], for `compose`."""
    return np.stack([np.tile(row, width) for row in (_SCALE, _SHIFT, _LIMIT)])


@kernel
def compose(parts: F32, raw: F32, rows: F32, sun: F32, fog: F32, hard: F32, first: int, last: int) -> None:
    """Rows first..last of hard [H, W, 4], the plate before edges are softened, and in the fourth channel how much they
    shall be; from parts [H, W, PARTS] and raw [1, rows, columns, ANSWERS], which is padded; `rows` are `exponents`."""
    width = parts.shape[1]
    said = np.empty(width * ANSWERS, np.float32)
    for y in range(first, last):
        flat = raw[0, y].reshape(-1)
        for k in range(width * ANSWERS):
            said[k] = exp(clip(rows[0, k] * flat[k] + rows[1, k], -rows[2, k], rows[2, k]))
        for x in range(width):
            p, at = parts[y, x], x * ANSWERS
            hard[y, x, 3] = SOFT / (ONE + said[at + 10])
            if p[10] == f(0.0):  # the sky, as it is
                for c in range(3):
                    hard[y, x, c] = p[13 + c]
                continue
            opened = ONE / (ONE + said[at])
            sunlight = p[9] * PER_PI / (ONE + said[at + 1])
            air = (ONE - p[16]) / (ONE + said[at + 8])
            for c in range(3):
                albedo = p[3 + c] + opened * (p[c] - p[3 + c])
                light = sunlight * sun[c] + p[10 + c] * said[at + 2 + c]
                seen = albedo * light + p[6 + c] * said[at + 5 + c] + p[13 + c] * said[at + 9]
                hard[y, x, c] = seen + (fog[c] + f(0.1) * p[17] * sun[c] - seen) * air


@inlined
def _apart(x: F32, y: int, i: int, j: int, k: int) -> bool:
    """Whether pixel i of row y and pixel k of row j of x [H, W, CHANNELS] lie on different surfaces; as
    `plate.edges_of`."""
    a, b = x[y, i], x[j, k]
    normal = max(abs(a[3] - b[3]), abs(a[4] - b[4]), abs(a[5] - b[5]))
    return bool((a[0] != b[0]) | (abs(a[1] - b[1]) > STEP) | (normal > TURN))


@kernel
def soften(hard: F32, seen: F32, color: F32, strength: np.float32, out: F32, first: int, last: int) -> None:
    """Rows first..last of the plate out [H, W, 4], alpha 1: edges of `seen`, the network's x, as soft as `hard` says;
    mixed with the engine's color where strength is below 1."""
    height, width, _ = hard.shape
    for y in range(first, last):
        up, down = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            left, right, soft = max(x - 1, 0), min(x + 1, width - 1), hard[y, x, 3]
            edge = _apart(seen, y, x, y, left) or _apart(seen, y, x, y, right)
            if not (edge or _apart(seen, y, x, up, x) or _apart(seen, y, x, down, x)):
                soft = f(0.0)
            for c in range(3):
                beside = f(0.25) * (hard[y, left, c] + hard[y, right, c] + hard[up, x, c] + hard[down, x, c])
                made = hard[y, x, c] + soft * (beside - hard[y, x, c])
                out[y, x, c] = clip(made * strength + color[y, x, c] * (ONE - strength), f(0.0), MOST)
            out[y, x, 3] = ONE


def warm_up() -> None:
    """Compiles the kernels, or loads them from where they were kept: not in the first frame of a show."""
    parts, raw, seen = (np.zeros(shape, np.float32) for shape in ((1, 1, PARTS), (1, 1, 1, ANSWERS), (1, 1, CHANNELS)))
    none, hard, color = np.zeros(3, np.float32), np.zeros((1, 1, 4), np.float32), np.zeros((1, 1, 4), np.float32)
    compose(parts, raw, exponents(1), none, none, hard, 0, 1)
    soften(hard, seen, color, ONE, np.zeros_like(color), 0, 1)
