"""How the show goes, in words: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from renderer.panel.messages import Health

TROUBLE_S = 5.0  # how long an error is told after it last came
PAUSED_S = 2.0  # without a frame
OLD_MS = 250.0  # frame age that hands and eyes notice
LONGEST = {
    "generate": "The model takes {ms:.0f} ms a frame. Make the engine's view smaller, or raise the setting threads.",
    "recall": "The world's memory takes {ms:.0f} ms a frame. Make the engine's view smaller.",
}
ELSEWHERE = "Frames wait {ms:.0f} ms outside the model. Close what else works on this machine."


@dataclass(frozen=True)
class Facts:
    """Of one engine."""

    name: str
    since_frame_s: float | None  # None: it has sent none
    trouble_what: str = ""
    trouble_fix: str = ""
    since_trouble_s: float = float("inf")
    age_p95_ms: float = 0.0
    stages_ms: tuple[tuple[str, float], ...] = ()  # of the last frame
    take_missed: int = 0


def health(engines: Sequence[Facts], busy_s: float = 0.0) -> Health:
    """The worst that is to be told; `busy_s` is how long the renderer's loop has not answered."""
    if busy_s > 1.0:
        return Health(
            level="bad", what=f"The renderer has not answered for {busy_s:.0f} s",
            fix="A model that loads or thinks long does this. If it goes on, stop and start worldplate serve.",
        )  # fmt: skip
    if not engines:
        return Health(
            level="idle", what="No engine is connected",
            fix="Press Play in the engine, or open its Worldplate dock; it finds this renderer by itself.",
        )  # fmt: skip
    found = [_of_one(facts) for facts in engines]
    order = ("bad", "warn", "idle", "good")
    return min(found, key=lambda each: order.index(each.level))


def _of_one(facts: Facts) -> Health:
    if facts.since_trouble_s < TROUBLE_S:
        return Health(level="bad", what=f"{facts.name}: {facts.trouble_what}", fix=facts.trouble_fix)
    if facts.since_frame_s is None:
        return Health(
            level="idle", what=f"{facts.name} is connected and has sent no frame yet", fix="Press Play in it."
        )
    if facts.since_frame_s > PAUSED_S:
        return Health(
            level="warn", what=f"{facts.name} has sent no frame for {facts.since_frame_s:.0f} s",
            fix="It is paused, minimised, or it hangs. The last picture stays here.",
        )  # fmt: skip
    if facts.take_missed:
        return Health(
            level="warn", what=f"The take lacks {facts.take_missed} frames that were shown",
            fix="Record to a faster disk, or make the engine's view smaller.",
        )  # fmt: skip
    if facts.age_p95_ms > OLD_MS:
        return Health(level="warn", what=f"Plates are up to {facts.age_p95_ms:.0f} ms old", fix=_slowest(facts))
    return Health(level="good", what="All is well")


def _slowest(facts: Facts) -> str:
    total_ms = sum(ms for _, ms in facts.stages_ms)
    name, ms = max(facts.stages_ms, key=lambda stage: stage[1], default=("", 0.0))
    if name in LONGEST and ms > (facts.age_p95_ms - total_ms):
        return LONGEST[name].format(ms=ms)
    return ELSEWHERE.format(ms=max(0.0, facts.age_p95_ms - total_ms))
