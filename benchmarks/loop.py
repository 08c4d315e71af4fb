"""`python benchmarks/loop.py [--json FILE]` is `worldplate bench loop`."""

from __future__ import annotations

import sys

from renderer.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "loop", *sys.argv[1:]]))
