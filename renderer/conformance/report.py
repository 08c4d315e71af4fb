"""What is told of a verdict: lines for a person, and the same as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bridge.schema import Hello
from bridge.spaces import (
    GODOT_NUMBERS,
    GOLDEN,
    UNITY_NUMBERS,
    UNREAL_NUMBERS,
    EngineNumbers,
    depth_from_infinite,
    depth_from_reversed,
    motion_from_godot,
    motion_from_unity,
    position_from,
)
from renderer.conformance.judge import Verdict
from renderer.conformance.measures import Residual

ENGINES = {"unity": UNITY_NUMBERS, "unreal": UNREAL_NUMBERS, "godot": GODOT_NUMBERS}


def lines(hello: Hello, verdict: Verdict, failures: dict[str, int], *, scene: bool) -> Iterator[str]:
    """The verdict, a line for each convention and more for what is wrong."""
    planes = ", ".join(offer.name for offer in hello.planes)
    shows = "the known scene" if scene else "a scene of its own"
    yield f"{hello.engine or 'an engine'} ({hello.client}), {hello.width}x{hello.height}: {planes}"
    yield f"{verdict.frames} frames of {shows}"
    yield ""
    for mistake in verdict.mistakes:
        yield f"WRONG  {mistake.says}; {mistake.fix}"
        yield from (f"       seen: {line}" for line in mistake.evidence)
        if mistake.instead:
            yield f"       or, as well: {'; '.join(mistake.instead)}"
    for convention in verdict.held:
        yield f"ok     {convention}"
    for convention, needs in verdict.open.items():
        yield f"open   {convention}: not judged; it needs {needs}"
    yield from (f"note   {line}" for line in verdict.notes)
    yield from (f"note   {count} frames were refused: {text}" for text, count in failures.items())
    yield from (f"note   {line}" for line in golden_lines(hello.engine))
    yield ""
    yield conclusion(verdict, scene=scene)


def conclusion(verdict: Verdict, *, scene: bool) -> str:
    if verdict.mistakes:
        return f"{len(verdict.mistakes)} wrong: {'; '.join(mistake.says for mistake in verdict.mistakes)}"
    if not verdict.held:
        return "Nothing could be judged. Let the camera move, and send depth, motion and normals."
    rest = f"; {len(verdict.open)} could not be judged" if verdict.open else ""
    more = "" if scene else " Show the known scene and say --scene to have units, gamma and exposure judged as well."
    return f"All {len(verdict.held)} conventions that could be judged hold{rest}.{more}"


def golden_of(engine: str) -> tuple[str, EngineNumbers] | None:
    """The golden vector in the numbers of the engine that a HELLO declares."""
    return next(((name, numbers) for name, numbers in ENGINES.items() if name in engine.lower()), None)


def golden_depth_m(name: str, numbers: EngineNumbers) -> float:
    """The golden point's depth from the engine's device depth, by the engine's own conversion."""
    if name == "unreal":
        return float(depth_from_infinite(numbers.device_depth, 0.1))  # near is 10 cm
    return float(depth_from_reversed(numbers.device_depth, GOLDEN.near_m, GOLDEN.far_m))


def golden_motion(name: str, numbers: EngineNumbers) -> tuple[float, float]:
    if name == "unreal":
        return numbers.raw_motion[0] * -0.5, numbers.raw_motion[1] * 0.5
    convert = motion_from_unity if name == "unity" else motion_from_godot
    u, v = (float(x) for x in convert(numbers.raw_motion))
    return u, v


def golden_lines(engine: str) -> list[str]:
    """What the golden point of step 1 must be inside the engine, for whoever compares a buffer with it."""
    if (found := golden_of(engine)) is None:
        return []
    name, n = found
    u, v = golden_motion(name, n)
    canonical = ", ".join(f"{x:g}" for x in position_from(n.space, n.point))
    return [
        f"golden vector of {name.capitalize()}: point {n.point} in its own units is ({canonical}) m;"
        f" device depth {n.device_depth:.7f} is {golden_depth_m(name, n):.4g} m; raw motion"
        f" ({n.raw_motion[0]:.7f}, {n.raw_motion[1]:g}) is ({u:.6f}, {abs(v):g})"
    ]


def as_json(hello: Hello, verdict: Verdict, failures: dict[str, int], *, scene: bool) -> dict[str, Any]:
    """The same, for a machine. `score` of a measurement: 1 is what is tolerated."""
    return {
        "engine": hello.engine, "client": hello.client, "width": hello.width, "height": hello.height,
        "planes": [str(offer.name) for offer in hello.planes],
        "frames": verdict.frames, "scene": scene, "holds": verdict.holds,
        "wrong": [{"convention": m.convention, "says": m.says, "fix": m.fix, "evidence": list(m.evidence),
                   "instead": list(m.instead)} for m in verdict.mistakes],
        "held": verdict.held, "open": verdict.open, "notes": verdict.notes, "refused": failures,
        "measured": {name: _figures(residual) for name, residual in verdict.measured.items() if residual is not None},
    }  # fmt: skip


def _figures(residual: Residual) -> dict[str, float | None]:
    value, score = (x if math.isfinite(x) else None for x in (residual.value, residual.score))
    return {"value": value, "allowed": residual.allowed, "score": score}
