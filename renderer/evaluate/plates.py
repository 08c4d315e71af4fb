"""`worldplate evaluate plates`: how near plates come to path-traced truth, and how steady they are.

Sequences are read one world at a time and none is kept, so thousands need no more memory than one. Two passes: the
curves of the baseline are fitted to the truth first; then every row is shown every sequence. The report's pictures are
painted again at the end, when it is known which are worth a look.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from bridge.errors import MissingDependency, ModelNotFound
from renderer.evaluate import ROWS
from renderer.evaluate.clips import Folder, World, folders_of, read, worlds_of
from renderer.evaluate.curve import CurveFit
from renderer.evaluate.figures import METRICS, Findings, broken_down, interval_db, overall
from renderer.evaluate.frames import frame_of, setting_of
from renderer.evaluate.image import TONE, flip, tone_map
from renderer.evaluate.measure import Measured, measured, revisit
from renderer.evaluate.prompts import changed_weathers, followed, told_in_words
from renderer.evaluate.rows import Curved, Row, engine_shown, gathered
from renderer.report import machine, versions
from renderer.training.plan import CAPTIONS, SEEN
from renderer.training.sequences import Clip
from renderer.training.worlds.weathers import words_of

REPORT_EVERY_S = 15.0
JUDGED_FIRST = ("limn-s", "limn-l", "plain", "curve", "engine")  # whose frames are picked for pictures
log = logging.getLogger("worldplate.evaluate")


@dataclass(frozen=True)
class Job:
    """`weights` are files or folders by row; `most` sequences of each folder, or all."""

    data: tuple[Path, ...]
    out: Path
    split: str = "test"
    rows: tuple[str, ...] = ROWS
    most: int | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """What a report is made of."""

    job: Job
    folders: list[Folder]
    worlds: list[World]
    rows: list[Row]
    left_out: dict[str, str]
    findings: Findings
    words: str  # whether captions were read, or why not


class Progress:
    """Lines with the time left, at most every REPORT_EVERY_S."""

    def __init__(self, what: str, count: int) -> None:
        self._what, self._count, self._done = what, count, 0
        self._begun_s = self._told_s = time.monotonic()

    def step(self, by: int = 1) -> None:
        self._done += by
        now_s = time.monotonic()
        if now_s - self._told_s < REPORT_EVERY_S and self._done < self._count:
            return
        self._told_s = now_s
        left_s = (now_s - self._begun_s) / self._done * (self._count - self._done)
        log.info("%s: %d of %d sequences, %d:%02d left", self._what, self._done, self._count, left_s // 60, left_s % 60)


def evaluate(job: Job) -> Evaluation:
    """Raises ConfigError for folders that are no data sets or have nothing of the split, MissingDependency without
    FLIP, ModelIncomplete for damaged weights."""
    folders = folders_of(job.data, job.split, job.most)
    check_flip()
    rows, left_out = gathered(job.rows, job.weights, lambda: fitted(folders))
    for name, reason in left_out.items():
        log.info("without %s: %s", name, reason)
    if not rows:
        raise ModelNotFound(f"none of the rows can be had: {'; '.join(left_out.values())}", fix="Ask for other --rows.")
    controls, words = _words(rows)
    findings, worlds = Findings(), worlds_of(folders)
    walked: set[str] = set()  # families that a revisit was made in
    progress = Progress("measured", sum(len(world.files) for world in worlds))
    for world in worlds:
        clips = [read(path) for path in world.files]
        for path, clip in zip(world.files, clips, strict=True):
            findings.sequences.append(_measure(rows, clip, path))
        _ask(rows, clips, world, controls, findings)
        if clips[0].plan["family"] not in walked:
            walked.add(clips[0].plan["family"])
            _walk(rows, clips[0], world.files[0].stem, findings)
        progress.step(len(clips))
    return Evaluation(job, folders, worlds, rows, left_out, findings, words)


def check_flip() -> None:
    """Say that FLIP is missing before anything is begun. Raises MissingDependency."""
    black = np.zeros((8, 8, 3), np.float32)
    flip(black, black)


def fitted(folders: Sequence[Folder]) -> Curved:
    """The best curve for every control setting, and one for all of them, over the very sequences that are measured."""
    fits: dict[str, CurveFit] = {}
    progress = Progress("fitted curves to", sum(len(folder.files) for folder in folders))
    for folder in folders:
        for path in folder.files:
            clip = read(path)
            fit = fits.setdefault(setting_of(clip), CurveFit())
            for t in range(len(clip.planes)):
                fit.add(engine_shown(frame_of(clip, t)), tone_map(clip.truth[t]))
            progress.step()
    total = CurveFit()
    for fit in fits.values():
        total = total.merged(fit)
    return Curved({setting: fit.curve() for setting, fit in fits.items()}, total.curve())


def _measure(rows: Sequence[Row], clip: Clip, path: Path) -> Measured:
    return measured(rows, clip, path.stem, str(path.parent), clip.plan["family"] in SEEN)


def _walk(rows: Sequence[Row], clip: Clip, name: str, findings: Findings) -> None:
    """Revisits: one world of each family, since a minute is a thousand frames."""
    for row in rows:
        if row.remembers:
            findings.revisits.setdefault(row.name, []).append(revisit(row, clip, name))


def _ask(rows: Sequence[Row], clips: list[Clip], world: World, controls: Controls | None, findings: Findings) -> None:
    """Prompt adherence, where a world is there in its base weather and with something changed."""
    named = {path.stem: clip for path, clip in zip(world.files, clips, strict=True)}
    changed = {name: clip for name, clip in named.items() if clip.plan["kind"] != "base"}
    bases = [clip for clip in clips if clip.plan["kind"] == "base"]
    if len(bases) != 1 or not changed:
        return
    (base,) = bases
    weathers = changed_weathers(base.weather)
    for row in rows:
        if row.steered_by != "nothing":
            results = followed(row, base, changed, weathers, base.weather)
            findings.prompts.setdefault(row.name, []).extend(results)
        if row.steered_by == "weather" and controls is not None:
            start, *said = (told_in_words(controls, base.weather, captions) for captions in _captions(base))
            in_words = dict(zip(weathers, said, strict=True))
            findings.in_words.setdefault(row.name, []).extend(followed(row, base, changed, in_words, start))


def _captions(base: Clip) -> list[tuple[str, ...]]:
    """Captions of a world in its base weather and then in every change, drawn as the plan draws them."""
    weathers = [base.weather, *changed_weathers(base.weather).values()]
    family, seed = base.plan["family"], base.plan["seed"]
    return [words_of(family, weather, np.random.default_rng([seed, 32]), CAPTIONS) for weather in weathers]


Controls = Callable[[str], Mapping[str, float]]


def _words(rows: Sequence[Row]) -> tuple[Controls | None, str]:
    """What reads captions, and what a report says of it."""
    if not any(row.steered_by == "weather" for row in rows):
        return None, "not measured: no row here takes the weather that they ask for"
    try:
        from renderer.models.limn.words import Words

        return Words().controls, "read by the sentence encoder"
    except MissingDependency as error:
        return None, f"not measured: {error}"


def report_of(evaluation: Evaluation) -> dict[str, Any]:
    """Everything that was found, as JSON; what is not a number is null."""
    findings, job = evaluation.findings, evaluation.job
    rows = {}
    for row in evaluation.rows:
        rows[row.name] = {
            "files": dict(row.files()),
            "overall": overall(findings, row.name),
            "psnr_db_95_percent": interval_db(findings.sequences, row.name),
            "by_family": broken_down(findings.sequences, row.name, lambda s: s.family),
            "by_weather": broken_down(findings.sequences, row.name, lambda s: s.setting),
            "by_size": broken_down(findings.sequences, row.name, lambda s: s.size),
            "revisits": [asdict(r) for r in findings.revisits.get(row.name, [])],
            "prompts": [asdict(f) | {"nearest": f.nearest} for f in findings.prompts.get(row.name, [])],
            "prompts_in_words": [asdict(f) | {"nearest": f.nearest} for f in findings.in_words.get(row.name, [])],
        }
    report = {
        "evaluation": "plates", "made": datetime.now(UTC).isoformat(timespec="seconds"), "split": job.split,
        "tone_map": TONE, "machine": machine(), "versions": versions(),
        "data": [folder.about() for folder in evaluation.folders],
        "goals": {m.key: dict(m.goals) for m in METRICS if m.goals}, "left_out": evaluation.left_out,
        "captions": evaluation.words, "rows": rows, "sequences": [asdict(s) for s in findings.sequences],
    }  # fmt: skip
    clean: dict[str, Any] = _finite(report)
    return clean


def _finite(value: Any) -> Any:
    """The same without NaN and infinity, which JSON has not."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


def run(job: Job) -> Table:
    """Evaluate, and write plates.json, report.html and sheet.png; returns what a person wants to read first. Raises
    what `evaluate` does, and ModelNotFound when none of the rows can be had."""
    from renderer.evaluate.page import page
    from renderer.evaluate.pictures import painted, picked, sheet_picks
    from renderer.evaluate.sheet import draw_sheet

    job.out.mkdir(parents=True, exist_ok=True)
    begun_s = time.monotonic()
    evaluation = evaluate(job)
    report = report_of(evaluation) | {"seconds": round(time.monotonic() - begun_s, 1)}
    (job.out / "plates.json").write_text(json.dumps(report, indent=1) + "\n")
    rows, sequences = evaluation.rows, evaluation.findings.sequences
    judged = next(name for name in JUDGED_FIRST if any(row.name == name for row in rows))
    gallery = list(painted(picked(sequences, judged), rows, judged))
    (job.out / "report.html").write_text(page(report, evaluation.findings, gallery))
    draw_sheet(list(painted(sheet_picks(sequences, judged), rows, judged)), judged, job.out / "sheet.png")
    return summary(report, job.out)


def summary(report: Mapping[str, Any], out: Path) -> Table:
    """The overall figures of every row."""
    shown = [m for m in METRICS if any(row["overall"][m.key] is not None for row in report["rows"].values())]
    title = f"{len(report['sequences'])} sequences, split {report['split']}, {report['seconds']:g} s"
    missing = [f"without {name}: {reason}" for name, reason in report["left_out"].items()]
    caption = "\n".join([f"{out / 'report.html'}, plates.json, sheet.png", *missing])
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for column in ("figure", *report["rows"], "goal of limn-s"):
        table.add_column(column, justify="left" if column == "figure" else "right", no_wrap=column != "figure")
    for metric in shown:
        values = [row["overall"][metric.key] for row in report["rows"].values()]
        goal = f"{metric.goals['limn-s']:g}" if "limn-s" in metric.goals else ""
        cells = ["–" if v is None else f"{v:.{metric.digits}f}" for v in values]
        table.add_row(f"{metric.title}, {metric.unit}".removesuffix(", "), *cells, goal)
    return table
