"""What a page may do to the show, and what it is shown of it: on the loop's thread, with the loop's own checks."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from bridge.errors import TransportError, UnknownSession
from bridge.schema import ControlType, ControlValue, Label, PlaneName, Record, RendererState, SetControls, World
from renderer import snapshots
from renderer.panel.health import Facts, health
from renderer.panel.messages import NEEDS, ChangeModel, ChangeWorld, Deed, RecordTake, SessionState, State, Steer, View
from renderer.panel.tap import PanelTap
from renderer.recall import controls_of
from renderer.session import Session

if TYPE_CHECKING:
    from renderer.serve import Renderer

MOST_PROMPTS = 20  # that are remembered
NO_END = -1.0  # JSON has no infinity


class Deeds:
    """Of one renderer."""

    def __init__(self, tap: PanelTap, snapshot_dir: str = "", *, records: bool = False) -> None:
        """`snapshot_dir` is the setting of that name. `records`: the renderer can make takes; else the page shows no
        button for them."""
        self._tap = tap
        self._snapshot_dir = snapshot_dir
        self._records = records
        self._prompts: deque[str] = deque(maxlen=MOST_PROMPTS)

    def do(self, renderer: Renderer, deed: Deed) -> Future[str]:
        """Any thread. The future has what was done, for a person, or raises a WorldplateError."""
        outcome: Future[str] = Future()
        asked: Future[str | Future[str]]
        if isinstance(deed, Steer):
            asked = renderer.ask(lambda loop: self._steer(loop, deed))
        elif isinstance(deed, ChangeWorld):
            asked = renderer.ask(lambda loop: self._change(loop, deed))
        elif isinstance(deed, ChangeModel):
            asked = renderer.ask(lambda loop: loop.use_model(deed.name))
        else:
            asked = renderer.ask(lambda loop: self._record(loop, deed))
        asked.add_done_callback(lambda done: _settle(outcome, done))
        return outcome

    def state(self, renderer: Renderer) -> State:
        """The loop's thread. Snapshots and models are files and not looked for here."""
        card, sessions = renderer.card, renderer.sessions
        states = tuple(self._session_state(session) for session in sessions)
        for session in sessions:  # what an engine has set
            self._remember_prompts(renderer, session.steering.controls)
        return State(
            model=card.name, runtime=card.runtime, licence=card.licence, controls=controls_of(card), sessions=states,
            health=health([self._facts(session, state) for session, state in zip(sessions, states, strict=True)]),
            snapshots=(), models=(), prompts=tuple(self._prompts), can_record=self._records,
            labels=tuple(label.name.lower() for label in Label),
        )  # fmt: skip

    def snapshots(self) -> tuple[str, ...]:
        """Names of the worlds that were saved, oldest first. Any thread."""
        try:
            return tuple(snapshots.names(snapshots.data_dir(self._snapshot_dir)))
        except (TransportError, OSError):  # what is wrong with the folder is said when a world is saved
            return ()

    def _steer(self, renderer: Renderer, deed: Steer) -> str:
        far_m = math.inf if deed.plate_far_m == NO_END else deed.plate_far_m
        message = SetControls(
            session=deed.session, values=deed.values, engine_objects=deed.engine_objects,
            engine_labels=deed.engine_labels, plate_near_m=deed.plate_near_m, plate_far_m=far_m,
        )  # fmt: skip
        renderer.set_controls(_session(renderer, deed.session), message)
        self._remember_prompts(renderer, deed.values)  # at once: it may be another by the time that the page is told
        return "from the next frame on"

    def _change(self, renderer: Renderer, deed: ChangeWorld) -> Future[str]:
        message = World(
            session=deed.session, op=deed.op, name=deed.name, reset=deed.reset, stream=deed.stream,
            to_stream=deed.to_stream,
        )  # fmt: skip
        return renderer.change_world(_session(renderer, deed.session), message)

    def _record(self, renderer: Renderer, deed: RecordTake) -> str:
        session = _session(renderer, deed.session)
        return renderer.record(session, Record(session=session.id, on=deed.on, name=deed.name))

    def _session_state(self, session: Session) -> SessionState:
        welcome, steering = session.welcome, session.steering
        status = session.status(RendererState.RUNNING, "")
        width, height = session.size
        planes = {*(layout.name for layout in welcome.planes), *(layout.name for layout in welcome.outputs)}
        if any(world.prior is not None for world in session.worlds.values()):
            planes.add(PlaneName.CONFIDENCE)  # in what is remembered of the world
        owned = steering.ownership
        return SessionState(
            id=session.id, name=session.name, engine=self._tap.engines.get(session.id, ""), width=width, height=height,
            sync=welcome.sync, late=welcome.late, transport=welcome.transport, streams=tuple(session.worlds),
            views=tuple(view for view in View if {PlaneName(name) for name in NEEDS[view]} <= planes),
            values=steering.controls, engine_objects=tuple(sorted(owned.objects)),
            engine_labels=tuple(sorted(owned.labels)), plate_near_m=owned.plate_near_m,
            plate_far_m=owned.plate_far_m if math.isfinite(owned.plate_far_m) else NO_END,
            plates_per_s=status.plates_per_s, frame_age_ms=status.frame_age_ms, dispositions=status.dispositions,
            take=status.take, take_missed=status.take_missed,
        )  # fmt: skip

    def _facts(self, session: Session, state: SessionState) -> Facts:
        now_ns = time.monotonic_ns()
        seen_ns, trouble = self._tap.seen_ns.get(session.id), self._tap.troubles.get(session.id)
        return Facts(
            name=session.name, since_frame_s=None if seen_ns is None else (now_ns - seen_ns) / 1e9,
            trouble_what=trouble.what if trouble else "", trouble_fix=trouble.fix if trouble else "",
            since_trouble_s=(now_ns - trouble.at_ns) / 1e9 if trouble else math.inf,
            age_p95_ms=state.frame_age_ms.get("p95", 0.0), stages_ms=self._tap.stages.get(session.id, ()),
            take_missed=state.take_missed,
        )  # fmt: skip

    def _remember_prompts(self, renderer: Renderer, values: Mapping[str, ControlValue]) -> None:
        for control in renderer.card.controls:
            if control.type is ControlType.TEXT:
                self._remember(str(values.get(control.name, "")))

    def _remember(self, prompt: str) -> None:
        if prompt and (not self._prompts or self._prompts[-1] != prompt):
            if prompt in self._prompts:
                self._prompts.remove(prompt)
            self._prompts.append(prompt)


def _session(renderer: Renderer, session_id: str) -> Session:
    for session in renderer.sessions:
        if session.id == session_id:
            return session
    raise UnknownSession("That engine has left", fix="Choose another in the panel.")


def _settle(outcome: Future[str], done: Future[Any]) -> None:
    """Pass on what was done; when that is a future itself, what comes of it."""
    error = done.exception()
    if error is not None:
        outcome.set_exception(error)
        return
    result = done.result()
    if isinstance(result, Future):
        result.add_done_callback(lambda later: _settle(outcome, later))
    else:
        outcome.set_result(result)
