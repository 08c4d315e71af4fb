"""Exports and marks without the packages they need: one line that says what to install, and nothing else breaks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NEEDS = {
    "renderer.provenance.keys": ("cryptography", "provenance"),
    "renderer.provenance.credentials": ("c2pa", "provenance"),
    "renderer.provenance.watermark": ("numba", "torch"),
    "renderer.exports.color": ("PyOpenColorIO", "exports"),
    "renderer.exports.exr": ("OpenEXR", "exports"),
}
PROGRAM = """
import importlib, sys
from bridge.errors import MissingDependency
import renderer.cli
for module, package in zip(sys.argv[1::2], sys.argv[2::2]):
    sys.modules[package] = None
    try:
        importlib.import_module(module)
        print("imported")
    except MissingDependency as error:
        print(error)
    del sys.modules[package]
    for name in [n for n in sys.modules if n.startswith(("renderer.exports", "renderer.provenance"))]:
        del sys.modules[name]
"""


def test_what_is_missing_is_named_with_the_line_that_installs_it() -> None:
    """The command line itself imports none of them."""
    pairs = [word for module, (package, _) in NEEDS.items() for word in (module, package)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *pairs],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = done.stdout.splitlines()
    assert len(told) == len(NEEDS)
    for line, (_, extra) in zip(told, NEEDS.values(), strict=True):
        assert f'pip install "worldplate[{extra}]"' in line
