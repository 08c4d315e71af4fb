"""`worldplate rerender`: frames of a take made again into another take, or only compared with what was recorded.

The new take is written beside its name as NAME.part.mcap and gets its name when it is whole. A job that was broken off
goes on: what it had written is taken over as it is. One that is done is done: asked again, nothing happens.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bridge.errors import TakeError, TakeExists, TakeNotWritten
from bridge.schema import Control, ControlType, ControlValue
from bridge.take import Take, TakeFrame
from bridge.take_records import SUFFIX, Ending, FrameNote, Opening, Span, WorldState
from bridge.take_writer import TakeWriter
from renderer.ingest import check_controls
from renderer.models import WorldModel
from renderer.progress import Tell
from renderer.recall import controls_of
from renderer.remake import Changes, Remade, Remake
from renderer.taking import SAVE_EVERY

MOST_NAMED = 8  # frames in a report
MOST_TEXT = 1 << 16


@dataclass(frozen=True)
class Job:
    """What is asked for: frames `first` to `last` of the take, into `out`, or nowhere when it is None."""

    first: int
    last: int
    changes: Changes
    out: Path | None = None

    def fingerprint(self, take: Take, model: WorldModel) -> str:
        """The same for the same work, on every machine."""
        card, info = model.card, take.info
        told = (
            info.name, info.created_ns, self.first, self.last, sorted(self.changes.controls.items()), card.name,
            card.sha256, card.runtime,
        )  # fmt: skip
        return hashlib.sha256(repr(told).encode()).hexdigest()


@dataclass
class Report:
    """What came of it. Frames are named by their numbers in the take."""

    frames: int = 0
    equal: int = 0  # bit for bit as recorded
    different: int = 0
    unchecked: int = 0  # that cannot be compared: something was changed, or the world is not known exactly
    first_different: list[int] = field(default_factory=list)
    warm_up: int = 0  # frames that were made before the first that was asked for
    taken_over: int = 0  # frames from a job that was broken off
    seconds: float = 0.0
    changed: str = ""  # what is different from the take, in words
    out: str = ""
    done_before: bool = False

    def count(self, number: int, same: bool | None) -> None:
        self.frames += 1
        if same is None:
            self.unchecked += 1
        elif same:
            self.equal += 1
        else:
            self.different += 1
            if len(self.first_different) < MOST_NAMED:
                self.first_different.append(number)


def changes_of(take: Take, model: WorldModel, values: Mapping[str, str]) -> Changes:
    """What differs from how the take was made: controls that are set, as text, and the model itself.

    Raises InvalidValue for a control that the model does not have or a value that it does not take.
    """
    card, info = model.card, take.info
    known = {control.name: control for control in controls_of(card)}
    typed = {name: _typed(known[name], text) if name in known else text for name, text in values.items()}
    checked = check_controls(tuple(known.values()), typed, MOST_TEXT)
    why = [f"{name} is {value!r}" for name, value in checked.items()]
    if card.name != info.model:
        why.append(f"the model is {card.name}, it was {info.model}")
    elif card.sha256 != info.model_sha256:
        why.append(f"{card.name} has other weights ({card.sha256[:12] or 'none'}, {info.model_sha256[:12] or 'none'})")
    elif card.runtime != info.runtime:
        why.append(f"{card.name} runs on {card.runtime}, it ran on {info.runtime}")
    return Changes(checked, "; ".join(why))


def rerender(take: Take, model: WorldModel, job: Job, tell: Tell) -> Report:
    """Do the job. Raises TakeExists when `out` is another take, TakeNotWritten, and what the pipeline does."""
    report = Report(changed=job.changes.why, out=str(job.out or ""))
    began_s = time.monotonic()
    opening = msgspec.structs.replace(
        _opening(take, model), name=job.out.stem if job.out else "unnamed", job=job.fingerprint(take, model)
    )
    if job.out is not None and _is_done(job.out, opening.job):
        report.done_before = True
        return report
    remake = Remake(take, model, job.changes)
    with contextlib.ExitStack() as stack:
        copy = stack.enter_context(_Copy(job.out, opening, model)) if job.out is not None else None
        report.taken_over = copy.take_over() if copy is not None else 0
        for made in _made(remake, job, report.taken_over):
            if copy is not None:
                copy.add(made, remake)
            report.count(made.frame.number, made.same)
            tell(report.taken_over + report.frames, job.last - job.first + 1)
        if copy is not None:
            copy.finish()
    report.warm_up, report.seconds = remake.warm_up, time.monotonic() - began_s
    return report


def _made(remake: Remake, job: Job, taken_over: int) -> Iterator[Remade]:
    first = job.first + taken_over
    return remake.frames(first, job.last) if first <= job.last else iter(())


def _opening(take: Take, model: WorldModel) -> Opening:
    info, card = take.info, model.card
    return Opening(
        name="unnamed", created_ns=time.time_ns(), software=info.software, model=card.name, model_sha256=card.sha256,
        runtime=card.runtime, threads=info.threads, remade_from=info.name,
    )  # fmt: skip


def _is_done(out: Path, job: str) -> bool:
    """Whether the take is there already. Raises TakeExists when it is another one."""
    if not out.exists():
        return False
    with contextlib.suppress(TakeError), Take.open(out) as there:
        if there.info.job == job and there.info.complete:
            return True
    raise TakeExists(f"{out} is there already, and is not what this command makes", fix="Name another --out.")


class _Copy:
    """The new take: NAME.part.mcap while it grows."""

    def __init__(self, out: Path, opening: Opening, model: WorldModel) -> None:
        self._out, self._opening, self._model = out, opening, model
        self._part, self._kept = (out.with_name(f"{out.stem}.{what}{SUFFIX}") for what in ("part", "kept"))
        self._writer: TakeWriter | None = None
        self._span: Span | None = None
        self._sure: set[str] = set()  # streams of which the new take has a world

    def __enter__(self) -> _Copy:
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file; what is in it stays, for the next time."""
        if self._writer is not None:
            self._writer.abandon()

    def take_over(self) -> int:
        """Open the new take with the frames that a job which was broken off has made; how many."""
        before = self._rest()
        if before is not None:
            before.replace(self._kept)  # should this be broken off too
        self._part.unlink(missing_ok=True)
        self._writer = TakeWriter(self._part, self._opening)
        if before is not None:
            with Take.open(self._kept) as kept:
                for frame in kept.frames():
                    self._begin(frame.span)
                    note = FrameNote(controls=frame.controls, ownership=frame.ownership)
                    self._writer.frame(frame.header, frame.planes, frame.outputs, frame.result, note)
        self._kept.unlink(missing_ok=True)
        return self._writer.frames

    def add(self, made: Remade, remake: Remake) -> None:
        frame, writer = made.frame, self._open_writer()
        self._begin(self._told(frame))
        note = FrameNote(controls=made.controls, ownership=frame.ownership)
        writer.frame(frame.header, frame.planes, made.outputs, made.result, note)
        stream = frame.header.stream
        unsure = stream not in self._sure and self._span is not None and not self._span.fresh
        self._sure.add(stream)
        if unsure or writer.frames % SAVE_EVERY == 0:
            world, arrays = remake.world(stream)
            state = WorldState(stream=stream, seed=world.seed, epoch=world.epoch, steps=world.steps)
            writer.state(state, world.last, arrays)

    def finish(self) -> None:
        """Raises TakeNotWritten."""
        writer = self._open_writer()
        writer.finish(Ending(frames=writer.frames, missed=0, reason="all frames were made"))
        try:
            self._part.replace(self._out)
        except OSError as error:
            raise TakeNotWritten(f"{self._out} cannot be named: {error.strerror}", fix="Name another --out.") from error

    def _rest(self) -> Path | None:
        """What an earlier run of the same job has left, the longer of two."""
        left: list[tuple[int, Path]] = []
        for path in (self._part, self._kept):
            with contextlib.suppress(TakeError), Take.open(path) as take:
                if take.info.job == self._opening.job:
                    left.append((take.info.frames, path))
        return max(left, default=(0, None))[1]

    def _begin(self, span: Span) -> None:
        if span != self._span:
            self._open_writer().note(span)
            self._span = span

    def _told(self, frame: TakeFrame) -> Span:
        """What was agreed, with the model that makes the plates now. Its worlds begin here only where the take's do."""
        card, span = self._model.card, frame.span
        welcome = msgspec.structs.replace(
            span.welcome, model=card.name, runtime=card.runtime, controls=controls_of(card), licence=card.licence
        )
        fresh = span.fresh and (self._span is not None or frame.number == 1)
        if self._span is not None and self._span.hello == span.hello:
            fresh = self._span.fresh
        return msgspec.structs.replace(span, welcome=welcome, fresh=fresh)

    def _open_writer(self) -> TakeWriter:
        assert self._writer is not None, "take_over opens it"
        return self._writer


def _typed(control: Control, text: str) -> ControlValue:
    """A value from the command line, as far as it can be one; the control's own check refuses what it cannot be."""
    try:
        if control.type is ControlType.NUMBER:
            return float(text)
        if control.type is ControlType.INTEGER:
            return int(text)
    except ValueError:
        return text
    if control.type is ControlType.TOGGLE:
        return {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}.get(text, text)
    return text
