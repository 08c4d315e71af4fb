"""What the reports' pages are made of: one dark document, tables, and pictures inside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from renderer.evaluate.sheet import as_image

STYLE = """
:root { color-scheme: dark }
body { margin: 0 auto; max-width: 1240px; padding: 20px 20px 60px; background: #101216; color: #dfe4ec;
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
h1 { font-size: 26px; margin: 4px 0 2px } h2 { font-size: 19px; margin: 34px 0 8px; color: #fff }
h3 { font-size: 15px; margin: 18px 0 6px; color: #fff } p, li { color: #b4bcc9; max-width: 95ch }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid #262b33; white-space: nowrap }
th:first-child, td:first-child { text-align: left } th { color: #98a2b1; font-weight: 500; vertical-align: bottom }
td small, th small { display: block; color: #7d8796; font-size: 12px }
.facts td { white-space: normal; text-align: left; color: #b4bcc9 } .facts td:first-child { color: #7d8796 }
.facts code { font-size: 12px; overflow-wrap: anywhere }
.good { color: #63d297 } .bad { color: #f08a7c } .dot { display: inline-block; width: 9px; height: 9px;
  border-radius: 50%; margin-right: 7px }
.beside { display: flex; flex-wrap: wrap; gap: 0 36px } .beside th, .beside td { padding: 4px 7px }
a { color: #8fb7e8 }
.wide { margin-bottom: 14px } .over { text-align: center; color: #dfe4ec } .unit { color: #7d8796; font-size: 12px }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 18px }
svg { width: 100%; background: #161a20; border-radius: 6px }
svg line { stroke: #262b33 } svg text { fill: #8c96a6; font-size: 12px } svg .axis { fill: #c3cad6 }
figure { margin: 0 0 14px } figure > div { display: grid; gap: 3px; cursor: zoom-in }
figure.large > div { grid-template-columns: 1fr 1fr !important; cursor: zoom-out }
figure img { width: 100%; display: block; border-radius: 3px } figure span { font-size: 12px; color: #98a2b1 }
figcaption { font-size: 13px; color: #c3cad6; margin-bottom: 3px }
"""
SCRIPT = """
for (const strip of document.querySelectorAll("figure"))
  strip.addEventListener("click", () => strip.classList.toggle("large"));
"""


def document(title: str, body: Sequence[str]) -> str:
    """The whole page; nothing in it is loaded from anywhere."""
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>\n'
            + "\n".join(body) + f"\n<script>{SCRIPT}</script></body></html>\n")  # fmt: skip


def data_uri(picture: NDArray[np.float32]) -> str:
    """A display picture [H, W, 3] of 0..1 as the source of an image."""
    buffer = io.BytesIO()
    as_image(picture).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def table(header: Sequence[str], lines: Iterable[Sequence[str]], above: str = "") -> str:
    """Cells are HTML; `above` is a line over the header."""
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    return f'<div class="wide"><table>{above}<tr>{head}</tr>{body}</table></div>'
