"""limn's plates of planes that stay on the device are those of the CPU: a show of several frames, whatever they hold.

torch and the kernels run on the CPU here, with the orchestration that a GPU has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from device_frames import device_frame, plate_of
from gpu_stage import SLOTS, Stage, frame_of
from gpu_stand_in import StandIn
from numpy.typing import NDArray

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.errors import ModelFailed, NotSupported
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import (
    ControlValue,
    Disposition,
    Frame,
    PlaneName,
    PlaneOffer,
    PlanesAck,
    Result,
    Transport,
    Welcome,
)
from renderer.evaluate.image import psnr_db, tone_map
from renderer.frame import Ownership, RenderFrame
from renderer.models.limn import on_device
from renderer.models.limn.model import Limn
from renderer.recall import World

CONTROLS: dict[str, ControlValue] = {c.name: c.default for c in Limn.card.controls}
LEAST_DB = 80.0  # on the display
Spoil = Callable[[PlaneViews], None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="module")
def gpu(folder: Path) -> StandIn:
    return StandIn.or_skip(folder)


@pytest.fixture(scope="module")
def limn() -> Iterator[Limn]:
    loaded = Limn(runtime="torch")
    yield loaded
    loaded.close()


def show(width: int, height: int, spoil: Spoil, frames: int) -> Iterator[tuple[Frame, PlaneViews]]:
    """Frames of the courtyard, whose planes are spoilt."""
    engine = EmbeddedEngine(courtyard(3), width, height)
    layouts = pack_layouts(FORMATS, width, height)
    for number in range(1, frames + 1):
        engine.step(1 / 25)
        planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
        engine.render(planes)
        spoil(planes)
        header = Frame(session="0" * 32, id=number, capture_ns=1, camera=engine.camera(), bodies=engine.bodies())
        yield header, planes


def on_the_cpu(limn: Limn, header: Frame, planes: PlaneViews, controls: dict[str, ControlValue]) -> NDArray[np.float16]:
    plate = np.zeros((*planes[PlaneName.DEPTH].shape, 4), np.float16)
    limn.step(RenderFrame(header, planes, plate, controls, Ownership()), World(seed=7), plate)
    return plate


def whole(planes: PlaneViews) -> None:
    """As they are."""


def without_more_than_needed(planes: PlaneViews) -> None:
    for name in planes.keys() - Limn.card.needs:
        del planes[name]


def full_of_nonsense(planes: PlaneViews) -> None:
    rng = np.random.default_rng(3)
    for name in (PlaneName.COLOR, PlaneName.NORMAL, PlaneName.ALBEDO, PlaneName.MATERIAL, PlaneName.DEPTH):
        for value in (np.nan, np.inf, -np.inf, -2.0):
            planes[name][rng.uniform(size=planes[name].shape[:2]) < 0.02] = value


def empty(planes: PlaneViews) -> None:
    planes[PlaneName.DEPTH][:] = np.inf


@pytest.mark.parametrize(
    ("size", "spoil", "asked"),
    [
        ((96, 54), whole, {}),
        ((61, 37), whole, {"snow": 0.7, "sun_elevation_deg": 8.0}),
        ((64, 40), without_more_than_needed, {"sun_elevation_deg": -20.0, "wetness": 0.8}),
        ((64, 40), full_of_nonsense, {"autumn": 0.9, "strength": 0.6}),
        ((64, 40), empty, {"cloud": 0.7}),
        ((500, 24), whole, {"fog": 0.5, "extend_label": "wall"}),
    ],
    ids=["whole", "of odd sizes", "of needed planes alone", "full of nonsense", "without geometry", "wide"],
)
def test_a_show_looks_the_same(
    gpu: StandIn, limn: Limn, size: tuple[int, int], spoil: Spoil, asked: dict[str, ControlValue]
) -> None:
    controls = CONTROLS | asked
    for header, planes in show(*size, spoil, frames=2):
        frame = device_frame(gpu, header, planes, controls)
        limn.prepare_on_device(frame)
        warm = gpu.counters.figures()
        limn.step_on_device(frame, World(seed=7))
        assert gpu.counters.allocations == warm["allocations"]
        assert gpu.counters.cpu_waits == warm["cpu_waits"]
        ours, theirs = (p.astype(np.float32) for p in (plate_of(frame), on_the_cpu(limn, header, planes, controls)))
        assert (ours[..., 3] == 1.0).all()
        assert psnr_db(tone_map(ours[..., :3]), tone_map(theirs[..., :3])) >= LEAST_DB


def test_a_session_is_served_in_the_engines_own_memory_and_no_pixel_is_copied(
    folder: Path, limn: Limn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limn, "card", replace(limn.card, on_device=True))  # as where torch has a GPU
    size = (64, 36)
    stage = Stage(StandIn.or_skip(folder), folder, limn)
    offers = tuple(PlaneOffer(name=name, formats=(form,)) for name, form in FORMATS.items())
    welcome = stage.hello(width=size[0], height=size[1], planes=offers, seed=7)
    assert isinstance(welcome, Welcome)
    assert welcome.transport is Transport.CUDA
    offer = stage.offer(welcome)
    stage.send(offer)
    assert stage.next() == PlanesAck(session=welcome.session, generation=1, ok=True)
    assert stage.memory is not None
    for number, (header, planes) in enumerate(show(*size, whole, frames=4), 1):
        base = number % SLOTS * offer.slot_bytes
        for name, plane in views(stage.memory, offer.planes, base, writeable=True).items():
            plane[...] = planes[name]
        stage.gpu.timelines[0].value = number
        asked = frame_of(welcome, number, number % SLOTS, camera=header.camera, bodies=header.bodies)
        result = stage.ask(asked)
        assert isinstance(result, Result)
        assert (result.disposition, result.done_value, result.host_bytes_copied) == (
            Disposition.GENERATED, number, 0,
        )  # fmt: skip
        ours = views(stage.memory, offer.outputs, base, writeable=False)[PlaneName.PLATE].astype(np.float32)
        theirs = on_the_cpu(limn, header, planes, CONTROLS).astype(np.float32)
        assert psnr_db(tone_map(ours[..., :3]), tone_map(theirs[..., :3])) >= LEAST_DB
        if number == 1:
            warm = stage.gpu.counters.figures()
    counted = stage.gpu.counters.figures()
    assert counted | {"frames": 0} == warm | {"frames": 0}  # but for frames, nothing since the first
    stage.close()


def test_a_set_that_is_to_go_on_is_refused_with_what_to_do(gpu: StandIn, limn: Limn) -> None:
    header, planes = next(show(32, 20, whole, frames=1))
    frame = device_frame(gpu, header, planes, CONTROLS | {"extend_m": 100.0})
    with pytest.raises(NotSupported, match="ground") as refused:
        limn.step_on_device(frame, World(seed=7))
    assert "extend_m" in refused.value.fix


def test_a_picture_that_the_gpu_has_no_room_for_is_refused_once_and_for_all(
    gpu: StandIn, limn: Limn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("no room for 9 GiB")

    header, planes = next(show(48, 20, whole, frames=1))
    frame = device_frame(gpu, header, planes, CONTROLS)
    monkeypatch.setattr(on_device, "DeviceCanvas", full)
    with pytest.raises(ModelFailed, match=r"48x20 .*no room for 9 GiB"):
        limn.prepare_on_device(frame)
    monkeypatch.undo()
    with pytest.raises(ModelFailed, match="no room"):
        limn.step_on_device(frame, World(seed=7))


def test_a_network_on_the_cpu_leaves_planes_there(limn: Limn) -> None:
    assert not limn.card.on_device
