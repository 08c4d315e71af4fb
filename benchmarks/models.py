"""`python benchmarks/models.py [--json FILE]` is `worldplate bench models`."""

from __future__ import annotations

import sys

from renderer.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "models", *sys.argv[1:]]))
