"""What a world remembers between frames, without a process: the last plate, the prior, holding a plate, resets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from memory_scene import HEIGHT, WIDTH, Scene
from numpy.typing import NDArray

from bridge.errors import InvalidValue
from bridge.planes import pack_layouts
from bridge.reproject import View, source_of
from bridge.schema import ControlType, Limits, PixelFormat, PlaneName, Reset, SyncMode, Transport, Welcome
from renderer.bench.drifting import Drifting
from renderer.frame import RenderFrame
from renderer.ingest import check_controls
from renderer.memory.mix import lit_of_halves, mix
from renderer.memory.plain import mix_plainly
from renderer.memory.prior import Prior, ShortMemory, prior_of
from renderer.memory.sight import Sight, lit_of
from renderer.memory.world import Remembered
from renderer.models import ModelCard, Recall
from renderer.models.limn.model import Limn
from renderer.models.passthrough import Passthrough
from renderer.recall import REMEMBER, World, controls_of, hold, look_of, memory_for, recall, remember

TAKEN = replace(Drifting.card, recall=Recall.TAKEN)


@dataclass
class StubMemory:
    """Remembers what it was told, in this process."""

    latest: Remembered | None = None
    told: list[str] = field(default_factory=list)

    def is_due(self, steps: int, every_s: float) -> bool:
        return True

    def look(self, sight: Sight, capture_ns: int, *, due: bool, wanted: bool) -> None:
        self.told.append("look")

    def await_recalled(self) -> None:
        self.told.append("await")

    def fuse(self, view: View, plate: NDArray[np.float16]) -> None:
        self.told.append("fuse")

    def clear(self) -> None:
        self.told.append("clear")


def step(world: World, frame: RenderFrame, gain: float = 1.0, card: ModelCard = Drifting.card) -> RenderFrame:
    """One frame of a model that paints the scene times a gain."""
    recall(world, frame, card)
    frame.plate[:] = Scene(eye_x=frame.header.camera.world_from_camera.position_m[0]).plate(gain)
    hold(world, frame, card)
    remember(world, frame, card)
    return frame


def prior(confidence: float, gain: float = 1.0) -> Prior:
    scene = Scene()
    trust = np.full((HEIGHT, WIDTH), confidence, np.float32)
    return Prior(1, scene.sight().view, scene.paint() * gain, trust, None, 0.0)


def test_the_last_plate_is_carried_to_the_frame_of_now() -> None:
    short = ShortMemory()
    before, now = Scene(eye_x=0.0), Scene(eye_x=0.1, frame=2)
    short.keep(before.sight().view, before.plate(), 40_000_000, look=1)
    said = prior_of(now.sight().view, 1, 1, 80_000_000, None, short)
    known = said.confidence > 0.3
    assert known.mean() > 0.8
    assert np.abs(said.color - now.paint())[known].mean() < 0.01
    assert said.age_s[known].max() == pytest.approx(0.04)
    assert np.isinf(said.age_s[~(said.confidence > 0)]).all()
    np.testing.assert_array_equal(said.depth_m[known], now.depth_m()[known])


def test_the_last_plate_says_nothing_under_another_look_or_of_another_size() -> None:
    short = ShortMemory()
    short.keep(Scene().sight().view, Scene().plate(), 0, look=1)
    view = Scene(frame=2).sight().view
    assert not prior_of(view, 1, 2, 0, None, short).confidence.any()
    small = replace(view, depth_m=view.depth_m[:10], objects=None)
    assert not prior_of(small, 1, 1, 0, None, short).confidence.any()


def test_the_long_memory_of_an_earlier_view_is_carried_and_goes_before_the_short_one() -> None:
    before, now = Scene(eye_x=0.0), Scene(eye_x=0.1, frame=2)
    told = before.plate(0.5)
    told[..., 3] = 0.8
    view = before.sight().view
    long = Remembered(view, source_of(view, told), before.depth_m(),
                      np.full((HEIGHT, WIDTH), 9.0, np.float32))  # fmt: skip
    short = ShortMemory()
    short.keep(view, before.plate(), 0, look=1)
    said = prior_of(now.sight().view, 1, 1, 1_000_000_000, long, short)
    known = said.confidence > 0.7
    assert known.mean() > 0.8
    assert np.abs(said.color - now.paint() * 0.5)[known].mean() < 0.01
    assert said.age_s[known].mean() == pytest.approx(9.0, abs=0.1)


def test_a_plate_is_held_by_strength_and_confidence_and_not_at_all_without() -> None:
    plate = Scene().plate(0.5)
    before = plate.copy()
    mix(plate, prior(0.0), 1.0)
    np.testing.assert_array_equal(plate, before)
    mix(plate, prior(1.0), 0.0)
    np.testing.assert_array_equal(plate, before)
    mix(plate, prior(1.0), 1.0)
    assert np.abs(plate[..., :3].astype(np.float32) - Scene().paint()).mean() < 0.01
    np.testing.assert_array_equal(plate[..., 3], before[..., 3])
    half = before.copy()
    mix(half, prior(0.5), 1.0)
    target = (np.sqrt(Scene().paint()) + np.sqrt(Scene().paint() * 0.5)) / 2
    assert np.abs(np.sqrt(half[..., :3].astype(np.float32)) - target).mean() < 0.01


def test_colours_that_are_no_numbers_stay_and_spoil_nothing() -> None:
    plate = Scene().plate(0.5)
    plate[10, 10, 0], plate[11, 30, 1] = np.nan, np.inf
    mix(plate, prior(1.0), 1.0)
    bad = ~np.isfinite(plate[..., :3].astype(np.float32))
    assert bad.sum() <= 2


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_compiled_mixing_does_what_the_plain_one_does(stride: int) -> None:
    random = np.random.default_rng(stride)
    plate = random.uniform(0, 2, (13, 17, 4)).astype(np.float16)
    plate[4, 5, 1], plate[6, 9] = np.inf, 0.0
    shape = plate[::stride, ::stride].shape[:2]
    depth = random.choice(np.array([0.6, 0.61, 2.0, 14.0, np.inf], np.float32), shape)
    objects = random.integers(0, 3, shape).astype(np.uint32)
    view = replace(Scene().sight().view, depth_m=depth, objects=objects if stride < 3 else None)
    color = random.uniform(-0.1, 2, (*shape, 4)).astype(np.float32)[..., :3]
    said = Prior(stride, view, color, random.uniform(-0.3, 1, shape).clip(0).astype(np.float32), None, 0.0)
    wide = np.zeros((13, 19, 4), np.float16)
    for given in (plate, wide[:, 1:18]):  # of its own, and a part of a larger picture
        given[:] = plate
        expected, before = mix_plainly(given, said, 0.7), given.copy()
        mix(given, said, 0.7)
        np.testing.assert_allclose(given[..., :3].astype(np.float32), expected, atol=1e-3, rtol=1e-3)
        unknown = np.repeat(np.repeat(said.confidence == 0, stride, 0), stride, 1)[:13, :17]
        np.testing.assert_array_equal(given[unknown], before[unknown])
        np.testing.assert_array_equal(given[..., 3], before[..., 3])
        plate = before
    assert not wide[:, [0, 18]].any()


def test_the_compiled_light_is_the_plain_one_bit_for_bit() -> None:
    bits = np.random.default_rng(3).integers(0, 1 << 16, (9, 14, 4)).astype(np.uint16)  # NaN and inf are among them
    color = bits.view(np.float16)
    with np.errstate(invalid="ignore"):
        for seen in (color, color[::2, ::2], color[..., :3], np.abs(color).astype(np.float32), None):
            shape = (3, 2) if seen is None else (seen.shape[0], seen.shape[1])
            np.testing.assert_array_equal(lit_of_halves(seen, shape), lit_of(seen, shape))


def test_an_inconsistent_model_flickers_less_with_its_short_memory() -> None:
    def flicker(strength: float) -> float:
        world, plates = World(seed=0), []
        for n in range(8):
            frame = Scene(frame=n + 1).render_frame(remember=strength)
            plates.append(step(world, frame, 1.0 + 0.2 * (-1) ** n).plate.astype(np.float32))
        return float(np.mean([np.abs(a - b).mean() for a, b in pairwise(plates[2:])]))

    assert flicker(0.8) < 0.75 * flicker(0.0)


def test_a_change_of_a_control_is_not_fought() -> None:
    world = World(seed=0)
    step(world, Scene(frame=1).render_frame(warmth=0.2))
    changed = step(world, Scene(frame=2).render_frame(warmth=0.9), gain=0.3)
    np.testing.assert_array_equal(changed.plate, Scene().plate(0.3))
    assert look_of({"remember": 0.1, "warmth": 0.2}) == look_of({"warmth": 0.2, "remember": 0.9})
    assert look_of({"warmth": 0.2}) != look_of({"warmth": 0.3})


@pytest.mark.parametrize("kind", [Reset.CUT, Reset.TELEPORT, Reset.NEW])
def test_a_reset_forgets_the_shot_and_a_new_world_its_places(kind: Reset) -> None:
    memory = StubMemory()
    world = World(seed=0, memory=memory)  # type: ignore[arg-type]
    step(world, Scene(frame=1).render_frame())
    after = step(world, Scene(frame=2).render_frame(reset=kind), gain=0.3)
    np.testing.assert_array_equal(after.plate, Scene().plate(0.3))
    assert (world.epoch, world.steps) == (1, 1)
    assert ("clear" in memory.told) == (kind is Reset.NEW)


def test_resets_at_every_frame_leave_every_plate_as_it_was_made() -> None:
    world = World(seed=0, memory=StubMemory())  # type: ignore[arg-type]
    for n in range(5):
        frame = step(world, Scene(frame=n + 1).render_frame(reset=Reset.NEW), gain=0.2 + 0.1 * n)
        np.testing.assert_array_equal(frame.plate, Scene().plate(0.2 + 0.1 * n))


def test_passthrough_is_neither_remembered_nor_held() -> None:
    memory = StubMemory()
    world = World(seed=0, memory=memory)  # type: ignore[arg-type]
    frame = step(world, Scene().render_frame(), card=Passthrough.card)
    assert memory.told == []
    assert world.sight is None
    assert world.short.view is None
    np.testing.assert_array_equal(frame.plate, Scene().plate())


def test_limn_is_remembered_and_its_plates_stay_as_they_are() -> None:
    memory = StubMemory()
    world = World(seed=0, memory=memory)  # type: ignore[arg-type]
    frame = step(world, Scene().render_frame(), gain=0.7, card=Limn.card)
    assert memory.told == ["look", "fuse"]
    np.testing.assert_array_equal(frame.plate, Scene().plate(0.7))


def test_a_model_that_takes_a_prior_has_it_before_it_paints() -> None:
    world = World(seed=0)
    step(world, Scene(frame=1).render_frame(), card=TAKEN)
    frame = Scene(frame=2).render_frame()
    recall(world, frame, TAKEN)
    assert world.prior is not None
    assert (world.prior.confidence > 0.3).mean() > 0.8
    frame.plate[:] = 0.25
    hold(world, frame, TAKEN)
    assert (frame.plate == 0.25).all()


def test_the_strength_is_a_control_of_models_whose_plates_are_held() -> None:
    assert REMEMBER in controls_of(Drifting.card)
    assert REMEMBER.type is ControlType.NUMBER
    for card in (Passthrough.card, Limn.card, TAKEN):
        assert REMEMBER not in controls_of(card)
    assert check_controls(controls_of(Drifting.card), {"remember": 1}, 10) == {"remember": 1.0}
    with pytest.raises(InvalidValue, match="remember"):
        check_controls(controls_of(Drifting.card), {"remember": 1.5}, 10)


def test_a_frame_without_depth_is_painted_and_not_remembered() -> None:
    world = World(seed=0)
    frame = Scene().render_frame()
    del frame.planes[PlaneName.DEPTH]
    step(world, frame)
    assert world.sight is None
    assert world.last is frame.header


def test_the_short_memory_is_saved_and_loaded_bit_for_bit() -> None:
    short, other = ShortMemory(), ShortMemory()
    assert short.save() == {}
    short.keep(Scene(box_moves=True).sight().view, Scene().plate(), 7, look=3)
    arrays = short.save()
    other.load(arrays)
    again = other.save()
    assert arrays.keys() == again.keys()
    assert all(arrays[name].tobytes() == again[name].tobytes() for name in arrays)
    with pytest.raises(InvalidValue, match="short memory"):
        other.load({"told": np.zeros(3, np.uint8)})
    other.load({})
    assert other.view is None


def test_without_the_planes_or_the_package_there_is_no_long_memory_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    def welcome(**changes: Any) -> Welcome:
        return Welcome(session="0" * 32, model="drifting", runtime="none", planes=(), outputs=(),
                       transport=Transport.INLINE, sync=SyncMode.OFFLINE, limits=Limits(), **changes)  # fmt: skip

    assert memory_for(Drifting.card, welcome(), 0) is None
    assert memory_for(Passthrough.card, welcome(), 100) is None
    assert caplog.messages == []
    assert memory_for(Drifting.card, welcome(), 100) is None
    assert "depth" in caplog.messages[0]
    planes = pack_layouts({PlaneName.DEPTH: PixelFormat.R32F, PlaneName.OBJECT: PixelFormat.R32UI}, 16, 8)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    all_planes = Welcome(session="0" * 32, model="drifting", runtime="none", planes=planes, outputs=(),
                         transport=Transport.INLINE, limits=Limits())  # fmt: skip
    assert memory_for(Drifting.card, all_planes, 100) is None
    assert 'pip install "worldplate[world]"' in caplog.messages[1]
