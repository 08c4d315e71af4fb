"""What limn remembers of a stream, as arrays: it goes on from them bit for bit, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.errors import SnapshotCorrupt
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.schema import ControlValue, Frame
from renderer.frame import Ownership, RenderFrame
from renderer.models.limn.model import Limn
from renderer.recall import World

WIDTH, HEIGHT = 64, 48
LAYOUTS = pack_layouts(FORMATS, WIDTH, HEIGHT)
CONTROLS: dict[str, ControlValue] = {c.name: c.default for c in Limn.card.controls} | {"strength": 1.0}


@pytest.fixture(scope="module")
def limn() -> Iterator[Limn]:
    loaded = Limn()
    yield loaded
    loaded.close()


def engine_after(steps: int) -> EmbeddedEngine:
    engine = EmbeddedEngine(courtyard(3), WIDTH, HEIGHT)
    for _ in range(steps):
        engine.step(1 / 25)
    return engine


def painted(limn: Limn, world: World, engine: EmbeddedEngine, ids: range) -> list[bytes]:
    """The plates of the next frames of an engine, whose ids are these."""
    plates = []
    for frame_id in ids:
        engine.step(1 / 25)
        header = Frame(session="0" * 32, id=frame_id, capture_ns=1, camera=engine.camera(), bodies=engine.bodies())
        planes = views(np.zeros(payload_bytes(LAYOUTS), np.uint8), LAYOUTS, writeable=True)
        engine.render(planes)
        plate = np.zeros((HEIGHT, WIDTH, 4), np.float16)
        limn.step(RenderFrame(header, planes, plate, CONTROLS, Ownership()), world, plate)
        plates.append(plate.tobytes())
    return plates


def test_it_goes_on_bit_for_bit_from_what_was_saved_whatever_the_ids_are_then(limn: Limn) -> None:
    world = World(seed=7)
    painted(limn, world, engine_after(0), range(1, 5))
    saved = limn.save_latents(world.latents)
    expected = painted(limn, world, engine_after(4), range(5, 9))
    again = World(seed=7, latents=limn.load_latents(saved))
    assert painted(limn, again, engine_after(4), range(900, 904)) == expected
    fresh = World(seed=7)
    assert painted(limn, fresh, engine_after(4), range(5, 9)) != expected  # what it remembers does matter


def test_nothing_remembered_is_saved_as_nothing(limn: Limn) -> None:
    assert limn.save_latents(None) == {}
    assert limn.load_latents({}) is None


@pytest.fixture(scope="module")
def saved(limn: Limn) -> dict[str, NDArray[Any]]:
    world = World(seed=2**63 - 1)  # with the control's own seed it is beyond a signed number
    painted(limn, world, engine_after(0), range(1, 2))
    return limn.save_latents(world.latents)


def test_what_was_saved_is_saved_again_the_same(limn: Limn, saved: dict[str, NDArray[Any]]) -> None:
    again = limn.save_latents(limn.load_latents(saved))
    assert {name: array.tobytes() for name, array in again.items()} == {n: a.tobytes() for n, a in saved.items()}


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("cells", np.zeros((2, 2), np.float32)),
        ("cells", np.full((1, 2, 2, 2), np.nan, np.float32)),
        ("depth_m", np.zeros((4, 4), np.float64)),
        ("weather", np.zeros(2)),
        ("weather", np.full(9, np.inf)),
        ("seed", np.array([-1], np.int64)),
        ("world_from_camera", np.full(7, np.nan)),
        ("more", np.zeros(3)),
    ],
)
def test_what_it_did_not_save_is_refused(
    limn: Limn, saved: dict[str, NDArray[Any]], name: str, array: NDArray[Any]
) -> None:
    with pytest.raises(SnapshotCorrupt):
        limn.load_latents({**saved, name: array})


def test_latents_of_another_size_are_not_believed(limn: Limn, saved: dict[str, NDArray[Any]]) -> None:
    other = {**saved, "depth_m": np.ones((3, 3), np.float32)}
    world, fresh = World(seed=7, latents=limn.load_latents(other)), World(seed=7)
    assert painted(limn, world, engine_after(0), range(1, 2)) == painted(limn, fresh, engine_after(0), range(1, 2))
