"""`python benchmarks/conformance.py [--json FILE]`: what the conformance kit names of planted mistakes, and how
often good frames alarm it.

Every mistake is planted into a courtyard (whose scene the kit does not know) and into the known scene; what only the
known scene can give away is planted there alone. Good frames are 1,000: courtyards of many seeds and the known scene at
many steps of its loop, judged in runs of 25. A pair of rows at a time on two processes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import EmbeddedEngine
from renderer.conformance.embedded import known_engine, shoot
from renderer.conformance.kit import judge_for
from renderer.conformance.mistakes import MISTAKES
from renderer.conformance.shot import Shot
from renderer.report import machine, versions

WIDTH, HEIGHT = 160, 90
PLANTED_FRAMES, GOOD_FRAMES = 16, 25
COURT_SEED, SCENE_STEP, SLOW_S = 1, 26, 1.0 / 15.0
COURT_SEEDS = range(100, 130)  # 30 runs of courtyards and 10 of the known scene: 1,000 frames
SCENE_STEPS = range(0, 60, 6)


@cache
def court(seed: int, frames: int) -> list[Shot]:
    return shoot(EmbeddedEngine(courtyard(seed), WIDTH, HEIGHT), frames, SLOW_S)


@cache
def known(step: int, frames: int) -> list[Shot]:
    return shoot(known_engine(WIDTH, HEIGHT, step), frames)


def name_planted(row: int) -> dict[str, Any]:
    """What is said of one mistake, in either scene."""
    planted = MISTAKES[row]
    told: dict[str, Any] = {"mistake": planted.name, "expected": planted.says}
    for where, frames in (("court", court(COURT_SEED, PLANTED_FRAMES)), ("scene", known(SCENE_STEP, PLANTED_FRAMES))):
        if planted.needs_scene and where == "court":
            continue
        start_s = time.process_time()
        verdict = judge_for(scene=where == "scene").judge(planted.plant(frames))
        said = [mistake.says for mistake in verdict.mistakes]
        told[where] = {
            "said": said, "named": len(said) == 1 and said[0].startswith(planted.says), "notes": verdict.notes,
            "instead": [list(mistake.instead) for mistake in verdict.mistakes],
            "seconds": round(time.process_time() - start_s, 2),
        }  # fmt: skip
    return told


def judge_good(run: tuple[str, int]) -> dict[str, Any]:
    """What is said of a run of good frames."""
    where, number = run
    frames = known(number, GOOD_FRAMES) if where == "scene" else court(number, GOOD_FRAMES)
    verdict = judge_for(scene=where == "scene").judge(frames)
    return {
        "where": where, "number": number, "frames": verdict.frames, "alarms": [m.says for m in verdict.mistakes],
        "notes": verdict.notes, "held": len(verdict.held), "open": sorted(verdict.open),
        "worst": max(r.score for r in verdict.measured.values() if r is not None),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there")
    path = parser.parse_args().json
    runs = [("court", seed) for seed in COURT_SEEDS] + [("scene", step) for step in SCENE_STEPS]
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as workers:
        rows = list(workers.map(name_planted, range(len(MISTAKES))))
        good = list(workers.map(judge_good, runs))
    figures = {
        "planted": len(rows),
        "named": sum(all(row[where]["named"] for where in ("court", "scene") if where in row) for row in rows),
        "named_in_the_court": [sum("court" in row and row["court"]["named"] for row in rows),
                               sum("court" in row for row in rows)],
        "named_in_the_scene": [sum(row["scene"]["named"] for row in rows), len(rows)],
        "good_frames": sum(run["frames"] for run in good),
        "false_alarms": sum(len(run["alarms"]) for run in good),
        "worst_score_of_good_frames": max(run["worst"] for run in good),
        "size": f"{WIDTH}x{HEIGHT}",
        "frames_per_mistake": PLANTED_FRAMES,
        "machine": machine(),
        "versions": versions(),
    }  # fmt: skip
    Console().print(table_of(rows))
    Console().print({key: value for key, value in figures.items() if key not in ("machine", "versions")})
    if path:
        path.write_text(json.dumps({**figures, "mistakes": rows, "good": good}, indent=1) + "\n")


def table_of(rows: list[dict[str, Any]]) -> Table:
    table = Table("planted", "courtyard", "known scene", "said")
    for row in rows:
        told = [row.get(where) for where in ("court", "scene")]
        marks = ["-" if one is None else "named" if one["named"] else "[red]missed[/]" for one in told]
        said = dict.fromkeys(says for one in told if one is not None for says in one["said"])
        table.add_row(row["mistake"], *marks, "; ".join(said) or "nothing")
    return table


if __name__ == "__main__":
    main()
