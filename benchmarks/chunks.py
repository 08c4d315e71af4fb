"""`python benchmarks/chunks.py [--seconds 20] [--fps 30] [--json FILE]`: when a chunk's plates reach the engine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from renderer.bench import chunks


def main() -> None:
    parser = argparse.ArgumentParser(description=chunks.__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each row")
    parser.add_argument("--fps", type=float, default=30.0, help="of the engine")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = chunks.run((160, 90), options.seconds, options.fps, Console(width=120))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
