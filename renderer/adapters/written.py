"""A manifest as the TOML that a person reads and corrects."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import MissingDependency
from renderer.adapters.folder import MANIFEST
from renderer.adapters.manifest import Manifest
from renderer.adapters.weights import INSTALL

ROWS = frozenset({"files", "maps"})  # written as [[files]]


def write_manifest(folder: Path, manifest: Manifest, notes: Sequence[str] = ()) -> Path:
    """Write `model.toml`, whole or not at all, with every key, its default too; `notes` stand above it as comments.
    Raises MissingDependency, OSError."""
    path = folder / MANIFEST
    beside = path.with_suffix(".part")
    try:
        beside.write_text(toml_of(manifest, notes), encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def toml_of(manifest: Manifest, notes: Sequence[str] = ()) -> str:
    """The same as text. Raises MissingDependency."""
    try:
        import tomlkit
    except ImportError as error:
        raise MissingDependency("tomlkit is not installed", fix=INSTALL) from error
    document = tomlkit.document()
    for note in notes:
        document.add(tomlkit.comment(note))
    if notes:
        document.add(tomlkit.nl())
    told: dict[str, Any] = msgspec.to_builtins(manifest)
    tables = {key: value for key, value in told.items() if key in ROWS or isinstance(value, Mapping)}
    for key in sorted(told.keys() - tables.keys(), key=list(told).index):  # TOML wants what is no table first
        document.add(key, told[key])
    for key, value in tables.items():
        if key in ROWS:
            rows = tomlkit.aot()
            for row in value:
                rows.append(tomlkit.item(_without_none(row)))
            if value:
                document.add(key, rows)
        else:
            document.add(key, tomlkit.item(_without_none(value)))
    return tomlkit.dumps(document)


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    """TOML has no nothing: a key that is not there has its default."""
    return {key: value for key, value in table.items() if value is not None}
