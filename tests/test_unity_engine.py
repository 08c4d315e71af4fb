"""The Unity plugin's files that only the engine can run are checked as far as a compiler goes: every assembly of the
package, in the order of its references, against the engine's members as they are declared in Tests/Stubs~."""

from __future__ import annotations

import json
import re
from pathlib import Path

import dotnet
import pytest

RUNTIME = dotnet.PLUGIN / "Runtime"


def sources_of(definition: Path) -> list[Path]:
    """What Unity compiles into an assembly: all below its definition, but folders with a definition of their own."""
    nested = [path.parent for path in definition.parent.rglob("*.asmdef") if path != definition]
    return [
        path
        for path in definition.parent.rglob("*.cs")
        if not any(folder in path.parents for folder in nested) and not any("~" in part for part in path.parts)
    ]


def assemblies() -> list[Path]:
    """Definitions of the package, each after those that it refers to."""
    waiting = {json.loads(path.read_text())["name"]: path for path in sorted(dotnet.PLUGIN.rglob("*.asmdef"))}
    ordered: list[Path] = []
    while waiting:
        for name, path in waiting.items():
            if not set(json.loads(path.read_text()).get("references", [])) & set(waiting):
                ordered.append(waiting.pop(name))
                break
        else:
            raise AssertionError(f"these refer to each other: {sorted(waiting)}")
    return ordered


@pytest.mark.parametrize("checks", ["", "-define:ENABLE_UNITY_COLLECTIONS_CHECKS"], ids=["player", "editor"])
def test_every_assembly_of_the_package_compiles(tmp_path: Path, checks: str) -> None:
    stubs = tmp_path / "UnityEngine.dll"
    dotnet.compile_files(stubs, (dotnet.PLUGIN / "Tests/Stubs~").glob("*.cs"))
    made = [stubs]
    for definition in assemblies():
        facts = json.loads(definition.read_text())
        engine = [] if facts.get("noEngineReferences") else [stubs]
        known = {path.stem: path for path in made}
        references = [known[name] for name in facts.get("references", []) if name in known]
        target = tmp_path / f"{facts['name']}.dll"
        dotnet.compile_files(
            target, sources_of(definition), [*engine, *references], "-target:library", checks or "-optimize+"
        )
        made.append(target)
    dotnet.compile_files(tmp_path / "Samples.dll", (dotnet.PLUGIN / "Samples~").rglob("*.cs"), made)
    assert len(made) == 8


def test_only_what_uses_pointers_may() -> None:
    for definition in assemblies():
        unsafe = any(re.search(r"\bunsafe\b", path.read_text()) for path in sources_of(definition))
        assert json.loads(definition.read_text()).get("allowUnsafeCode", False) == unsafe, definition.name


def test_nothing_static_changes() -> None:
    """What a static holds would live on when a domain is not reloaded, and be lost when it is."""
    for path in sorted(dotnet.PLUGIN.rglob("*.cs")):
        if any("~" in part for part in path.parts) or path.name.endswith(".g.cs"):
            continue
        for line in path.read_text().splitlines():
            held = re.match(
                r"\s*(?:public|internal|private)?\s*static (?!class|extern|unsafe class|readonly)[^(=]*(?:;|= .*;)$",
                line,
            )
            assert held is None, f"{path.name}: {line.strip()}"
