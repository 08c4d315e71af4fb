"""`python benchmarks/gpu.py [--engine BUILD] [--json FILE]` is `worldplate bench gpu`."""

from __future__ import annotations

import sys

from renderer.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "gpu", *sys.argv[1:]]))
