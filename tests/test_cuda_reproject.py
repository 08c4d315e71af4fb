"""The kernel that carries plates to later frames, on the CPU, against the plain references."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from gpu_planes import GAP_PX, array_of, frame_on, plane_of
from gpu_stand_in import StandIn
from numpy.typing import NDArray
from test_reproject import BOX, Scene, box_at, camera, projection

from bridge.errors import InvalidValue
from bridge.planes import CHANNELS
from bridge.reproject import View, Warped, close_rims, lay_with_numpy, nothing_known, source_of
from bridge.reproject_plainly import reproject_plainly
from bridge.schema import Bodies, Camera, Frame, PixelFormat, PlaneName
from renderer.blend import blend_reference
from renderer.cuda.frame import DeviceFrame
from renderer.cuda.ingest import ingest
from renderer.cuda.kernels import KEEP, MOST_BODIES, Keep
from renderer.cuda.planes import DevicePlane
from renderer.cuda.reproject import Laid, reproject
from renderer.frame import Ownership

WIDTH, HEIGHT = 27, 13  # of no block's size
NOTHING = Ownership()
Plate = NDArray[np.float16]


@pytest.fixture(scope="module")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn.or_skip(tmp_path_factory.mktemp("reproject"))


def seen(scene: Scene, jitter: tuple[float, float] = (0.0, 0.0), *, objects: bool = True, motion: Any = None) -> View:
    """A piece of the scene, by a lens of its own: the references care for no more."""
    lens = msgspec.structs.replace(scene.camera, jitter_px=jitter, projection=projection(WIDTH, HEIGHT, 30.0))
    ids = np.ascontiguousarray(scene.objects[10:36:2, 20:74:2]) if objects else None
    depth_m = np.ascontiguousarray(scene.depth_m[10:36:2, 20:74:2])
    return View(scene.frame_id, lens, scene.bodies, depth_m, ids, motion)


def painted(seed: int) -> Plate:
    return np.random.default_rng(seed).uniform(0, 1, (HEIGHT, WIDTH, 4)).astype(np.float16)


def header_of(of: View) -> Frame:
    return Frame(session="0" * 32, id=of.frame_id, capture_ns=1, camera=of.camera, bodies=of.bodies)


def planes_of(of: View) -> dict[PlaneName, NDArray[Any]]:
    found = {PlaneName.DEPTH: of.depth_m, PlaneName.OBJECT: of.objects, PlaneName.MOTION: of.motion}
    return {name: plane for name, plane in found.items() if plane is not None}


def laid(source: View, plate: Plate, share: float = 0.0, trust: float = 1.0) -> Laid:
    planes = {name: plane_of(name, plane) for name, plane in planes_of(source).items()}
    return Laid(header_of(source), planes, plane_of(PlaneName.PLATE, plate), share, trust)


def by_kernel(
    gpu: StandIn, sources: list[Laid], target: View, ownership: Ownership = NOTHING, strength: float = 1.0,
    more: dict[PlaneName, NDArray[Any]] | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """Plate and confidence [H, W, 5]. What lies between the rows stays as it was."""
    frame = frame_on(gpu, header_of(target), planes_of(target) | (more or {}))
    confidence = plane_of(PlaneName.CONFIDENCE, np.full((HEIGHT, WIDTH), 7, np.float16))
    reproject(frame, sources, ownership, strength, confidence)
    found = np.concatenate([array_of(frame.plate), array_of(confidence)[..., None]], -1).astype(np.float64)
    for plane in (frame.plate, confidence):
        rows = np.asarray(plane.owner)[: plane.layout.row_pitch_bytes * HEIGHT].reshape(HEIGHT, -1)
        assert (rows[:, rows.shape[1] * WIDTH // (WIDTH + GAP_PX) :] == 0x7F).all()
    return found


def together(warped: Warped) -> NDArray[np.float64]:
    return np.concatenate([warped.plate, warped.confidence[..., None]], -1).astype(np.float64)


def differing(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """The share of pixels. At a threshold single precision may decide otherwise."""
    return float((np.abs(found - wanted) > 0.02).any(-1).mean())


CASES: dict[str, tuple[Camera, float, dict[str, Any]]] = {
    "nothing moved": (camera(), 0.0, {}),
    "the camera and a body": (camera(x=0.3317, yaw_deg=2.1, z=-0.4), 0.217, {}),
    "another jitter": (camera(x=-0.2171), -0.117, {"jitter": (0.31, -0.27)}),
    "no ids": (camera(yaw_deg=5.3), 0.4171, {"objects": False}),
    "no ids, and motion": (camera(x=0.1317), 0.317, {"objects": False, "motion": True}),
    "behind the camera": (camera(yaw_deg=170.0), 0.0, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_plate_is_carried_as_the_plain_reference_carries_it(gpu: StandIn, name: str) -> None:
    moved, step, how = CASES[name]
    rng, plate = np.random.default_rng(3), painted(5)
    motion = rng.normal(0, 0.03, (HEIGHT, WIDTH, 2)).astype(np.float32) if how.get("motion") else None
    if motion is not None:
        motion[2, :5] = np.nan
    objects, jitter = bool(how.get("objects", True)), how.get("jitter", (0.0, 0.0))
    before = seen(Scene(camera(), box_at(0.0)), objects=objects)
    now = seen(Scene(moved, box_at(step), 2), jitter, objects=objects, motion=motion)
    plate[1, 3], plate[2, 4], plate[3, 5, 3] = np.nan, np.inf, 0.0
    plain = reproject_plainly(before, plate, now).astype(np.float32)
    wanted = Warped(plain[..., :4].copy(), plain[..., 4].copy())
    close_rims(wanted, now)
    assert differing(by_kernel(gpu, [laid(before, plate)], now), together(wanted)) < 0.015
    assert (wanted.confidence > 0).mean() > (0.3 if name != "behind the camera" else -1)


def test_two_plates_fill_and_fade_as_the_reference_lays_them(gpu: StandIn) -> None:
    older, newer = seen(Scene(camera(x=1.2171), box_at(0.3))), seen(Scene(camera(), box_at(0.0), 2))
    now, plates = seen(Scene(camera(x=0.6171, yaw_deg=-1.37), box_at(-0.317), 9)), (painted(1), painted(2))
    for share in (0.0, 0.4):
        warped = nothing_known(HEIGHT, WIDTH)
        lay_with_numpy(source_of(newer, plates[1]), now, warped, 0.0, 0.9)
        alone = warped.confidence.copy()
        lay_with_numpy(source_of(older, plates[0]), now, warped, share, 0.5)
        assert (warped.confidence > alone).any()  # it fills
        close_rims(warped, now)
        found = by_kernel(gpu, [laid(newer, plates[1], trust=0.9), laid(older, plates[0], share, 0.5)], now)
        assert differing(found, together(warped)) < 0.015


def test_without_a_plate_nothing_is_shown(gpu: StandIn) -> None:
    assert not by_kernel(gpu, [], seen(Scene(camera(), box_at(0.0)))).any()


def crowd(count: int, step: float, hidden: int = 0) -> Bodies:
    """Bodies of the ids 1000 and up, each at a place of its own; the last `hidden` are not there."""
    ids = np.arange(1000, 1000 + count, dtype="<u4")
    poses = np.array([[at * 0.01 + step * at, 0.0, -6.0, 0, 0, 0, 1] for at in range(count)], "<f8")
    left = count - hidden
    return Bodies(
        count=left, ids=ids[:left].tobytes(), labels=bytes(left), poses=poses[:left].tobytes(),
        previous_poses=poses[:left].tobytes(), velocities=bytes(24 * left),
    )  # fmt: skip


def test_more_bodies_than_one_launch_takes_each_go_their_own_way_and_unknown_ones_are_holes(gpu: StandIn) -> None:
    count = MOST_BODIES * 2 + 5
    ids = (1000 + np.arange(WIDTH * HEIGHT) % count).astype(np.uint32).reshape(HEIGHT, WIDTH)
    ids = np.repeat(np.repeat(ids[::3, ::3], 3, 0), 3, 1)[:HEIGHT, :WIDTH]
    scene = seen(Scene(camera(), box_at(0.0)))
    flat = np.full((HEIGHT, WIDTH), 6.0, np.float32)
    before = View(1, scene.camera, crowd(count, 0.0, hidden=3), flat, ids)
    now = View(2, scene.camera, crowd(count, 0.0007), flat, ids)
    plate = painted(6)
    plain = reproject_plainly(before, plate, now).astype(np.float32)
    wanted = Warped(plain[..., :4].copy(), plain[..., 4].copy())
    close_rims(wanted, now)
    found = by_kernel(gpu, [laid(before, plate)], now)
    assert differing(found, together(wanted)) < 0.015
    assert not found[ids >= 1000 + count - 3].any()
    assert (found[..., 4] > 0).mean() > 0.3


@pytest.mark.parametrize("many", [False, True], ids=["few ids", "more ids than the kernel takes"])
def test_the_matte_is_set_in_the_same_pass(gpu: StandIn, many: bool) -> None:
    scene = Scene(camera(), box_at(0.0))
    view, plate, labels = seen(scene), painted(4), np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[3:5], plate[..., 3] = 200, 1.0
    view.depth_m[0, :2] = np.inf, np.nan
    owned = frozenset({BOX, *(range(500, 700) if many else ())})
    ownership = Ownership(objects=owned, labels=frozenset({200}), plate_near_m=3.0)
    whole = by_kernel(gpu, [laid(view, plate)], view, strength=0.5)[..., :4].astype(np.float16)
    found = by_kernel(gpu, [laid(view, plate)], view, ownership, 0.5, {PlaneName.LABEL: labels})
    wanted = blend_reference(whole, planes_of(view) | {PlaneName.LABEL: labels}, ownership)
    assert np.array_equal(found[..., :4].astype(np.float16), wanted)
    assert 0 < (wanted[..., 3] == 0).mean() < 1
    assert whole[6, 20, 3] == 0.5  # the strength


def test_a_slot_is_kept_to_its_last_byte(gpu: StandIn) -> None:
    source = np.random.default_rng(2).integers(0, 255, 16 * 5000, np.uint8)
    target = np.zeros(16 * 5003, np.uint8)
    places = [int(array.__array_interface__["data"][0]) for array in (source, target)]
    gpu.run(KEEP, Keep(source=places[0], target=places[1], words=5000, width=4096), 4096, 2)
    assert np.array_equal(target[: source.size], source)
    assert not target[source.size :].any()


INPUTS: dict[PlaneName, PixelFormat] = {
    PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.NORMAL: PixelFormat.RGBA32F, PlaneName.MOTION: PixelFormat.RG16F,
    PlaneName.MATERIAL: PixelFormat.RG32F, PlaneName.CONFIDENCE: PixelFormat.R16F, PlaneName.DEPTH: PixelFormat.R32F,
    PlaneName.OBJECT: PixelFormat.R32UI, PlaneName.LABEL: PixelFormat.R8UI,
}  # fmt: skip


def test_a_networks_input_is_read_from_every_format_and_is_finite(gpu: StandIn) -> None:
    rng = np.random.default_rng(9)
    planes = {name: made(name, form, rng) for name, form in INPUTS.items()}
    wanted = [(PlaneName.COLOR, 3), (PlaneName.NORMAL, 3), (PlaneName.MOTION, 2), (PlaneName.MATERIAL, 1),
              (PlaneName.CONFIDENCE, 1), (PlaneName.DEPTH, 1), (PlaneName.OBJECT, 1), (PlaneName.LABEL, 1)]  # fmt: skip
    target = np.full((HEIGHT, WIDTH, 13), 7, np.float32)
    plate = plane_of(PlaneName.PLATE, np.zeros((HEIGHT, WIDTH, 4), np.float16))
    frame = DeviceFrame(header_of(seen(Scene(camera(), box_at(0.0)))), planes, plate, gpu, {})
    ingest(frame, wanted, int(target.__array_interface__["data"][0]))
    parts = [array_of(planes[name]).reshape(HEIGHT, WIDTH, -1)[..., :channels] for name, channels in wanted]
    expected = np.concatenate([part.astype(np.float32) for part in parts], -1)
    assert not np.isfinite(expected).all()
    expected = np.nan_to_num(expected, nan=0.0, posinf=65504.0, neginf=-65504.0).clip(-65504.0, 65504.0)
    assert np.array_equal(target, expected)
    with pytest.raises(InvalidValue, match="5 channels of `color`"):
        ingest(frame, [(PlaneName.COLOR, 5)], 0)
    with pytest.raises(InvalidValue, match="9 planes"):
        ingest(frame, [(PlaneName.DEPTH, 1)] * 9, 0)


def made(name: PlaneName, form: PixelFormat, rng: np.random.Generator) -> DevicePlane:
    """A plane of any format; floats hold what is no number too."""
    shape = (HEIGHT, WIDTH) if CHANNELS[form] == 1 else (HEIGHT, WIDTH, CHANNELS[form])
    if form in (PixelFormat.R32UI, PixelFormat.R8UI):
        return plane_of(name, rng.integers(0, 250 if form is PixelFormat.R8UI else 1 << 30, shape), form)
    values = rng.normal(0, 30, shape).astype(np.float32)
    values.reshape(-1)[:4] = np.nan, np.inf, -np.inf, -0.0
    return plane_of(name, values, form)
