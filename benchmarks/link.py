"""`python benchmarks/link.py [--json FILE]` is `worldplate bench link`."""

from __future__ import annotations

import sys

from renderer.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "link", *sys.argv[1:]]))
