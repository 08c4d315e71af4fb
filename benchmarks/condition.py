"""`python benchmarks/condition.py [--json FILE]`: how long planes take to become what networks take."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from renderer.bench.condition import HEIGHT, WIDTH, run, table_of
from renderer.report import machine, versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    path = parser.parse_args().json
    measured = run()
    figures = {"width": WIDTH, "height": HEIGHT, "threads": 1, "families": measured, "machine": machine(),
               "versions": versions()}  # fmt: skip
    Console().print(table_of(measured))
    if path:
        path.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
