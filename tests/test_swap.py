"""Another model takes over while the show goes on: no frame is dropped or shown out of order, and a model that cannot
serve leaves the old one where it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scripted_renderer import CAMERA, PLANES, color_value

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.errors import (
    InvalidValue,
    MissingPlane,
    ModelFailed,
    ModelNotFound,
    NoRenderer,
    NotSupported,
    WorldplateError,
)
from bridge.link import listen
from bridge.operator import Operator
from bridge.schema import Control, ControlType, Disposition, Error, Limits, PlaneName, SyncMode, Transport, UseModel
from bridge.shown import Shown
from renderer.frame import RenderFrame
from renderer.models import ModelCard, load_model
from renderer.models.passthrough import Passthrough
from renderer.recall import World
from renderer.recorder import Recorder
from renderer.serve import Renderer


class Grey:
    """Plates of one grey, which a control moves; it takes what the test has it take."""

    def __init__(self, name: str, grey: float, **card: Any) -> None:
        level = Control(name=f"{name}_level", type=ControlType.NUMBER, text="How grey.", default=0.0)
        both = Control(name="both", type=ControlType.NUMBER, text="That both have.", default=0.0)
        told: dict[str, Any] = {"needs": frozenset({PlaneName.COLOR}), "optional": frozenset(PLANES), **card}
        self.card = ModelCard(name=name, controls=(level, both), **told)
        self.grey, self.closed, self.steps = grey, 0, 0
        self.seen: list[dict[str, Any]] = []
        self.step_does: Callable[[], None] = lambda: None

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        self.step_does()
        self.steps += 1
        self.seen.append(dict(frame.controls))
        plate[..., :3], plate[..., 3] = self.grey, 1.0
        world.latents = self.card.name if world.latents in (None, self.card.name) else "of another"

    def save_latents(self, latents: object) -> dict[str, Any]:
        return {}

    def load_latents(self, arrays: Any) -> object:
        return None

    def close(self) -> None:
        self.closed += 1


class House:
    """A renderer's loop with a first model, an engine, and models that can be asked for by name."""

    def __init__(self, first: Grey, folder: Path, *, records: bool = False, **others: Any) -> None:
        self.models = others
        self.loaded: list[str] = []
        self.load = threading.Event()
        self.load.set()
        self.link = listen(None, Limits(), folder)
        self.renderer = Renderer(
            self.link, first, self.link.connection.token, Limits(), load=self._load, names=self._names,
            recorder=Recorder(first, folder / "takes") if records else None,
        )  # fmt: skip
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.renderer.run, args=(self.stop,))
        self.thread.start()
        self.where = folder / "connection.json"
        self.client = Client(16, 8, PLANES, sync=SyncMode.OFFLINE, connection=self.where)
        self.client.connect()
        self.shown: list[Shown] = []
        self.greys: list[float] = []

    def _names(self) -> tuple[str, ...]:
        return ("first", *self.models, "no name")

    def _load(self, name: str) -> Any:
        self.loaded.append(name)
        assert self.load.wait(30.0)
        model = self.models.get(name)
        if isinstance(model, Exception):
            raise model
        return model or load_model(name, models_dir="/nonexistent")

    def show(self, frames: int = 1, **controls: float) -> Shown:
        for _ in range(frames):
            slot = self.client.begin()
            for name in PLANES:
                slot.inputs[name][...] = 1
            slot.inputs[PlaneName.COLOR][...] = color_value(slot.frame_id)
            self.client.submit(slot, CAMERA, controls=controls)
            shown = self.client.present()
            assert shown is not None
            self.shown.append(shown)
            self.greys.append(grey_of(shown))
        return self.shown[-1]

    def use(self, name: str) -> str:
        """Asks as a person's tool does, beside the show, which goes on until the answer is there."""
        told: list[str | WorldplateError] = []

        def ask() -> None:
            try:
                with Operator("test", self.where, timeout_s=30.0) as operator:
                    told.append(operator.ask(UseModel(model=name)).text)
            except WorldplateError as error:
                told.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        while asking.is_alive():
            self.show()
        asking.join()
        if isinstance(told[0], WorldplateError):
            raise told[0]
        return told[0]

    def close(self) -> None:
        self.client.close()
        self.stop.set()
        self.thread.join(30.0)
        assert not self.thread.is_alive()
        self.link.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    houses: list[House] = []

    def build(first: Grey, **others: Any) -> House:
        tmp_path.chmod(0o700)
        (tmp_path / "takes").mkdir(mode=0o700)
        houses.append(House(first, tmp_path, **others))
        return houses[-1]

    yield build
    for each in houses:
        each.close()


def grey_of(shown: Shown) -> float:
    return float(shown.picture()[0, 0, 0])


def test_the_old_model_serves_until_the_new_one_is_warm_and_no_frame_is_lost(house: Callable[..., House]) -> None:
    old, new = Grey("old", 0.25), Grey("new", 0.75)
    home = house(old, new=new)
    home.show(5)
    home.load.clear()
    threading.Timer(0.1, home.load.set).start()
    said = home.use("new")
    home.show(20)
    assert said == "new serves 1 engines in place of old"
    assert new.steps > 20  # those that warmed it
    assert [shown.frame_id for shown in home.shown] == list(range(1, len(home.shown) + 1))  # gap 0
    assert {shown.disposition for shown in home.shown} == {Disposition.GENERATED}
    assert grey_of(home.shown[-1]) == 0.75
    counts = home.client.ledger.counts
    assert counts[Disposition.DROPPED] == 0
    assert (old.closed, new.closed) == (1, 0)
    home.close()
    assert new.closed == 1


def test_the_pictures_change_over_at_one_frame_and_never_back(house: Callable[..., House]) -> None:
    home = house(Grey("old", 0.25), new=Grey("new", 0.75))
    home.show()
    home.use("new")
    home.show()
    changed = home.greys.index(0.75)
    assert set(home.greys[:changed]) == {0.25}
    assert set(home.greys[changed:]) == {0.75}


def test_the_engine_learns_the_new_models_controls_and_keeps_what_both_have(house: Callable[..., House]) -> None:
    old, new = Grey("old", 0.25), Grey("new", 0.75, response_window_ms=400.0, licence="MIT")
    home = house(old, new=new)
    session = home.client.welcome
    home.show(1, both=0.5, old_level=0.5)
    home.use("new")
    home.show(2, old_level=0.25)  # an engine that has not heard of it yet
    home.show(1, new_level=0.125)
    welcome = home.client.welcome
    assert session is not None
    assert welcome is not None
    assert (welcome.session, welcome.planes) == (session.session, session.planes)
    assert [control.name for control in welcome.controls] == ["new_level", "both"]
    assert (welcome.model, welcome.licence, welcome.stall_ms) == ("new", "MIT", 1200)
    assert new.seen[-1] == {"new_level": 0.125, "both": 0.5}
    assert home.client.errors == []


def test_an_engine_sees_which_models_there_are_and_changes_over_itself(house: Callable[..., House]) -> None:
    home = house(Grey("own.py", 0.25), new=Grey("new", 0.75))
    assert list(home.client.models) == ["own.py", "first", "new"]  # one serves that has no name to be asked by
    home.show()
    home.load.clear()
    change = home.client.use_model("new")
    home.show(3)
    done_too_early = change.done
    home.load.set()
    while not change.done:
        home.show()
    welcome = change.result()
    before = len(home.greys)
    home.show(2)
    assert not done_too_early
    assert (welcome.model, home.client.models) == ("new", ("first", "new"))
    assert home.greys == [0.25] * home.greys.index(0.75) + [0.75] * (len(home.greys) - home.greys.index(0.75))
    assert home.greys[before:] == [0.75, 0.75]
    assert home.client.ledger.counts[Disposition.GENERATED] == len(home.greys)


def test_an_engine_is_told_why_the_old_model_serves_on(house: Callable[..., House]) -> None:
    home = house(Grey("old", 0.25), bad=ModelFailed("the disk ate it", fix="Feed it."))
    home.show()
    with pytest.raises(ModelFailed, match="the disk ate it") as raised:
        home.client.use_model("bad").result(30.0)
    assert raised.value.fix == "Feed it."
    with pytest.raises(ModelNotFound, match="there is no model 'gone'"):
        home.client.use_model("gone").result(30.0)
    with pytest.raises(InvalidValue, match=r"'/tmp/own\.py:Model' is no name"):
        home.client.use_model("/tmp/own.py:Model")
    assert grey_of(home.show()) == 0.25
    assert home.client.errors == []
    home.stop.set()
    home.thread.join(30.0)
    with pytest.raises(NoRenderer, match="did not answer MODEL"):
        home.client.use_model("bad").result(0.2)


def test_a_take_is_of_one_model_and_says_no_before_another_is_loaded(house: Callable[..., House]) -> None:
    home = house(Grey("old", 0.25), records=True, new=Grey("new", 0.75))
    home.client.record("scene")
    home.show(2)
    with pytest.raises(NotSupported, match="being recorded into scene, and a take is of one model") as raised:
        home.client.use_model("new").result(30.0)
    assert raised.value.fix == "End the take, and ask again once its file is closed."
    assert (home.loaded, grey_of(home.show())) == ([], 0.25)


def broken() -> None:
    raise ValueError("no such operator")


def too_needy() -> Grey:
    return Grey("needy", 0.5, needs=frozenset({PlaneName.COLOR, PlaneName.NORMAL}))


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda: None, ModelNotFound, "there is no model 'other'"),
        (lambda: ModelFailed("the disk ate it", fix="Feed it."), ModelFailed, "the disk ate it"),
        (too_needy, MissingPlane, "needs normal, which .* does not send.*--model needy"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_serve_leaves_the_old_one_and_says_why(
    house: Callable[..., House], make: Callable[[], Any], kind: type[WorldplateError], said: str
) -> None:
    old, other = Grey("old", 0.25), make()
    home = house(old, other=other)
    with pytest.raises(kind, match=said):
        home.use("other")
    assert grey_of(home.show()) == 0.25
    assert old.closed == 0
    if isinstance(other, Grey):
        assert other.closed == 1
    assert home.client.ledger.counts[Disposition.DROPPED] == 0


def test_a_model_that_breaks_while_it_is_warmed_never_serves(house: Callable[..., House]) -> None:
    bad = Grey("bad", 0.5)
    bad.step_does = broken
    home = house(Grey("old", 0.25), bad=bad)
    with pytest.raises(ModelFailed, match="broke on its first frames: no such operator"):
        home.use("bad")
    assert grey_of(home.show()) == 0.25
    assert bad.closed == 1


def test_a_stranger_may_not_ask_for_a_model_and_a_renderer_that_keeps_its_own_lists_none() -> None:
    engine_end, renderer_end = memory_pair()
    renderer = Renderer(renderer_end, Passthrough(), "", Limits())
    engine_end.send(UseModel(model="limn", nonce=9))
    renderer.step(100.0)
    received = engine_end.receive(0.0)
    assert received is not None
    assert isinstance(received[0], Error)
    assert (received[0].code, received[0].nonce) == ("out_of_order", 9)
    client = Client(8, 4, PLANES, transports=(Transport.INLINE,), connection=engine_end)
    while not client.attached:
        client.tick()
        renderer.step(0.0)
    assert client.welcome is not None
    assert client.welcome.models == ()
    with pytest.raises(NotSupported, match="keeps its model"):
        renderer.use_model("limn")
    client.close()


def test_one_model_is_loaded_at_a_time_and_a_stop_waits_for_it(house: Callable[..., House]) -> None:
    old, new = Grey("old", 0.25), Grey("new", 0.75)
    home = house(old, new=new)
    home.show()
    home.load.clear()
    first = home.renderer.ask(lambda loop: loop.use_model("new")).result(10.0)
    with pytest.raises(NotSupported, match="Another model is being loaded"):
        home.renderer.ask(lambda loop: loop.use_model("new")).result(10.0)
    home.stop.set()
    home.load.set()
    home.thread.join(30.0)
    assert first.result(10.0).startswith("new serves")
    assert (old.closed, new.closed) == (1, 1)
