"""`worldplate evaluate world`: every row in every episode, and what came of it as JSON and as a page."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from bridge.errors import ModelNotFound
from renderer.evaluate.world import ROWS
from renderer.evaluate.world.controls import controlled
from renderer.evaluate.world.findings import Curve, Figure, Found
from renderer.evaluate.world.long_walk import planned
from renderer.evaluate.world.metrics import METRICS
from renderer.evaluate.world.page import page, verdict
from renderer.evaluate.world.rows import Means, Row, gathered
from renderer.evaluate.world.scenes import Size
from renderer.evaluate.world.suite import Plan, Suite
from renderer.report import machine, versions

log = logging.getLogger("worldplate.evaluate")


@dataclass(frozen=True)
class Job:
    """`minutes` are those away of the long walk, one after the other; `weights` files or folders by row."""

    out: Path
    rows: tuple[str, ...] = ROWS
    model: str = "limn"
    runtime: str = "auto"
    weights: Mapping[str, Path] = field(default_factory=dict)
    seed: int = 7
    size: Size = field(default_factory=lambda: Size(192, 108))
    minutes: tuple[float, ...] = (1.0, 10.0)
    walk_s: float = 3.0


def run(job: Job) -> Table:
    """Evaluate, and write world.json and report.html; returns what a person wants to read first. Raises ModelNotFound
    when none of the rows can be had, ModelIncomplete for damaged weights, ModelFailed when a row gives no plate."""
    job.out.mkdir(parents=True, exist_ok=True)
    begun_s = time.monotonic()
    rows, models, left_out = gathered(job.rows, Means(job.model, job.runtime, job.weights))
    for name, reason in left_out.items():
        log.info("without %s: %s", name, reason)
    if not rows:
        raise ModelNotFound(f"none of the rows can be had: {'; '.join(left_out.values())}", fix="Ask for other --rows.")
    try:
        suite = Suite(Plan(job.seed, job.size, planned(job.minutes), walk_s=job.walk_s))
        found = {row.name: _judged(suite, row) for row in rows}
    finally:
        for row in rows:
            row.close()
        for model in models:
            model.close()
    report = report_of(job, suite, rows, found, left_out) | {"seconds": round(time.monotonic() - begun_s, 1)}
    (job.out / "world.json").write_text(json.dumps(report, indent=1) + "\n")
    (job.out / "report.html").write_text(page(report, found))
    return summary(report, found, job.out)


def _judged(suite: Suite, row: Row) -> Found:
    return suite.judged(row, lambda episode: log.info("%s: %s", row.name, episode))


def report_of(
    job: Job, suite: Suite, rows: list[Row], found: Mapping[str, Found], left_out: Mapping[str, str]
) -> dict[str, Any]:
    """Everything but the pictures, as JSON has it: NaN and infinity are null."""
    loops = [stop for stop in suite.plan.stops if stop.kind == "loop"]
    report: dict[str, Any] = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "versions": versions(),
        "seed": job.seed, "size": f"{job.size.width}x{job.size.height}", "minutes_away": list(job.minutes),
        "loops": len(loops), "frames_per_loop": len(suite.long.loop), "frames": suite.frames,
        "left_out": dict(left_out),
        "rows": {row.name: {"about": row.about, "runtime": row.runtime, **_told(found[row.name])} for row in rows},
    }  # fmt: skip
    return report


def _told(found: Found) -> dict[str, Any]:
    return {
        "verdicts": {metric: verdict(found, metric) for metric in METRICS},
        "figures": [_figure(figure) for figure in found.figures],
        "curves": [_curve(curve) for curve in found.curves],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    value, low, high = map(_finite, figure.estimate)
    gate = None if figure.gate is None else str(figure.gate)
    holds = None if figure.gate is None else figure.holds
    return {"metric": figure.metric, "name": figure.name, "unit": figure.unit, "value": value, "interval": [low, high],
            "gate": gate, "holds": holds}  # fmt: skip


def _curve(curve: Curve) -> dict[str, Any]:
    x, y = ([_finite(v) for v in values] for values in (curve.x, curve.y))
    return {"metric": curve.metric, "x_title": curve.x_title, "y_title": curve.y_title, "x": x, "y": y}


def _finite(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None


def summary(report: Mapping[str, Any], found: Mapping[str, Found], out: Path) -> Table:
    """A line for every figure with a gate, a column for every row."""
    title = f"seed {report['seed']}, {report['size']}, {report['seconds']:g} s"
    missing = [f"without {name}: {reason}" for name, reason in report["left_out"].items()]
    table = Table(title=title, title_justify="left", caption_justify="left",
                  caption="\n".join([f"{out / 'report.html'}, world.json", *missing]))  # fmt: skip
    for column in ("figure", *found, "gate"):
        table.add_column(column, justify="left" if column == "figure" else "right", no_wrap=column != "figure")
    first = next(iter(found.values()))
    for figure in (figure for figure in first.figures if figure.gate is not None):
        cells = [_cell(row, figure) for row in found.values()]
        table.add_row(f"{figure.metric} {figure.name}, {figure.unit}".removesuffix(", "), *cells, str(figure.gate))
    return table


def _cell(row: Found, wanted: Figure) -> str:
    same = (f for f in row.figures if (f.metric, f.name) == (wanted.metric, wanted.name))
    figure = next(same, None)
    if figure is None or math.isnan(figure.estimate.value):
        return "–"
    text = f"{figure.estimate.value:.{figure.digits}f}"
    return text if figure.holds else f"[red]{text}[/]"


def run_controls(out: Path, seeds: int) -> Table:
    """Every fault in the courts of seeds 1 to `seeds`; writes controls.json. A run that was ended goes on by what is in
    controls.jsonl."""
    out.mkdir(parents=True, exist_ok=True)
    begun_s = time.monotonic()
    report = controlled(
        range(1, seeds + 1), lambda done: log.info("%d of %d seeds", done, seeds), out / "controls.jsonl"
    )
    report |= {"made": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "versions": versions(),
               "seconds": round(time.monotonic() - begun_s, 1)}  # fmt: skip
    (out / "controls.json").write_text(json.dumps(report, indent=1) + "\n")
    words = "all hold" if report["holds"] else "not all hold"
    table = Table(title=f"{seeds} seeds, {report['size']}, {report['seconds']:g} s: {words}", title_justify="left",
                  caption=str(out / "controls.json"), caption_justify="left")  # fmt: skip
    for column in ("fault", "metric", "detected, %", "others tripped"):
        table.add_column(column, justify="right" if column.startswith("detected") else "left")
    table.add_row("none: the engine's own frames", "none", f"{100.0 * len(report['engine_failed']) / seeds:.0f}", "")
    for name, fault in report["faults"].items():
        others = ", ".join(f"{metric} {count}" for metric, count in fault["others"].items())
        table.add_row(name, fault["metric"], f"{100.0 * fault['detected']:.0f}", others)
    return table
