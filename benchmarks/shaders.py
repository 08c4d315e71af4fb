"""`python benchmarks/shaders.py [--json FILE]`: how far each shader function is from its reference, at most.

The text of the plugins is called as C++, and on a Vulkan driver for the CPU from GLSL and from HLSL, over random rows
and edges (the far plane of reversed depth, an infinite far, what was not written, square-root motion, NaN). An error
is |found - expected| / max(1, |expected|); a NaN, an infinity or a truth in another place is infinite.
Needs g++ libglm-dev glslang-tools spirv-tools libvulkan-dev mesa-vulkan-drivers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from renderer.bench.shader_picture import every_case, planes
from renderer.bench.shaders import MACHINES, driver, errors
from renderer.report import machine, versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there")
    path = parser.parse_args().json
    cases = every_case()
    with tempfile.TemporaryDirectory() as folder:
        found = {name: errors(Path(folder), name, cases, planes()) for name in MACHINES}
        vulkan = driver(Path(folder))
    Console().print(table_of(found, vulkan))
    if path:
        figures = {
            "largest_error": found,
            "rows": {case.function: len(case.expected) for case in cases},
            "rows_on_an_edge": {case.function: int((~case.decided).sum()) for case in cases},
            "vulkan_driver": vulkan,
            "machine": machine(),
            "versions": versions(),
        }
        path.write_text(json.dumps(figures, indent=1) + "\n")


def table_of(found: dict[str, dict[str, float]], vulkan: str) -> Table:
    table = Table(title="Largest error against the reference", caption=f"Vulkan: {vulkan}")
    table.add_column("function")
    for name in MACHINES:
        table.add_column(name, justify="right")
    for function in found[MACHINES[0]]:
        table.add_row(function, *(f"{found[name][function]:.1e}" for name in MACHINES))
    return table


if __name__ == "__main__":
    main()
