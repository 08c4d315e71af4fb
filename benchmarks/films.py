"""`python benchmarks/films.py [--count 20] [--threads 1] [--json FILE]`: Wan's families, full size where a GPU is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from renderer.bench import films


def main() -> None:
    parser = argparse.ArgumentParser(description=films.__doc__)
    parser.add_argument("--count", type=int, default=20, help="chunks of each row")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = films.run(options.count, options.threads, Console(width=120))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
