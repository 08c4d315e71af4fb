"""report.html: one dark page with everything in it; nothing is loaded from anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import zip_longest
from typing import Any

import numpy as np

from renderer.evaluate import svg
from renderer.evaluate.figures import BROKEN_DOWN, METRICS, Findings, Metric, mean, reaches
from renderer.evaluate.frames import GOLDEN_BELOW_DEG
from renderer.evaluate.html import data_uri, document, table
from renderer.evaluate.measure import AWAY_S, STILL_FRAMES, STILL_FROM
from renderer.evaluate.pictures import Pictures
from renderer.evaluate.prompts import ASKED_FRAMES

OVERALL_NOTE = (
    "Means over frames; flicker, revisits and prompts as told below. Under PSNR the interval that holds 95 % of the "
    "means of other draws of as many worlds."
)
PROMPTS_NOTE = "Pairs of pictures, by what was asked and what the change was nearest to."
ROW_NOTES = {
    "engine": "the engine's colour as it is",
    "curve": "the engine's colour through the best rising curve per channel, fitted for each weather to the truth of "
    "these very frames, which favours it",
    "plain": "a U-Net of limn-s's sizes: no memory, no world coordinates, no materials",
    "limn-s": "as the product runs it, frame after frame",
    "limn-l": "as the product runs it, frame after frame",
}


def page(report: Mapping[str, Any], findings: Findings, gallery: Sequence[Pictures]) -> str:
    """The whole document."""
    title = f"Plates beside path-traced truth: {len(findings.sequences)} sequences"
    body = [f"<h1>{escape(title)}</h1>", _facts(report), _overall(report), _curves(findings), _breakdowns(report),
            _prompts(report), _revisits(report), _gallery(gallery), _methods(report)]  # fmt: skip
    return document(title, body)


def _facts(report: Mapping[str, Any]) -> str:
    machine = report["machine"]
    where = "{cpu}, {cores} cores, {memory_gib} GiB, {system}".format(**machine)
    rows = [("machine", where), ("made", f"{report['made']}, split {report['split']}")]
    for data in report["data"]:
        count = f"{data['sequences']} sequences of {data['recipe']['frames']} frames, {data['size']}"
        rows.append(("data set", f"{data['folder']}: {count}, version {data['version']}, contents {data['digest']}"))
    for name, row in report["rows"].items():
        rows += [(name, f"{file}, SHA-256 {sha256}") for file, sha256 in row["files"].items()]
    rows += [(f"no {name}", reason) for name, reason in report["left_out"].items()]
    rows.append(("captions", report["captions"]))
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in rows)
    return f'<table class="facts">{cells}</table>'


def _overall(report: Mapping[str, Any]) -> str:
    """A line for every metric that was measured, a column for every row and for the goals."""
    rows = report["rows"]
    goals = [name for name in rows if any(name in m.goals for m in METRICS)]
    header = ["", *(_named(name) for name in rows), *(f"goal of {name}" for name in goals)]
    lines = []
    for metric in METRICS:
        values = {name: row["overall"][metric.key] for name, row in rows.items()}
        if any(value is not None for value in values.values()):
            figures = [_figure(metric, name, value) + _below(metric, rows[name]) for name, value in values.items()]
            unit = f' <span class="unit">{escape(metric.unit)}</span>' if metric.unit else ""
            lines.append([escape(metric.title) + unit, *figures, *(_goal(metric, name) for name in goals)])
    return f"<h2>Overall</h2>{table(header, lines)}<p>{OVERALL_NOTE}</p>{_rows_note(report)}"


def _goal(metric: Metric, row: str) -> str:
    return f"{'≤' if metric.less_is_better else '≥'} {metric.goals[row]:g}" if row in metric.goals else ""


def _below(metric: Metric, figures: Mapping[str, Any]) -> str:
    low, high = figures["psnr_db_95_percent"]
    return f"<small>{low:.1f} to {high:.1f}</small>" if metric.key == "psnr_db" and low is not None else ""


def _rows_note(report: Mapping[str, Any]) -> str:
    notes = "".join(f"<li>{_named(name)}: {escape(ROW_NOTES[name])}</li>" for name in report["rows"])
    return f"<ul>{notes}</ul>"


def _breakdowns(report: Mapping[str, Any]) -> str:
    parts = ["<h2>Broken down</h2>"]
    for key, title in (("by_family", "family"), ("by_weather", "weather"), ("by_size", "size")):
        parts.append(f"<h3>By {title}</h3>")
        parts += [_breakdown(report["rows"], key, title, pair) for pair in (BROKEN_DOWN[:2], BROKEN_DOWN[2:])]
    return "".join(parts)


def _breakdown(rows: Mapping[str, Any], key: str, title: str, metrics: Sequence[Metric]) -> str:
    """A line for every group, a column for every metric and row."""
    groups = next(iter(rows.values()))[key]
    wide = "".join(f'<th colspan="{len(rows)}" class="over">{_header(m)}</th>' for m in metrics)
    header = [title, "sequences", *(f"<small>{_named(name)}</small>" for _ in metrics for name in rows)]
    lines = []
    for group in groups:
        figures = [_figure(m, "", row[key][group][m.key]) for m in metrics for row in rows.values()]
        lines.append([escape(group), f"{groups[group]['sequences']:g}", *figures])
    return table(header, lines, above=f"<tr><th></th><th></th>{wide}</tr>")


def _curves(findings: Findings) -> str:
    if not findings.sequences:
        return ""
    names = list(findings.sequences[0].rows)
    ranked, over_time = {}, {}
    for name in names:
        values = np.sort([v for s in findings.sequences for v in s.rows[name].psnr_db])
        values = values[np.linspace(0, len(values) - 1, min(len(values), 200)).astype(int)]
        ranked[name] = (np.linspace(0.0, 100.0, len(values)).tolist(), values.tolist())
        by_time = zip_longest(*(s.rows[name].psnr_db for s in findings.sequences), fillvalue=math.nan)
        means = [mean(values) for values in by_time]
        over_time[name] = ([float(t) for t in range(len(means))], means)
    legend = " &nbsp; ".join(_named(name) for name in names)
    return (f'<h2>PSNR of frames</h2><p>{legend}</p><div class="pair">'
            f"{svg.lines(ranked, 'percent of the frames, worst first', 'dB')}"
            f"{svg.lines(over_time, 'frame of a sequence', 'dB, mean')}</div>")  # fmt: skip


def _prompts(report: Mapping[str, Any]) -> str:
    parts = []
    for key, title in (("prompts", "by the dials"), ("prompts_in_words", "by captions")):
        for name, row in report["rows"].items():
            if row[key]:
                parts.append(f"<div><h3>{_named(name)}, {title}</h3>{_confusion(row[key])}</div>")
    heading = f"<h2>Does it do what it is asked?</h2><p>{PROMPTS_NOTE}</p>"
    return f'{heading}<div class="beside">{"".join(parts)}</div>' if parts else ""


def _confusion(pairs: Sequence[Mapping[str, Any]]) -> str:
    """What was asked in rows, what the picture's change was nearest to in columns."""
    changes = list(pairs[0]["distance"])
    lines = []
    for change in changes:
        of_change = [pair for pair in pairs if pair["change"] == change]
        counts = [sum(pair["nearest"] == other for pair in of_change) for other in changes]
        if of_change:
            visible = f"{255.0 * mean(pair['truth_change'] for pair in of_change):.0f}"
            marks = [f'<span class="{"good" if other == change else "bad"}">{n}</span>' if n else "·"
                     for other, n in zip(changes, counts, strict=True)]  # fmt: skip
            lines.append([escape(change), visible, *marks])
    return table(["asked<small>nearest →</small>", "truth changes<small>levels, rms</small>", *changes], lines)


def _revisits(report: Mapping[str, Any]) -> str:
    lines = []
    for name, row in report["rows"].items():
        for r in row["revisits"]:
            first, again = r["first_db"], r["again_db"]
            place = [_named(name), escape(r["name"]), r["size"], str(r["steps"])]
            lines.append([*place, f"{first:.2f}", f"{again:.2f}", f"{first - again:+.2f}"])
    header = ["row", "sequence", "size", "frames away", "first visit, dB", "again, dB", "gap, dB"]
    return f"<h2>Revisits</h2>{table(header, lines)}" if lines else ""


def _gallery(gallery: Sequence[Pictures]) -> str:
    parts, last = [], ""
    for pictures in gallery:
        why = pictures.pick.why
        if why != last:
            parts.append(f"<h3>{escape(why)}</h3>")
            last = why
        parts.append(_strip(pictures))
    return f"<h2>Pictures</h2><p>Click a strip to enlarge it.</p>{''.join(parts)}"


def _strip(pictures: Pictures) -> str:
    """One frame: every row, truth, and where they differ."""
    sequence = pictures.pick.sequence
    cells = [(pictures.caption(name), picture) for name, picture in pictures.rows.items()]
    cells += [("truth", pictures.truth), (f"FLIP of {pictures.judged}", pictures.error)]
    images = "".join(
        f'<span><img alt="{escape(label)}" src="{data_uri(picture)}">{escape(label)}</span>' for label, picture in cells
    )
    caption = f"{sequence.family}, {sequence.setting}, {sequence.size}: frame {pictures.pick.t} of {sequence.name}"
    return (f'<figure><figcaption>{escape(caption)}</figcaption>'
            f'<div style="grid-template-columns: repeat({len(cells)}, 1fr)">{images}</div></figure>')  # fmt: skip


def _methods(report: Mapping[str, Any]) -> str:
    points = [
        f"Everything is compared as displayed: {report['tone_map']}. PSNR, SSIM (Gaussian window of 11, sigma 1.5) and "
        "FLIP (67 pixels per degree) are means over frames of display values.",
        "Warp excess: mean squared change of a picture along the engine's motion where the same surface was in view "
        "(object id and depth), less the truth's own, which has the path tracer's noise: below zero is steadier.",
        f"Flicker: the middle frame stands still for {STILL_FRAMES} frames; changes between plates from the "
        f"{STILL_FROM}rd to the last, in levels of 255. Rows without memory have none, and no revisit gap.",
        f"Revisit gap: the first frame, then {AWAY_S:g} s of the engine's time to and fro in the same world, frame by "
        "frame, then the first frame again: PSNR at first less PSNR then. One world of every family.",
        "Adherence: of a world path-traced in two weathers that differ in one control, the row's change must be nearer "
        f"to the truth's (rms of the difference, display values, first {ASKED_FRAMES} frames) than its own changes for "
        "the six other controls of the plan; one in seven is chance. One by one: the share of those six whose change "
        "is farther from the truth's than the asked one's. By captions: the plan's captions set the dials, in words.",
        "Unseen gap: PSNR on the families that are trained on, less PSNR on the one that never is.",
        f"Weathers: a base weather with the sun under {GOLDEN_BELOW_DEG:g}° is golden, else clear.",
    ]
    return "<h2>How it is measured</h2><ul>" + "".join(f"<li>{escape(point)}</li>" for point in points) + "</ul>"


def _figure(metric: Metric, row: str, value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    reached = reaches(metric, row, value)
    text = f"{value:.{metric.digits}f}"
    return text if reached is None else f'<span class="{"good" if reached else "bad"}">{text}</span>'


def _header(metric: Metric) -> str:
    return escape(f"{metric.title}, {metric.unit}".removesuffix(", "))


def _named(row: str) -> str:
    return f'<span class="dot" style="background: {svg.COLOURS[row]}"></span>{escape(row)}'
