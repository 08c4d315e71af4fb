"""The house keeps its rooms: who imports what, how long things may be, and one version everywhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from renderer import cli

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    p for room in ("bridge", "renderer", "tests", "samples", "benchmarks") for p in (ROOT / room).rglob("*.py")
)
LIBRARY = [p for p in SOURCES if p.relative_to(ROOT).parts[0] in ("bridge", "renderer")]
FILE_LINES, FUNCTION_LINES = 400, 60


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_there_are_sources_to_look_at() -> None:
    assert len(LIBRARY) > 30


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_file_and_no_function_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_a_broad_except_stands_in_one_place(path: Path) -> None:
    broad = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
    ]
    assert not broad or name_of(path) == "renderer/serve.py", f"broad except at lines {broad}"


@pytest.mark.parametrize("path", [p for p in LIBRARY if name_of(p).startswith("bridge/")], ids=name_of)
def test_the_bridge_knows_neither_torch_nor_the_renderer(path: Path) -> None:
    assert not imports_of(path) & {"torch", "renderer"}


def test_importing_the_bridge_loads_no_torch() -> None:
    code = "import sys, bridge.client, bridge.engine.embedded; sys.exit(bool({'torch', 'renderer'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(("package", "home"), [("msgpack", "bridge/wire.py"), ("zmq", "bridge/link.py")])
def test_a_transport_package_has_one_home(package: str, home: str) -> None:
    assert [name_of(p) for p in LIBRARY if package in imports_of(p)] == [home]


def test_every_sample_is_run_by_a_test() -> None:
    tests = "".join(p.read_text() for p in (ROOT / "tests").glob("test_*.py"))
    samples = [p.name for p in (ROOT / "samples").glob("*.py")]
    assert samples
    assert all(name in tests for name in samples)


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert version == cli.VERSION
    assert newest is not None
    assert newest.group(1) == version
