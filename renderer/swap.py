"""Another model while the show goes on: loaded and warmed beside the loop, taken between two frames.

The old model serves until the new one has made plates of every size that is being shown. What goes wrong before that
leaves the old one where it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from bridge.errors import MissingPlane, ModelFailed, NotSupported, OutOfOrder, WorldplateError
from bridge.schema import Transport
from renderer.models import ModelCard, WorldModel
from renderer.models.probe import probe_frame
from renderer.recall import World, warm_up
from renderer.session import Session
from renderer.snapshots import NAME
from renderer.worlds import pass_on

Load = Callable[[str], WorldModel]
Names = Callable[[], tuple[str, ...]]
OnLoop = Callable[[Callable[[], str]], Future[str]]
log = logging.getLogger("worldplate.renderer")

WARM_FRAMES = 3  # of each size: the first compiles, the second has a memory, the third is as fast as all after it


class Swap:
    """Loads models by name on a thread of its own, one at a time. Used from the render loop's thread, but for that."""

    def __init__(self, load: Load | None, on_loop: OnLoop, names: Names = tuple) -> None:
        """Without `load` no other model is taken. `on_loop` has the loop's thread call something. `names` looks which
        models there are to be loaded now."""
        self._load, self._on_loop, self._names = load, on_loop, names
        self._thread = ThreadPoolExecutor(1, "worldplate model")
        self._outcome: Future[str] | None = None
        self._serving: WorldModel | None = None  # that was taken; whoever takes the next closes it

    def names(self, serving: str) -> tuple[str, ...]:
        """What a person can choose from, in the order to show it: the names that `begin` takes, before them the model
        that serves when it has none of these, as one from a file; empty where no other is taken. Any thread."""
        others = tuple(name for name in self._names() if NAME.match(name)) if self._load is not None else ()
        return others if serving in others or not others else (serving, *others)

    def begin(self, name: str, sizes: Iterable[tuple[int, int]], take: Callable[[WorldModel], str]) -> Future[str]:
        """Load the model and warm it at those sizes, then have the loop's thread `take` it. The future has what was
        done, for a person, or raises what loading, warming and taking do; then the model is closed again.

        Raises NotSupported while another is being loaded.
        """
        if self._load is None:
            raise NotSupported("This renderer keeps its model", fix="Start another with `worldplate serve --model`.")
        if self.busy:
            raise NotSupported("Another model is being loaded", fix="Wait for it, and ask again.")
        self._outcome = outcome = Future[str]()
        loading = self._thread.submit(warmed, partial(self._load, name), tuple(sizes))

        def loaded(done: Future[WorldModel]) -> None:
            told = self._on_loop(lambda: self._taken(done.result(), take))
            told.add_done_callback(partial(pass_on, outcome))

        loading.add_done_callback(loaded)
        return outcome

    @property
    def busy(self) -> bool:
        """Whether a model is being loaded and not yet taken or given up."""
        return self._outcome is not None and not self._outcome.done()

    def close(self) -> None:
        """Waits for a model that is being loaded; what becomes of it is still decided on the loop's thread."""
        self._thread.shutdown()

    def let_go(self) -> None:
        """Closes the model that was taken last: no more plates are asked for."""
        if self._serving is not None:
            self._serving.close()

    def _taken(self, model: WorldModel, take: Callable[[WorldModel], str]) -> str:
        try:
            told = take(model)
        except WorldplateError as error:
            model.close()
            log.warning("%s is not served: %s", model.card.name, error)
            raise
        self._serving = model
        log.info("%s on %s", told, model.card.runtime)
        return told


def warmed(load: Callable[[], WorldModel], sizes: Iterable[tuple[int, int]]) -> WorldModel:
    """The model after it has made plates of every size. Raises what loading does, ModelFailed."""
    model = load()
    try:
        warm_up(model.card)
        for width, height in sizes:
            world = World(seed=0)
            for number in range(1, WARM_FRAMES + 1):
                frame = probe_frame(model.card, model.card.needs | model.card.optional, width, height, number)
                model.step(frame, world, frame.plate)
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        model.close()
        raise ModelFailed(
            f"'{model.card.name}' was loaded and broke on its first frames: {error}",
            fix=f"Run `worldplate models check {model.card.name}`.",
        ) from error
    return model


def check_asker(has_shown_token: bool) -> None:
    """Raises OutOfOrder for somebody who has not come in."""
    if not has_shown_token:
        raise OutOfOrder("another model was asked for without a session", fix="Say HELLO first, or OPERATOR.")


def check_not_recorded(sessions: Iterable[Session]) -> None:
    """Raises NotSupported when a take would be of two models."""
    for session in sessions:
        if session.take is not None and not session.take.closed:
            raise NotSupported(
                f"{session.name} is being recorded into {session.take.name}, and a take is of one model",
                fix="End the take, and ask again once its file is closed.",
            )


def check_adoptable(card: ModelCard, sessions: Iterable[Session]) -> None:
    """Raises MissingPlane when an engine does not send what the model needs, and what `check_not_recorded` does: a take
    may have been started while the model was loaded."""
    sessions = tuple(sessions)
    check_not_recorded(sessions)
    for session in sessions:
        absent = sorted(card.needs - {layout.name for layout in session.welcome.planes})
        if absent:
            raise MissingPlane(
                f"'{card.name}' needs {', '.join(absent)}, which {session.name} does not send to the model that serves",
                fix=f"Restart the renderer with --model {card.name}, which asks the engine for it.",
            )
        if session.welcome.transport is Transport.CUDA and not card.on_device:
            raise NotSupported(
                f"'{card.name}' reads planes on the CPU, and those of {session.name} stay on the GPU",
                fix=f"Restart the renderer with --model {card.name}.",
            )
