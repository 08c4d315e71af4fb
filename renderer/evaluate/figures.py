"""From the figures of sequences to those of a report: means, gaps, goals and breakdowns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from renderer.evaluate.measure import Measured, Revisit
from renderer.evaluate.prompts import Followed
from renderer.training.plan import world_of

RESAMPLED = 1000  # times, for the interval of a mean
INTERVAL = (2.5, 97.5)  # percent


@dataclass(frozen=True)
class Metric:
    """A column: its name, unit and how many digits it is shown with; whether less of it is better."""

    key: str
    title: str
    unit: str
    digits: int
    less_is_better: bool = False
    goals: Mapping[str, float] = field(default_factory=dict)  # row -> what it is to reach


METRICS = (
    Metric("psnr_db", "PSNR", "dB", 2, goals={"limn-s": 27.0, "limn-l": 28.7}),
    Metric("above_curve_db", "above curve", "dB", 2, goals={"limn-s": 6.0}),
    Metric("turned_db", "PSNR, exposure turned by a stop", "dB", 2),
    Metric("turned_share", "share of that turn which shows", "", 2),
    Metric("unseen_gap_db", "unseen gap", "dB", 2, less_is_better=True, goals={"limn-s": 2.0}),
    Metric("ssim", "SSIM", "", 3),
    Metric("flip", "FLIP", "", 3, less_is_better=True, goals={"limn-s": 0.13, "limn-l": 0.10}),
    Metric("warp_excess", "warp excess", "10⁻³", 2, less_is_better=True, goals={"limn-s": 0.5, "limn-l": 0.5}),
    Metric("flicker_max", "flicker, largest", "level", 2, less_is_better=True),
    Metric("flicker_mean", "flicker, mean", "level", 3, less_is_better=True, goals={"limn-s": 0.5, "limn-l": 0.5}),
    Metric("revisit_gap_db", "revisit gap", "dB", 2, less_is_better=True, goals={"limn-s": 0.5, "limn-l": 0.5}),
    Metric("adherence", "adherence", "%", 1, goals={"limn-s": 95.0, "limn-l": 95.0}),
    Metric("adherence_one_by_one", "one by one", "%", 1),
    Metric(
        "adherence_to_truths", "nearer to its truth than to another's", "%", 1, goals={"limn-s": 95.0, "limn-l": 95.0}
    ),
    Metric("adherence_visible", "adherence, changes that show", "%", 1),
    Metric("adherence_to_truths_apart", "nearer to its truth, where they differ", "%", 1),
    Metric("adherence_in_words", "by captions", "%", 1),
    Metric("ms", "call, median", "ms", 1, less_is_better=True),
)
BROKEN_DOWN = tuple(
    metric
    for key in ("psnr_db", "flip", "ssim", "warp_excess", "turned_share")
    for metric in METRICS
    if metric.key == key
)


@dataclass
class Findings:
    """Everything measured. Rows appear under their names; revisits and prompts only where a row was tried on them."""

    sequences: list[Measured] = field(default_factory=list)
    revisits: dict[str, list[Revisit]] = field(default_factory=dict)
    prompts: dict[str, list[Followed]] = field(default_factory=dict)
    in_words: dict[str, list[Followed]] = field(default_factory=dict)


def mean(values: Iterable[float]) -> float:
    """NaN and infinite values are left out; NaN of nothing."""
    kept = [v for v in values if math.isfinite(v)]
    return float(np.mean(kept)) if kept else math.nan


def of_frames(sequences: Iterable[Measured], row: str, key: str) -> list[float]:
    """A figure of every frame; the warp error in thousandths."""
    scale = 1e3 if key == "warp_excess" else 1.0
    return [value * scale for s in sequences for value in getattr(s.rows[row], key)]


def overall(findings: Findings, row: str) -> dict[str, float]:
    """The figures of a row by the keys of METRICS; NaN where it was not tried."""
    sequences = findings.sequences
    figures = {key: mean(of_frames(sequences, row, key)) for key in ("psnr_db", "ssim", "flip", "warp_excess")}
    seen, unseen = (
        mean(of_frames((s for s in sequences if s.seen is known), row, "psnr_db")) for known in (True, False)
    )
    has_curve = bool(sequences) and "curve" in sequences[0].rows
    curve_db = mean(of_frames(sequences, "curve", "psnr_db")) if has_curve else math.nan
    revisits = findings.revisits.get(row, [])
    return {
        **figures,
        "above_curve_db": figures["psnr_db"] - curve_db,
        "turned_db": mean(of_frames(sequences, row, "turned_db")),
        "turned_share": mean(of_frames(sequences, row, "turned_share")),
        "unseen_gap_db": seen - unseen,
        "flicker_max": max((s.rows[row].flicker_max for s in sequences), default=math.nan),
        "flicker_mean": mean(s.rows[row].flicker_mean for s in sequences),
        "revisit_gap_db": mean(r.first_db - r.again_db for r in revisits),
        "adherence": _percent(findings.prompts.get(row, [])),
        "adherence_one_by_one": mean(100.0 * pair.share_beaten for pair in findings.prompts.get(row, [])),
        "adherence_to_truths": mean(100.0 * pair.share_truer for pair in findings.prompts.get(row, [])),
        "adherence_visible": _percent([pair for pair in findings.prompts.get(row, []) if pair.visible]),
        "adherence_to_truths_apart": mean(100.0 * p.share_truer_where_apart for p in findings.prompts.get(row, [])),
        "adherence_in_words": _percent(findings.in_words.get(row, [])),
        "ms": float(np.median(of_frames(sequences, row, "ms"))) if sequences else math.nan,
    }


def _percent(pairs: Sequence[Followed]) -> float:
    return mean(100.0 * pair.right for pair in pairs)


def interval_db(sequences: Sequence[Measured], row: str) -> tuple[float, float]:
    """95 % of the means of PSNR that other draws of as many worlds would have had (bootstrap over worlds: frames of one
    world are alike)."""
    worlds: dict[tuple[str, int], list[float]] = {}
    for s in sequences:
        number = int(s.name.partition("-")[0])
        worlds.setdefault((s.folder, world_of(number)), []).append(mean(s.rows[row].psnr_db))
    means = np.array([mean(values) for values in worlds.values()])
    drawn = np.random.default_rng(1).integers(len(means), size=(RESAMPLED, len(means)))
    low, high = np.percentile(means[drawn].mean(axis=1), INTERVAL)
    return float(low), float(high)


def broken_down(sequences: Sequence[Measured], row: str, by: Callable[[Measured], str]) -> dict[str, dict[str, float]]:
    """The figures of BROKEN_DOWN and the number of sequences, for every group in the order of their names."""
    groups: dict[str, list[Measured]] = {}
    for sequence in sequences:
        groups.setdefault(by(sequence), []).append(sequence)
    return {
        group: {**{m.key: mean(of_frames(members, row, m.key)) for m in BROKEN_DOWN}, "sequences": float(len(members))}
        for group, members in sorted(groups.items())
    }


def reaches(metric: Metric, row: str, value: float) -> bool | None:
    """Whether a row reaches its goal; None without a goal or a figure."""
    if row not in metric.goals or math.isnan(value):
        return None
    goal = metric.goals[row]
    return value <= goal if metric.less_is_better else value >= goal
