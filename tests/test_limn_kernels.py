"""limn's kernels are its CPU path, pixel by pixel: their own source, run thread by thread, whatever the planes hold."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
import torch
from device_frames import device_frame, plate_of
from gpu_stand_in import StandIn
from numpy.typing import NDArray
from test_limn_fused import DAY, STRIDE, WEATHERS, court, noise

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, Frame, Label, PlaneName
from renderer.cuda.compile import ptx_path
from renderer.cuda.limn import LIMN, MOST_BODIES
from renderer.models.limn.extension import opened
from renderer.models.limn.finish import compose, exponents, soften
from renderer.models.limn.fused import Fused
from renderer.models.limn.light import Light
from renderer.models.limn.on_device import DeviceCanvas
from renderer.models.limn.plate import ANSWERS
from renderer.runtimes import Step
from renderer.runtimes.on_device import Lane

F32 = NDArray[np.float32]
Looked = tuple[PlaneViews, Camera, Bodies]
Pairs = dict[str, tuple[F32, F32]]
CLOSE = 1e-4  # on channels, answers and plates of about 1; of larger ones that share


@pytest.fixture(scope="module")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn.or_skip(tmp_path_factory.mktemp("kernels"))


@dataclass
class Answering:
    """A network whose answers are given, and its inputs seen."""

    answers: F32
    inputs: Sequence[torch.Tensor] = field(default_factory=list)

    def bind_device(self, inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> Step:
        self.inputs = inputs
        return partial(self._answer, outputs[0])

    def _answer(self, answers: torch.Tensor) -> None:
        answers.copy_(torch.from_numpy(self.answers))


def both(gpu: StandIn, look: Looked, light: Light, strength: float = 1.0, label: Label | None = None) -> Pairs:
    """(Of the kernels, of the CPU's path): x, low, told, and the plate for the same answers."""
    planes, camera, bodies = look
    height, width = planes[PlaneName.DEPTH].shape
    fused = Fused(width, height, STRIDE)
    fused.see(planes if label is None else opened(planes, label), camera, bodies, light)
    answers = np.random.default_rng(7).normal(0, 3, (1, *fused.x.shape[:2], ANSWERS)).astype(np.float32)
    hard, picture = np.zeros((height, width, 4), np.float32), np.zeros((height, width, 4), np.float32)
    compose(fused.parts, answers, exponents(width), light.sky.sun, light.sky.fog, hard, 0, height)
    soften(hard, fused.x, fused.color, np.float32(strength), picture, 0, height)
    network = Answering(answers)
    canvas = DeviceCanvas(width, height, gpu, Lane("cpu"), network)
    header = Frame(session="0" * 32, id=1, capture_ns=1, camera=camera, bodies=bodies)
    frame = device_frame(gpu, header, planes)
    canvas.paint(frame, light, strength, label)
    x, low, told = (tensor.numpy()[0] for tensor in network.inputs)
    plate = plate_of(frame).astype(np.float32)
    return {"x": (x, fused.x), "low": (low, fused.low), "told": (told, fused.told[0]), "plate": (plate, picture)}


def differing(pair: tuple[F32, F32], close: float = CLOSE) -> float:
    """Share of the pixels that are not alike; of numbers where there are no pixels."""
    this, that = pair
    far = ~np.isclose(this, that, atol=close, rtol=close)
    return float(far.reshape(-1, far.shape[-1]).any(axis=1).mean())


def assert_alike(pairs: Pairs, most: float = 0.0) -> None:
    """Rounding decides on which side of a lattice point's edge a pixel lies; `most` are on another."""
    for name in ("x", "low", "told"):
        assert differing(pairs[name]) <= most, name
    assert differing(pairs["plate"], 1e-3) <= most  # in half floats


@pytest.mark.parametrize("weather", WEATHERS)
def test_a_courtyard_is_shown_and_painted_as_on_the_cpu(gpu: StandIn, weather: str) -> None:
    assert_alike(both(gpu, court(96, 54), WEATHERS[weather]))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 64), (17, 65), (40, 131)])
def test_planes_of_any_size_are(gpu: StandIn, height: int, width: int) -> None:
    for light in WEATHERS.values():
        assert_alike(both(gpu, noise(height, width, height * width), light))


def test_a_large_picture_is_shown_to_the_trunk_as_its_mean(gpu: StandIn) -> None:
    pairs = both(gpu, court(500, 40), DAY)
    assert pairs["low"][0].shape[1] * 2 == pairs["x"][0].shape[1]
    assert_alike(pairs)


@pytest.mark.parametrize("missing", [PlaneName.ALBEDO, PlaneName.LABEL, PlaneName.MATERIAL])
def test_an_optional_plane_may_be_missing(gpu: StandIn, missing: PlaneName) -> None:
    planes, camera, bodies = court(64, 36)
    del planes[missing]
    assert_alike(both(gpu, (planes, camera, bodies), DAY))


def test_planes_of_floats_are_taken_as_those_of_half_floats(gpu: StandIn) -> None:
    planes, camera, bodies = noise(9, 40, 2)
    for name in (PlaneName.COLOR, PlaneName.NORMAL, PlaneName.ALBEDO, PlaneName.MATERIAL):
        planes[name] = planes[name].astype(np.float32)
    assert_alike(both(gpu, (planes, camera, bodies), DAY))


def test_what_is_no_number_becomes_the_same_harmless_value(gpu: StandIn) -> None:
    planes, camera, bodies = court(64, 36)
    rng = np.random.default_rng(3)
    for name in (PlaneName.COLOR, PlaneName.NORMAL, PlaneName.ALBEDO, PlaneName.MATERIAL, PlaneName.DEPTH):
        for value in (np.nan, np.inf, -np.inf, -2.0):
            planes[name][rng.uniform(size=(36, 64)) < 0.03] = value
    pairs = both(gpu, (planes, camera, bodies), DAY, strength=0.4)
    assert np.isfinite(pairs["x"][0]).all()
    assert np.isfinite(pairs["plate"][0]).all()
    assert_alike(pairs)


def test_a_scene_without_any_geometry_is_sky(gpu: StandIn) -> None:
    planes, camera, bodies = court(64, 36)
    planes[PlaneName.DEPTH][:] = np.inf
    pairs = both(gpu, (planes, camera, bodies), WEATHERS["rainy night"])
    assert (pairs["x"][0][..., 0] == 0.0).all()
    assert_alike(pairs)


def test_a_set_is_open_where_its_label_says(gpu: StandIn) -> None:
    look = court(64, 36)
    walls = both(gpu, look, DAY, label=Label.WALL)
    assert (walls["x"][0][..., 0] != both(gpu, look, DAY)["x"][0][..., 0]).any()
    assert_alike(walls)


def test_more_lamps_and_bodies_than_fit_one_launch_are_all_there(gpu: StandIn) -> None:
    planes, camera, _ = noise(40, 96, 11)
    count, rng = 2 * MOST_BODIES + 3, np.random.default_rng(1)
    planes[PlaneName.OBJECT] = rng.integers(0, 2 * count, (40, 96)).astype(np.uint32)
    planes[PlaneName.LABEL][rng.uniform(size=(40, 96)) < 0.4] = int(Label.LIGHT)
    turns = rng.normal(size=(count, 4))
    poses = np.concatenate([rng.uniform(-9, 9, (count, 3)), turns / np.linalg.norm(turns, axis=1)[:, None]], axis=1)
    ids = rng.permutation(2 * count)[:count].astype("<u4")
    bodies = Bodies(
        count=count, ids=ids.tobytes(), labels=bytes(count), poses=poses.astype("<f8").tobytes(),
        previous_poses=poses.astype("<f8").tobytes(), velocities=bytes(24 * count),
    )  # fmt: skip
    assert_alike(both(gpu, (planes, camera, bodies), DAY))


def test_a_frame_allocates_nothing_copies_nothing_and_waits_for_nothing(gpu: StandIn) -> None:
    planes, camera, bodies = court(64, 36)
    canvas = DeviceCanvas(64, 36, gpu, Lane("cpu"), Answering(np.zeros((1, 48, 64, ANSWERS), np.float32)))
    header = Frame(session="0" * 32, id=1, capture_ns=1, camera=camera, bodies=bodies)
    frame = device_frame(gpu, header, planes)
    canvas.paint(frame, DAY, 1.0)
    before = gpu.counters.figures()
    canvas.paint(frame, DAY, 1.0)
    assert gpu.counters.figures() == before
    canvas.paint(frame, WEATHERS["snow"], 1.0)
    changed = {name for name, count in gpu.counters.figures().items() if count != before[name]}
    assert changed == {"host_to_device_bytes"}  # its tables


def test_every_kernel_is_in_the_ptx_with_its_struct_and_keeps_nothing_but_registers() -> None:
    shipped = ptx_path(LIMN.name).read_text()
    for name, kind in LIMN.kinds.items():
        assert f"{name}_param_0[{ctypes.sizeof(kind)}]" in shipped
    assert ".local" not in shipped
    assert ".approx" not in shipped  # arithmetic is IEEE's


def test_equal_frames_give_equal_bits(gpu: StandIn) -> None:
    look = noise(17, 65, 5)
    first, second = (both(gpu, look, WEATHERS["autumn"])["plate"][0] for _ in range(2))
    assert first.tobytes() == second.tobytes()
