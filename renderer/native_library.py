"""What an engine's plugin carries of the native client for each system: there already, or built first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bridge.errors import WorldplateError

SYSTEMS = ("linux", "windows")  # x86-64 both
Libraries = Mapping[str, tuple[Path, ...]]  # by system: files inside a plugin, the library first


def this_system() -> str:
    """This machine's; none of SYSTEMS where plugins have no library for it."""
    return "windows" if sys.platform == "win32" else sys.platform


def lacking(source: Path, libraries: Libraries, systems: Sequence[str]) -> list[str]:
    """Those of `systems` whose files are not all in the plugin at `source`."""
    return [
        system
        for system in systems
        if system not in libraries or not all((source / file).is_file() for file in libraries[system])
    ]


def ensure(
    engine: str, source: Path, libraries: Libraries, systems: Sequence[str], build: Callable[[str], object] | None
) -> list[str]:
    """Has `build(system)` make what is not there; says of each that is not there afterwards why, and what to do."""
    notes = []
    for system in lacking(source, libraries, systems):
        command = f"worldplate plugin build {engine}" + (f" --for {system}" if system != this_system() else "")
        if build is None:
            notes.append(f"The native library is not built: run `{command}`, then install again.")
            continue
        try:
            build(system)
        except WorldplateError as error:
            notes.append(f"The native library is not built: {error}")
    return notes
