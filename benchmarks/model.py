"""`python benchmarks/model.py [--json FILE]` is `worldplate bench model`."""

from __future__ import annotations

import sys

from renderer.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "model", *sys.argv[1:]]))
