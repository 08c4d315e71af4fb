"""The sequences of a split in one or several folders of `worldplate dataset`, and which belong to the same world."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import ConfigError
from renderer.training.plan import world_of

if TYPE_CHECKING:
    from renderer.training.sequences import Clip


@dataclass(frozen=True)
class Folder:
    """A data set and the sequences of it that are evaluated, sorted by number."""

    path: Path
    manifest: dict[str, Any]
    files: tuple[Path, ...]

    @property
    def size(self) -> str:
        return "{width}x{height}".format(**self.manifest["recipe"])

    def about(self) -> dict[str, Any]:
        """What a report says of it; `digest` is of the evaluated files' contents."""
        digest = hashlib.sha256()
        for path in self.files:
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        told = {key: self.manifest[key] for key in ("version", "recipe")}
        return {"folder": str(self.path), "size": self.size, **told, "sequences": len(self.files),
                "digest": digest.hexdigest()[:16]}  # fmt: skip


@dataclass(frozen=True)
class World:
    """The sequences of one world: in a base weather, and the same with one thing changed where they are there."""

    folder: Folder
    files: tuple[Path, ...]


def folders_of(paths: Sequence[Path], split: str, most: int | None) -> list[Folder]:
    """At most `most` sequences of each. Raises ConfigError for what is no data set, or has none of the split."""
    folders = []
    for path in paths:
        if not (path / "manifest.json").is_file():
            raise ConfigError(f"{path} is not a data set: it has no manifest.json",
                              fix="Give --data a folder that `worldplate dataset --out` made.")  # fmt: skip
        files = sorted(path.glob(f"*-{split}-*.npz"), key=lambda p: (int(p.name.partition("-")[0]), p.name))[:most]
        if not files:
            what, fix = f"{path} has no sequence of the split '{split}'", "Make some, or choose another --split."
            raise ConfigError(what, fix=fix)
        folders.append(Folder(path, _manifest(path), tuple(files)))
    return folders


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / "manifest.json").read_text())
        if "version" in manifest and {"width", "height", "frames"} <= manifest["recipe"].keys():
            return dict(manifest)
    except (ValueError, AttributeError, TypeError, KeyError):
        pass
    raise ConfigError(f"{path / 'manifest.json'} does not say how its data set was made",
                      fix="Make the data set again, or give --data another folder.")  # fmt: skip


def worlds_of(folders: Sequence[Folder]) -> list[World]:
    """Test sequences whose numbers say so are of the same world; others stand alone (`plan.py`)."""
    worlds = []
    for folder in folders:
        groups: dict[object, list[Path]] = {}
        for path in folder.files:
            number, split, *_ = path.name.split("-")
            groups.setdefault(world_of(int(number)) if split == "test" else path, []).append(path)
        worlds += [World(folder, tuple(paths)) for paths in groups.values()]
    return worlds


def read(path: Path) -> Clip:
    """A sequence. Raises ConfigError for a file that is none, or is damaged."""
    from renderer.training.sequences import load

    try:
        if not zipfile.is_zipfile(path):  # NumPy would leave the file open
            raise zipfile.BadZipFile("its end is missing")
        return load(path)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path} cannot be read as a sequence: {error}",
                          fix="Delete it and make the folder's data set again.") from error  # fmt: skip
