"""`python benchmarks/kills.py [--json FILE]` is `worldplate bench kills`."""

from __future__ import annotations

import sys

from renderer.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "kills", *sys.argv[1:]]))
