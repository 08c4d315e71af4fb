"""What each shader function is asked, and what it should say: random rows and edges, against slow NumPy in float64.

The references are those that the rest of the project is held to: bridge/spaces.py, bridge/composite.py,
bridge/reproject_plainly.py, renderer/blend.py; plain formulas stand here where nothing else needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge import spaces
from bridge.composite import composite_plainly
from bridge.poses import pose_matrix
from bridge.reproject import RELATIVE_TOLERANCE, RIM_TOLERANCE, TOLERANCE_M, View, Warped, close_rims
from bridge.schema import Bodies, Camera, PlaneName, Pose
from renderer.bench.shaders import HEIGHT, IDS, WIDTH, Case
from renderer.blend import blend_reference
from renderer.conformance.readings.colour import linear_of_srgb, srgb_of_linear
from renderer.frame import Ownership

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U32 = NDArray[np.uint32]

ROWS = 400
NAN, INF = np.nan, np.inf
ODD = (0.0, -0.0, 1.0, -1.0, NAN, INF, -INF, 1e-38, 65504.0, 1e30)
LISTED = np.array([3, 4, 9, 200, 70000, 2**31, 2**32 - 2, 2**32 - 1], np.uint32)  # IDS of them, ascending
FEW, MANY = np.uint32(5), np.uint32(IDS)
REST = Camera(
    world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=spaces.gl_projection(60, 1, 0.1, 100)
)


def case(function: str, reference: Callable[..., ArrayLike], *given: ArrayLike, near: bool = False) -> Case:
    """`given` as float32, int32 or uint32, [N] or [N, components]. `near`: the answer may jump between numbers that
    float32 does not tell apart; rows where it does are not decided."""
    parts = tuple(_part(part) for part in given)
    exact = [part.astype(np.float64) if part.dtype == np.float32 else part for part in parts]
    with np.errstate(all="ignore"):
        expected = _answer(reference, exact)
        decided = np.ones(len(expected), np.bool_)
        for factor in (1 - 2e-6, 1 + 2e-6) if near else ():
            for n, part in enumerate(exact):
                if part.dtype == np.float64:
                    moved = _answer(reference, [*exact[:n], part * factor, *exact[n + 1 :]])
                    decided &= ~(np.abs(moved - expected) > 1e-3).any(axis=1)
    return Case(function, parts, expected, decided)


def _part(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
    return array.reshape(len(array), -1)


def _answer(reference: Callable[..., ArrayLike], given: list[NDArray[Any]]) -> F64:
    answer = np.asarray(reference(*(part[:, 0] if part.shape[1] == 1 else part for part in given)), np.float64)
    return answer.reshape(len(given[0]), -1)


def cases() -> list[Case]:
    """One for each function that takes no picture."""
    rng = np.random.default_rng(20)
    return [
        *_numbers(rng),
        *_depth(rng),
        *_motion(rng),
        *_normals(rng),
        *_light(rng),
        *_picture(rng),
        *_lens(rng),
        *_rims(rng),
    ]


def odd(rng: np.random.Generator, width: int, scale: float = 4.0) -> F64:
    """Random numbers [ROWS, width], with odd ones among them."""
    values = rng.normal(0.0, scale, (ROWS, width))
    places = rng.random(values.shape) < 0.15
    values[places] = rng.choice(ODD, int(places.sum()))
    return values


def _numbers(rng: np.random.Generator) -> list[Case]:
    one, four = odd(rng, 1), odd(rng, 4)
    vectors = rng.normal(0, 3, (ROWS, 3))
    vectors[:3] = 0.0
    return [
        case("wp_is_finite", np.isfinite, one),
        case("wp_is_infinite", np.isinf, one),
        case("wp_is_nan", np.isnan, one),
        case("wp_are_finite", lambda v: np.isfinite(v).all(axis=1), four),
        case("wp_unit", _unit, vectors),
    ]


def _unit(v: F64) -> F64:
    unit: F64 = np.nan_to_num(v / np.linalg.norm(v, axis=-1, keepdims=True))
    return unit


def _depth(rng: np.random.Generator) -> list[Case]:
    device = rng.random(ROWS) ** rng.choice([1, 3, 8], ROWS)
    device[:6] = (0.0, 1.0, 1e-7, 1e-30, NAN, -0.0)
    near = rng.uniform(0.01, 1.0, ROWS)
    far = near * 10 ** rng.uniform(1, 5, ROWS)
    far[::4] = INF
    gl = 1.0 - device
    return [
        case("wp_depth_terms", _terms, near, far),
        case("wp_depth_from_terms", lambda d, t: _reversed(d, t[:, 0], t[:, 1]), device, _terms(near, far)),
        case("wp_depth_from_reversed", _depth_from_reversed, device, near, far),
        case("wp_depth_from_infinite", spaces.depth_from_infinite, device, near),
        case("wp_depth_from_gl", _depth_from_gl, gl, near, far),
    ]


def _terms(near: F64, far: F64) -> F64:
    ratio = near / far
    return np.stack([ratio / (1 - ratio), near / (1 - ratio)], axis=1)


def _reversed(device: F64, offset: F64, scale: F64) -> F64:
    return np.where(device > 0, scale / (device + offset), np.inf)


def _depth_from_reversed(device: F64, near: F64, far: F64) -> F64:
    finite = spaces.depth_from_reversed(device, near, np.where(np.isinf(far), 1.0, far))
    return np.where(np.isinf(far), spaces.depth_from_infinite(device, near), finite)


def _depth_from_gl(device: F64, near: F64, far: F64) -> F64:
    finite = spaces.depth_from_gl(device, near, np.where(np.isinf(far), 1.0, far))
    infinite = np.where(device < 1, near / (1 - device), np.inf)
    return np.where(np.isinf(far), infinite, finite)


def _motion(rng: np.random.Generator) -> list[Case]:
    raw = rng.normal(0, 0.1, (ROWS, 2))
    raw[:5] = ((0, 0), (-1, -1), (-1, 0), (2, 0.5), (-1.5, -2))
    codes = rng.integers(0, 65536, (ROWS, 2))
    codes[:6] = ((0, 0), (0, 32767), (32767, 32767), (65535, 65535), (30039, 32767), (32768, 32766))
    unorm = (codes / 65535.0).astype(np.float32)
    uv, depth = rng.random((ROWS, 2)), rng.uniform(0.1, 100.0, ROWS)
    depth[::5] = INF
    lens = np.stack([rng.uniform(0.5, 2, ROWS), rng.uniform(0.5, 3, ROWS), *rng.uniform(-0.2, 0.2, (2, ROWS))], axis=1)
    poses = _poses(rng, 0.3)
    poses[:20, 2, 3] = rng.uniform(50, 200, 20)  # so far ahead that much was behind the camera
    clip = _projection(lens) @ poses
    far = clip.copy()
    far[:, :, 3] = 0.0
    return [
        case("wp_motion_from_unity", spaces.motion_from_unity, raw),
        case("wp_motion_from_godot", spaces.motion_from_godot, raw),
        case("wp_motion_from_ndc", lambda v: v * (-0.5, 0.5), raw),
        case(
            "wp_unreal_velocity",
            lambda e: spaces.motion_from_unreal(np.stack([e, e * 0 + 0.5], 1) * 65535)[:, 0] * -2,
            unorm[1:, 1],
        ),
        case("wp_motion_from_unreal", lambda e: spaces.motion_from_unreal(e * 65535.0), unorm),
        case("wp_motion_of_camera", _motion_of_camera, uv, depth, lens, rng.normal(0, 1e-3, (ROWS, 2)), clip, far),
    ]


def _motion_of_camera(uv: F64, depth: F64, lens: F64, jitter: F64, clip: F64, far: F64) -> F64:
    ndc = np.stack([2 * uv[:, 0] - 1, 1 - 2 * uv[:, 1]], axis=1) - jitter
    ray = np.concatenate([(ndc + lens[:, 2:]) / lens[:, :2], np.full((len(uv), 1), -1.0)], axis=1)
    sky = np.isinf(depth)
    view = np.concatenate([np.where(sky[:, None], ray, ray * depth[:, None]), ~sky[:, None]], axis=1)
    at = np.where(sky[:, None], _times(far, view), _times(clip, view))
    moved = (at[:, :2] / at[:, 3:] - ndc) * (0.5, -0.5)
    return np.where(at[:, 3:] > 0, moved, np.nan)


def _times(matrix: F64, vector: F64) -> F64:
    turned: F64 = np.einsum("nij,nj->ni", matrix.reshape(-1, 4, 4), vector)
    return turned


def _poses(rng: np.random.Generator, reach_m: float) -> F64:
    turns = rng.normal((0.0, 0.0, 0.0, 1.0), 0.1, (ROWS, 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    return pose_matrix(np.concatenate([rng.normal(0, reach_m, (ROWS, 3)), turns], axis=1))


def _projection(lens: F64) -> F64:
    matrix = np.zeros((len(lens), 4, 4))
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 0, 2], matrix[:, 1, 2] = lens.T
    matrix[:, 2, 2], matrix[:, 2, 3], matrix[:, 3, 2] = -1.001, -0.2, -1.0
    return matrix


def _normals(rng: np.random.Generator) -> list[Case]:
    normal = _unit(rng.normal(0, 1, (ROWS, 3)))
    normal[0] = 0.0
    stored = np.round((normal * 0.5 + 0.5) * 1023) / 1023
    stored[0] = 0.5
    poses = _poses(rng, 0.0)
    flags = np.concatenate([np.arange(256) / 255.0, rng.random(ROWS - 256)])
    return [
        case("wp_normal_from_unity", lambda n: _unit(spaces.direction_from(spaces.UNITY, n)), normal),
        case("wp_normal_from_unreal", lambda n: np.nan_to_num(spaces.normal_from_unreal(n)), stored),
        case(
            "wp_normal_from_godot",
            lambda n, m: _times(m, np.pad(_unit(n * 2 - 1), ((0, 0), (0, 1))))[:, :3],
            stored,
            poses,
        ),
        case("wp_roughness_from_godot", spaces.roughness_from_godot, flags),
    ]


def _light(rng: np.random.Generator) -> list[Case]:
    light, scale = odd(rng, 3), rng.uniform(0.01, 20.0, ROWS)
    coded = rng.uniform(-0.2, 1.2, (ROWS, 3))
    coded[:5, 0] = (0.0, 0.04045, 0.0031308, 1.0, -1.0)
    return [
        case("wp_light_of", _exposed, light[:, 0], scale),
        case("wp_light_from_exposed", lambda v, s: _exposed(v, s[:, None]), light, scale),
        case("wp_srgb_of", srgb_of_linear, coded[:, 0]),
        case("wp_linear_of", linear_of_srgb, coded[:, 0]),
        case("wp_srgb_from_linear", srgb_of_linear, coded),
        case("wp_linear_from_srgb", linear_of_srgb, coded),
    ]


def _exposed(stored: F64, scale: F64) -> F64:
    return np.clip(stored * scale, -65504.0, 65504.0)


def _picture(rng: np.random.Generator) -> list[Case]:
    behind, over = odd(rng, 4), odd(rng, 4)
    over[:, 3] = np.where(rng.random(ROWS) < 0.7, rng.random(ROWS), over[:, 3])
    strength = rng.choice([0.0, 0.5, 1.0], ROWS)
    depth, near, far = rng.uniform(0, 10, ROWS), rng.uniform(0, 4, ROWS), rng.uniform(4, 12, ROWS)
    depth[:4], far[::3] = (INF, 0.0, 2.5, 3.5), INF
    near[2] = depth[2]
    label = rng.integers(0, 256, ROWS).astype(np.uint32)
    low, high = rng.integers(0, 2**32, (2, ROWS, 4)).astype(np.uint32)
    ids = np.where(rng.random(ROWS) < 0.5, rng.choice(LISTED, ROWS), rng.integers(0, 2**32, ROWS)).astype(np.uint32)
    count = rng.choice([np.uint32(0), FEW, MANY], ROWS).astype(np.uint32)
    return [
        case("wp_matte", _matte, over, strength),
        case("wp_composite", _composite, behind, over, strength),
        case("wp_is_outside", lambda d, n, f: (d < n) | (d > f), depth, near, far),
        case("wp_is_labelled", _labelled, label, low, high),
        case("wp_place_of_id", _place_of, ids, count),
        case("wp_engine_owns", _engine_owns, depth, near, far, label, low & high, high & ~low, ids, count),
    ]


def _matte(over: F64, strength: F64) -> F64:
    shown = np.isfinite(over).all(axis=1) & (over[:, 3] > 0)
    return np.where(shown, np.minimum(over[:, 3], 1) * strength, 0.0)


def _composite(behind: F64, over: F64, strength: F64) -> F64:
    plate = over.copy()
    plate[:, 3] = np.where(np.isfinite(over[:, 3]), np.minimum(over[:, 3], 1.0) * strength, over[:, 3])
    mixed: F64 = composite_plainly(behind[None], plate[None])[0]
    return mixed


def _labelled(label: U32, low: U32, high: U32) -> list[bool]:
    return [int(n) in _labels(a, b) for n, a, b in zip(label, low, high, strict=True)]


def _labels(low: U32, high: U32) -> frozenset[int]:
    bits = np.unpackbits(np.concatenate([low, high]).astype("<u4").view(np.uint8), bitorder="little")
    return frozenset(np.flatnonzero(bits).tolist())


def _place_of(ids: U32, count: U32) -> list[int]:
    return [LISTED[:n].tolist().index(i) if i in LISTED[:n] else int(n) for i, n in zip(ids, count, strict=True)]


def _engine_owns(*rows: NDArray[np.float64]) -> list[bool]:
    return [_owned(*row) for row in zip(*rows, strict=True)]


def _owned(depth: float, near: float, far: float, label: int, low: U32, high: U32, thing: int, count: int) -> bool:
    ownership = Ownership(frozenset(LISTED[:count].tolist()), _labels(low, high), near, far)
    planes = {
        PlaneName.DEPTH: np.array([[depth]], np.float64), PlaneName.LABEL: np.array([[label]]),
        PlaneName.OBJECT: np.array([[thing]]),
    }  # fmt: skip
    return bool(blend_reference(np.ones((1, 1, 4), np.float16), planes, ownership)[0, 0, 3] == 0)


def _lens(rng: np.random.Generator) -> list[Case]:
    pixel = np.stack([rng.integers(0, WIDTH, ROWS), rng.integers(0, HEIGHT, ROWS)], axis=1).astype(np.int32)
    size = np.tile(np.array([WIDTH, HEIGHT], np.int32), (ROWS, 1))
    depth, jitter = rng.uniform(0.2, 50, ROWS), rng.uniform(-0.5, 0.5, (ROWS, 2))
    depth[::7] = INF
    lens = np.stack([rng.uniform(0.5, 2, ROWS), rng.uniform(0.5, 3, ROWS), *rng.uniform(-0.2, 0.2, (2, ROWS))], axis=1)
    projection = _projection(lens)
    projection[:, 0, 1], projection[:, 1, 0] = rng.normal(0, 0.05, (2, ROWS))
    projection[::9, 3, 2], projection[::9, 3, 3] = 0.0, 1.0  # parallel rays
    view = rng.normal(0, 1, (ROWS, 3)) - (0, 0, 5)
    here = 1 / rng.uniform(0.2, 50, ROWS)
    there = here * rng.normal(1, 0.01, ROWS)
    there[::6], here[::12] = 0.0, 0.0
    return [
        case("wp_unproject", _unproject, pixel, depth, projection, jitter, size),
        case("wp_project", _project, view, projection, jitter, size),
        case("wp_inverse_depth", lambda d: 1 / d, depth),
        case("wp_agrees", _agrees, here, there, near=True),
    ]


def _agrees(here: F64, there: F64) -> NDArray[np.bool_]:
    return np.abs(here - there) <= np.maximum(RELATIVE_TOLERANCE * there, TOLERANCE_M * here * there)


def _unproject(pixel: F64, depth: F64, projection: F64, jitter: F64, size: F64) -> F64:
    p, sky = projection.reshape(-1, 4, 4), np.isinf(depth)
    z = np.where(sky, 1.0, depth)
    ndc = ((pixel + 0.5 - jitter) / size * 2 - 1) * (1, -1)
    w = p[:, 3, 3] - p[:, 3, 2] * z
    right = ndc * w[:, None] + p[:, :2, 2] * z[:, None] - p[:, :2, 3]
    xy = np.linalg.solve(p[:, :2, :2], right[..., None])[..., 0]
    return np.concatenate([xy, -z[:, None], ~sky[:, None]], axis=1)


def _project(view: F64, projection: F64, jitter: F64, size: F64) -> F64:
    clip = _times(projection, np.pad(view, ((0, 0), (0, 1)), constant_values=1.0))
    return (clip[:, :2] / clip[:, 3:] * (1, -1) + 1) / 2 * size + jitter - 0.5


def _rims(rng: np.random.Generator) -> list[Case]:
    depth = rng.uniform(1, 3, ROWS)
    depth[::4] = INF
    thing = rng.integers(0, 2, ROWS).astype(np.uint32)
    beside: list[NDArray[np.float32] | NDArray[np.uint32]] = []
    for _ in range(4):
        known = np.concatenate([rng.random((ROWS, 4)), rng.choice([0.0, 0.3, 1.0], (ROWS, 1))], axis=1)
        known[known[:, 4] == 0] = 0.0
        their = np.where(rng.random(ROWS) < 0.7, depth * rng.normal(1, 0.05, ROWS), rng.choice([INF, 2.0], ROWS))
        other = np.where(rng.random(ROWS) < 0.8, thing, 5).astype(np.uint32)
        floats = np.concatenate([known, their[:, None]], axis=1).astype(np.float32)
        beside.append(np.concatenate([floats.view(np.uint32), other[:, None]], axis=1))
    return [
        case(
            "wp_from_beside",
            lambda d, o, b: [_given(*row) for row in zip(d, o, b, strict=True)],
            depth,
            thing,
            beside[0],
        ),
        case(
            "wp_fill_hole",
            lambda d, o, *b: [_filled(*row) for row in zip(d, o, *b, strict=True)],
            depth,
            thing,
            *beside,
        ),
    ]


def _given(depth: float, thing: int, beside: U32) -> F64:
    over, confidence, their = (
        *np.split(beside[:5].view(np.float32).astype(np.float64), [4]),
        beside[5:6].view(np.float32)[0],
    )
    near = np.isfinite(their) and abs(depth - their) <= RIM_TOLERANCE * their
    same = (near or (np.isinf(depth) and np.isinf(their))) and thing == beside[6]
    weight = confidence[0] * same
    given: F64 = np.array([*(over[:3] * over[3]), over[3], 1.0]) * weight
    return given


def _filled(depth: float, thing: int, *beside: U32) -> F64:
    """By `close_rims` of a picture of three by three, whose corners are unknown."""
    onto = Warped(np.zeros((3, 3, 4), np.float32), np.zeros((3, 3), np.float32))
    depths, things = np.ones((3, 3), np.float32), np.full((3, 3), 99, np.uint32)
    depths[1, 1], things[1, 1] = depth, thing
    for at, words in zip(((1, 0), (1, 2), (0, 1), (2, 1)), beside, strict=True):
        floats = words[:6].view(np.float32)
        onto.plate[at], onto.confidence[at], depths[at], things[at] = floats[:4], floats[4], floats[5], words[6]
    close_rims(onto, View(1, REST, Bodies(), depths, things))
    return np.append(onto.plate[1, 1], onto.confidence[1, 1]).astype(np.float64)
