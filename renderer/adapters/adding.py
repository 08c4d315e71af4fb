"""A folder or a file of somebody's becomes a model of the models folder: it is looked into, brought, and written about.

Files are linked where both folders are on one disk, so that no weights are kept twice, and copied elsewhere. Nothing of
the source is changed.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import ConfigError, ManifestInvalid, ModelIncomplete, ModelMismatch, ModelNotFound, ModelUnsafe
from renderer.adapters.families import Proposal, is_here, module_of
from renderer.adapters.folder import (
    MANIFEST,
    SAFE,
    TAKEN,
    check_place,
    is_pickle,
    made,
    open_folder,
    sha256_of,
)
from renderer.adapters.manifest import Family, Manifest
from renderer.adapters.weights import check_no_lora, ports_of, tensors_of
from renderer.adapters.written import write_manifest
from renderer.models import MODEL_NAMES

MOST_FILES = 10_000
LICENCE_FILES = re.compile(r"(LICEN[CS]E|COPYING|NOTICE)(\..*)?\Z", re.IGNORECASE)
LICENCES = {  # by words that the text begins with
    "Apache License": "Apache-2.0", "MIT License": "MIT",
    "BSD 3-Clause": "BSD-3-Clause", "BSD 2-Clause": "BSD-2-Clause",
    "CreativeML Open RAIL++-M": "LicenseRef-OpenRAIL++-M", "CreativeML Open RAIL-M": "LicenseRef-OpenRAIL-M",
    "STABILITY AI": "LicenseRef-Stability",
}  # fmt: skip
UNKNOWN_LICENCE = "LicenseRef-unknown"


@dataclass(frozen=True)
class Added:
    """What became of it."""

    path: Path
    manifest: Manifest
    missing: tuple[str, ...]  # what a person must still see to, a sentence each
    left_out: tuple[str, ...]  # files that were not brought, with the reason


def add(source: Path, folder: Path, name: str = "", licence: str = "") -> Added:
    """Make a model of the models folder `folder` of a file or a folder. `name` is the source's own where it is empty;
    `licence` is an SPDX id, read from the files where it is empty.

    A source that has a manifest keeps it, with the hashes of its files as they are now. Raises ModelNotFound,
    ModelUnsafe, ModelIncomplete, ModelMismatch, ManifestInvalid, ConfigError for a name that is taken, OSError.
    """
    if not source.exists():
        raise ModelNotFound(f"there is no file and no folder {source}", fix="Name one that holds a model's files.")
    root = source if source.is_dir() else source.parent
    name = _name(name or (source.name if source.is_dir() else source.stem))
    target = made(folder) / name
    in_place = source.is_dir() and source.resolve() == target.resolve()
    if target.exists() and not in_place:
        raise ConfigError(f"there is a model '{name}' already", fix=f"Choose another --name, or remove {target}.")
    if (root / MANIFEST).is_file() and source.is_dir():
        proposal = _as_told(root)
        left_out: list[str] = []
    else:
        proposal, left_out = _looked_into(source, root, licence)
    place = target if in_place else target.with_name(f".{name}.part")
    try:
        if not in_place:
            place.mkdir()
            for file in proposal.files:
                _bring(root, place, file)
        manifest = _manifest(name, place, proposal)
        write_manifest(place, manifest, [f"TO SEE TO: {each}" for each in proposal.missing])
        if not in_place:
            place.rename(target)
    finally:
        if not in_place:
            shutil.rmtree(place, ignore_errors=True)
    return Added(target, open_folder(target).manifest, proposal.missing, tuple(left_out))


def _name(wished: str) -> str:
    """Raises ConfigError for one that is a built-in model's."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", wished).strip("-_")[:64]
    if not name or name in MODEL_NAMES:
        raise ConfigError(f"'{wished}' cannot be the name of a model", fix="Choose another with --name.")
    return name


def _looked_into(source: Path, root: Path, licence: str) -> tuple[Proposal, list[str]]:
    """What a source without a manifest is, and the files that are not needed. Raises ModelMismatch, ModelUnsafe."""
    files, left_out = _sorted_out(_files_of(source, root), root)
    for family in Family:
        proposal = module_of(family).propose(root, files) if is_here(family) else None
        if proposal is not None:
            left_out += [f"{file.relative_to(root)}: not needed" for file in files
                         if str(file.relative_to(root)) not in proposal.files and not _is_text(file)]  # fmt: skip
            return _with_licence(proposal, root, licence), left_out
    for file in files:
        if file.suffix == ".safetensors":
            check_no_lora(file, tensors_of(file))
    if left_out and not files:
        raise ModelUnsafe(f"{source} has no file that can be taken: {left_out[0]}", fix=SAFE)
    there = ", ".join(str(file.relative_to(root)) for file in files[:5]) or "nothing"
    raise ModelMismatch(
        f"{source} is of no family that this version recognises; it holds {there}",
        fix=f"Families: {', '.join(each for each in Family if is_here(each))}. Or write {MANIFEST} yourself.",
    )


def _files_of(source: Path, root: Path) -> list[Path]:
    if source.is_file():
        beside = [root / name for name in ports_of(source).external] if source.suffix == ".onnx" else []
        return [source, *beside, *(file for file in sorted(root.iterdir()) if LICENCE_FILES.match(file.name))]
    files = [file for file in sorted(source.rglob("*"))
             if not any(part.startswith(".") for part in file.relative_to(source).parts)]  # fmt: skip
    if len(files) > MOST_FILES:
        raise ModelMismatch(f"{source} holds {len(files)} files", fix="Name the folder of one model.")
    return [file for file in files if not file.is_dir()]


def _sorted_out(files: Sequence[Path], root: Path) -> tuple[list[Path], list[str]]:
    """Those that can be taken, and those that cannot with the reason. Raises ModelUnsafe for links that lead out."""
    taken: list[Path] = []
    left_out: list[str] = []
    for file in files:
        check_place(root, file)
        if not file.is_file():
            continue
        if file.suffix not in TAKEN and not LICENCE_FILES.match(file.name):
            left_out.append(f"{file.relative_to(root)}: neither safetensors nor ONNX; code and pickles are never used")
        elif is_pickle(file):
            left_out.append(f"{file.relative_to(root)}: a pickle by its content")
        else:
            taken.append(file)
    return taken, left_out


def _is_text(file: Path) -> bool:
    return file.suffix in (".json", ".txt", ".md", "")


def _with_licence(proposal: Proposal, root: Path, licence: str) -> Proposal:
    texts = sorted(file for file in root.iterdir() if file.is_file() and LICENCE_FILES.match(file.name))
    told, files, missing = dict(proposal.told), proposal.files, proposal.missing
    if texts:
        told["licence_file"] = texts[0].name
        files = (*files, *(text.name for text in texts if text.name not in files))
        start = texts[0].read_text(errors="replace")[:2000]
        licence = licence or next((spdx for words, spdx in LICENCES.items() if words.lower() in start.lower()), "")
    told["licence"] = licence or UNKNOWN_LICENCE
    if not licence:
        missing = (*missing, "licence: no file says it; put in the SPDX id that its makers name")
    return Proposal(told, files, missing)


def _as_told(root: Path) -> Proposal:
    """Of a folder with a manifest, as it says. Raises ManifestInvalid, ModelIncomplete."""
    try:
        told = tomllib.loads((root / MANIFEST).read_text(encoding="utf-8"))
        files = tuple(str(row["path"]) for row in told.get("files", []))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise ManifestInvalid(f"{root / MANIFEST} is no manifest: {error!r}", fix="Correct it.") from error
    for file in files:
        check_place(root, root / file)
        if not (root / file).is_file():
            raise ModelIncomplete(f"{root / file} is missing", fix=f"Put it there, or take it out of {MANIFEST}.")
    return Proposal(told, files)


def _bring(root: Path, place: Path, file: str) -> None:
    """A link of the file itself, or a copy on another disk."""
    (place / file).parent.mkdir(parents=True, exist_ok=True)
    real = (root / file).resolve()
    try:
        os.link(real, place / file)
    except OSError:
        shutil.copyfile(real, place / file)


def _manifest(name: str, place: Path, proposal: Proposal) -> Manifest:
    """Raises ManifestInvalid."""
    files = [
        {"path": file, "sha256": sha256_of(place / file), "bytes": (place / file).stat().st_size}
        for file in proposal.files
    ]
    told: dict[str, Any] = {**proposal.told, "name": name, "files": files}
    try:
        return msgspec.convert(told, Manifest)
    except msgspec.ValidationError as error:
        raise ManifestInvalid(
            f"{MANIFEST} of {name}: {error}", fix="Correct that key and add the folder anew."
        ) from error
