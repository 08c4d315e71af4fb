"""The report of a world evaluation as one page: verdicts, figures, curves over time, and the worst frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from renderer.evaluate import svg
from renderer.evaluate.html import data_uri, document, table
from renderer.evaluate.world.findings import Figure, Found
from renderer.evaluate.world.metrics import METRICS
from renderer.evaluate.world.statistics import Estimate

COLOURS = ("#9aa3b2", "#c586e8", "#e0a84a", "#56c98a", "#5aa9f0")  # of rows, in their order


def verdict(found: Found, metric: str) -> str:
    """Whether a metric holds, in words; where it does not, the figure that is farthest from its gate comes first."""
    judged = [figure for figure in found.figures if figure.metric == metric and figure.gate is not None]
    missed = [figure for figure in judged if not figure.holds]
    if not judged:
        return "not measured"
    if not missed:
        return "holds"
    return "does not hold: " + "; ".join(
        f"{f.name} {_number(f, f.estimate.value)} {f.unit}".rstrip() + f", gate {f.gate}" for f in missed
    )


def page(report: Mapping[str, Any], rows: Mapping[str, Found]) -> str:
    """The whole document."""
    title = f"World consistency from engine truth: {' · '.join(rows)}"
    colours = dict(zip(rows, COLOURS, strict=False))
    body = [f"<h1>{escape(title)}</h1>", _facts(report), _verdicts(rows, colours)]
    body += [_section(metric, rows, colours) for metric in METRICS]
    return document(title, body)


def _facts(report: Mapping[str, Any]) -> str:
    where = "{cpu}, {cores} cores, {memory_gib} GiB, {system}".format(**report["machine"])
    walk = f"{report['loops']} loops of 10 s, {report['frames_per_loop']} frames each; {report['frames']} frames a row"
    facts = [
        ("machine", where),
        ("made", f"{report['made']}, in {report['seconds']:.0f} s"),
        ("world", f"courtyard of seed {report['seed']}, {report['size']}"),
        ("long walk", walk),
        ("path", "client and renderer over the in-memory pair, sync mode offline; a new session for each episode"),
    ]
    facts += [(name, row["about"] + _runs_on(row["runtime"])) for name, row in report["rows"].items()]
    facts += [(f"no {name}", reason) for name, reason in report["left_out"].items()]  # fmt: skip
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in facts)
    return f'<table class="facts">{cells}</table>'


def _runs_on(runtime: str) -> str:
    return "" if runtime == "none" else f"; runs on {runtime}"


def _verdicts(rows: Mapping[str, Found], colours: Mapping[str, str]) -> str:
    """A line for every metric, a column for every row."""
    header = ["", *(_named(name, colours) for name in rows)]
    lines = []
    for metric, about in METRICS.items():
        words = [verdict(found, metric) for found in rows.values()]
        marks = [f'<span class="{"good" if word == "holds" else "bad"}">{escape(word.partition(":")[0])}</span>'
                 for word in words]  # fmt: skip
        lines.append([f'<a href="#{metric}">{metric}</a> {escape(about.title)}', *marks])
    missed = []
    for name, found in rows.items():
        for metric, about in METRICS.items():
            said = verdict(found, metric)
            if said.startswith("does"):
                missed.append(
                    f"<li>{_named(name, colours)}: {metric} {escape(about.title.lower())} {escape(said)}</li>"
                )
    return f"<h2>Verdicts</h2>{table(header, lines)}<ul>{''.join(missed)}</ul>"


def _section(metric: str, rows: Mapping[str, Found], colours: Mapping[str, str]) -> str:
    about = METRICS[metric]
    heading = f'<h2 id="{metric}">{metric} {escape(about.title)}</h2><p>{escape(about.how)}</p>'
    parts = [heading, _figures(metric, rows, colours)]
    curves = _curves(metric, rows, colours)
    if curves:
        legend = " &nbsp; ".join(_named(name, colours) for name in rows)
        parts.append(f'<p>{legend}</p><div class="pair">{"".join(curves)}</div>')
    for name, found in rows.items():
        if name == "engine" and len(rows) > 1:
            continue  # nothing is wrong with it
        parts += [_strip(f"{name}: {worst.title}", worst.pictures) for worst in found.worst if worst.metric == metric]
    return "".join(parts)


def _figures(metric: str, rows: Mapping[str, Found], colours: Mapping[str, str]) -> str:
    """A line for every figure, a column for every row and for the gate."""
    by_name: dict[str, dict[str, Figure]] = {}
    for row, found in rows.items():
        for figure in found.figures:
            if figure.metric == metric:
                by_name.setdefault(figure.name, {})[row] = figure
    lines = []
    for name, figures in by_name.items():
        first = next(iter(figures.values()))
        unit = f' <span class="unit">{escape(first.unit)}</span>' if first.unit else ""
        gate = str(first.gate) if first.gate is not None else ""
        lines.append([escape(name) + unit, *(_cell(figures.get(row)) for row in rows), escape(gate)])
    return table(["", *(_named(name, colours) for name in rows), "gate"], lines)


def _cell(figure: Figure | None) -> str:
    if figure is None or math.isnan(figure.estimate.value):
        return "–"
    text = _number(figure, figure.estimate.value) + _interval(figure, figure.estimate)
    return text if figure.gate is None else f'<span class="{"good" if figure.holds else "bad"}">{text}</span>'


def _interval(figure: Figure, estimate: Estimate) -> str:
    if estimate.low == estimate.high:
        return ""
    return f"<small>{_number(figure, estimate.low)} to {_number(figure, estimate.high)}</small>"


def _number(figure: Figure, value: float) -> str:
    text = f"{value:.{figure.digits}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text


def _curves(metric: str, rows: Mapping[str, Found], colours: Mapping[str, str]) -> list[str]:
    axes: dict[tuple[str, str], dict[str, tuple[Sequence[float], Sequence[float]]]] = {}
    for row, found in rows.items():
        for curve in found.curves:
            if curve.metric == metric:
                axes.setdefault((curve.x_title, curve.y_title), {})[row] = (curve.x, curve.y)
    return [svg.lines(series, x_title, y_title, colours) for (x_title, y_title), series in axes.items()]


def _strip(caption: str, pictures: Sequence[tuple[str, Any]]) -> str:
    images = "".join(f'<span><img alt="{escape(label)}" src="{data_uri(picture)}">{escape(label)}</span>'
                     for label, picture in pictures)  # fmt: skip
    return (f'<figure><figcaption>{escape(caption)}</figcaption><div style="grid-template-columns: '
            f'repeat({max(3, len(pictures))}, 1fr)">{images}</div></figure>')  # fmt: skip


def _named(row: str, colours: Mapping[str, str]) -> str:
    return f'<span class="dot" style="background: {colours[row]}"></span>{escape(row)}'
