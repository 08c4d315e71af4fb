"""Curves as inline SVG, for a dark page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 600, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 42
COLOURS = {"engine": "#9aa3b2", "curve": "#e0a84a", "plain": "#c586e8", "limn-s": "#56c98a", "limn-l": "#5aa9f0"}


def lines(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], x_title: str, y_title: str,
          colours: Mapping[str, str] = COLOURS) -> str:  # fmt: skip
    """One line for each series of xs and ys, in its row's colour; NaN is left out."""
    points = {name: [(x, y) for x, y in zip(*pair, strict=True) if math.isfinite(y)] for name, pair in series.items()}
    every = [point for line in points.values() for point in line] or [(0.0, 0.0)]
    xs, ys = (_ticks(min(v), max(v)) for v in zip(*every, strict=True))
    drawn = [_grid(xs, ys, x_title, y_title)]
    for name, line in points.items():
        path = " ".join(f"{_x(x, xs):.1f},{_y(y, ys):.1f}" for x, y in line)
        mark = f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>'
        drawn.append(f"<g><title>{escape(name)}</title>{mark}</g>")
    return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_title)} over {escape(x_title)}">'
            f"{''.join(drawn)}</svg>")  # fmt: skip


def _grid(xs: list[float], ys: list[float], x_title: str, y_title: str) -> str:
    parts = []
    for x in xs:
        parts.append(f'<text x="{_x(x, xs):.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{x:g}</text>')
    for y in ys:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(y, ys):.1f}" y2="{_y(y, ys):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{_y(y, ys) + 4:.1f}" text-anchor="end">{y:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 6}" text-anchor="middle" class="axis">{escape(x_title)}</text>')
    parts.append(f'<text x="{LEFT + 6}" y="{TOP + 12}" class="axis">{escape(y_title)}</text>')
    return "".join(parts)


def _x(value: float, ticks: list[float]) -> float:
    return LEFT + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (WIDTH - LEFT - RIGHT)


def _y(value: float, ticks: list[float]) -> float:
    return HEIGHT - BOTTOM - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (HEIGHT - TOP - BOTTOM)


def _ticks(low: float, high: float) -> list[float]:
    """Three to nine round numbers that take in both ends."""
    rough = max(high - low, 1e-6) / 5.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1.0, 2.0, 5.0, 10.0) if power * m >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 9) for n in range(first, max(last, first + 1) + 1)]
