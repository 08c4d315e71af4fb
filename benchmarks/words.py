"""`python benchmarks/words.py [--json FILE]`: how well limn understands prompts, and how long a new one takes.

Accuracy is on wordings held out of the training of words, and on captions of the worlds: of these, the share of which
no control was set far from the weather that they were written for. Needs the extra `words`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from renderer.models.limn.minilm import MiniLM
from renderer.models.limn.words import Words
from renderer.report import machine, percentiles, versions
from renderer.training.train_words import Accuracy, examined
from renderer.training.worlds.weathers import KINDS, PLACES, drawn, words_of

CAPTIONS_OF_A_KIND = 40
FAR = {"sun_elevation_deg": 15.0, "turbidity": 9.0}  # in the control's unit; 0.5 for shares
TIMED = 100  # prompts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    torch.set_num_threads(1)
    path = parser.parse_args().json
    encoder = MiniLM()
    words = Words(encoder=encoder)
    exams = examined(words.head, encoder)
    figures = {
        "held_out": {name: asdict(told) for name, told in exams.items()},
        "captions_kept": captions_kept(words),
        "ms_per_new_prompt": percentiles(milliseconds(words)),
        "threads": 1,
        "machine": machine(),
        "versions": versions(),
    }
    Console().print(table_of(exams, figures))
    if path:
        path.write_text(json.dumps(figures, indent=1) + "\n")


def captions_kept(words: Words) -> float:
    """Share of captions that set no control far from their weather."""
    rng = np.random.default_rng(11)
    kept = []
    for kind in KINDS:
        for _ in range(CAPTIONS_OF_A_KIND):
            weather = drawn(kind, rng)
            (caption,) = words_of(str(rng.choice(list(PLACES))), weather, rng, 1)
            told = words.controls(caption)
            kept.append(all(abs(value - getattr(weather, name)) <= FAR.get(name, 0.5) for name, value in told.items()))
    return round(float(np.mean(kept)), 3)


def milliseconds(words: Words) -> list[float]:
    """Times of prompts that are not kept, of three pieces each."""
    times = []
    for number in range(TIMED):
        start = time.perf_counter()
        words.controls(f"street {number}, a foggy evening, no snow on the ground")
        times.append((time.perf_counter() - start) * 1e3)
    return times


def table_of(exams: dict[str, Accuracy], figures: dict[str, object]) -> Table:
    table = Table(title="limn's words: wordings that training never saw, shares", title_justify="left")
    for column in ("", "phrases", "right controls", "and values near", "silence kept"):
        table.add_column(column, justify="right" if column else "left")
    for name, told in exams.items():
        shares = (told.exact, told.exact_and_near, told.silent_kept)
        table.add_row(name.replace("_", " "), str(told.phrases), *(f"{share:.3f}" for share in shares))
    table.caption = (
        f"captions of worlds with no control far from their weather: {figures['captions_kept']}\n"
        f"milliseconds for a new prompt, one thread: {figures['ms_per_new_prompt']}"
    )
    table.caption_justify = "left"
    return table


if __name__ == "__main__":
    main()
