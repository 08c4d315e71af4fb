"""A model folder, read with care: its manifest, and files that are what the manifest says.

Nothing in a folder is run. Weights are safetensors or ONNX, whose readers execute nothing; a pickle is refused whatever
it is called, and so is a link or an ONNX that leads out of the folder.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from bridge.connection import private_dir
from bridge.errors import ManifestInvalid, ModelIncomplete, ModelNotFound, ModelUnsafe
from renderer.adapters.manifest import Family, File, Manifest

T = TypeVar("T", bound=msgspec.Struct)
MANIFEST = "model.toml"
MOST_MANIFEST_BYTES = 1 << 20
CHUNK = 1 << 20
TAKEN = frozenset({".safetensors", ".onnx", ".data", ".onnx_data", ".json", ".txt", ".md", ".model", ""})  # of networks
PICKLES = frozenset({".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".npy", ".npz"})
AGAIN = "Bring the folder anew from where it came, or run `worldplate models add` on it if you changed it yourself."
SAFE = (
    "Ask its makers for safetensors or ONNX, or convert it where nothing else can be reached:"
    " torch.load(file, weights_only=True), then safetensors.torch.save_file."
)


@dataclass(frozen=True)
class ModelFolder:
    """A folder whose files were checked. Families open files through `file` alone."""

    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        """Where a file of the manifest is. Raises ManifestInvalid for one that it does not name, whose content was
        therefore not checked."""
        if name not in {file.path for file in self.manifest.files}:
            raise ManifestInvalid(
                f"{self.path / MANIFEST} does not name the file '{name}', which its family needs",
                fix="Run `worldplate models add` on the folder.",
            )
        return self.path / name

    def files(self, ending: str) -> list[str]:
        """The names of the manifest's files that end so, such as ".safetensors"."""
        return [file.path for file in self.manifest.files if file.path.endswith(ending)]

    @property
    def sha256(self) -> str:
        """One digest over all of it: the files', and how they are used."""
        return hashlib.sha256(msgspec.json.encode(self.manifest, order="deterministic")).hexdigest()


def models_folder(models_dir: str = "") -> Path:
    """Where models are: `models_dir`, else `worldplate/models` in $XDG_DATA_HOME or ~/.local/share. Not made here."""
    if models_dir:
        return Path(models_dir).expanduser()
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "worldplate" / "models"


def made(folder: Path) -> Path:
    """The models folder, made for this user alone when it is not there. Raises OSError, TransportError."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        return private_dir(folder)
    return folder


def found(folder: Path) -> list[Path]:
    """The model folders in the models folder, by name."""
    return sorted(manifest.parent for manifest in folder.glob(f"*/{MANIFEST}"))


def find(name: str, folder: Path) -> Path | None:
    """The model folder of that name, or None. A name is no path: nothing outside `folder` is found."""
    return next((path for path in found(folder) if path.name == name), None)


def read_manifest(folder: Path) -> Manifest:
    """Of a model folder. Raises ModelNotFound without one, ManifestInvalid naming the key."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelNotFound(f"{folder} has no {MANIFEST}", fix=f"Make one with `worldplate models add {folder}`.")
    if path.stat().st_size > MOST_MANIFEST_BYTES:
        raise ManifestInvalid(f"{path} has more than {MOST_MANIFEST_BYTES} bytes", fix="It is no manifest.")
    try:
        manifest = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Manifest)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestInvalid(f"{path} is not TOML: {error}", fix="Correct that line.") from error
    except msgspec.ValidationError as error:
        raise ManifestInvalid(f"{path}: {error}", fix="Correct that key; docs/adapters.md lists them.") from error
    if manifest.name != folder.name:
        raise ManifestInvalid(
            f"{path} is of '{manifest.name}', and its folder is called '{folder.name}'",
            fix="Rename the one or the other.",
        )
    return manifest


def options_of(folder: ModelFolder, kind: type[T]) -> T:
    """The family's own options as its struct, which forbids unknown fields. Raises ManifestInvalid naming the key."""
    try:
        return msgspec.convert(folder.manifest.options, kind)
    except msgspec.ValidationError as error:
        known = ", ".join(field.name for field in msgspec.structs.fields(kind))
        place = f"{folder.path / MANIFEST}, [options]"
        raise ManifestInvalid(f"{place}: {error}", fix=f"Options of this family are: {known}.") from error


def open_folder(path: Path) -> ModelFolder:
    """The manifest, and every file of it checked for place, kind, size and hash. Raises ManifestInvalid,
    ModelIncomplete, ModelUnsafe, ModelNotFound."""
    manifest = read_manifest(path)
    for file in manifest.files:
        check_file(path, file, any_kind=manifest.family is Family.PROCESS)
    return ModelFolder(path, manifest)


def check_file(folder: Path, file: File, *, any_kind: bool = False) -> None:
    """Raises ModelIncomplete when it is missing, cut off or altered, ModelUnsafe when it is no file of this folder or
    could run code; `any_kind` is for a program of the user's, which reads its files itself."""
    path = folder / file.path
    check_place(folder, path)
    if not path.is_file():
        raise ModelIncomplete(f"{path} is missing", fix=_renamed(folder, file) or AGAIN)
    size = path.stat().st_size
    if size != file.bytes:
        how = "cut off" if size < file.bytes else "altered"
        raise ModelIncomplete(f"{path} is {how}: it has {size} bytes, and its manifest says {file.bytes}", fix=AGAIN)
    if not any_kind:
        check_kind(path)
    if sha256_of(path) != file.sha256:
        raise ModelIncomplete(f"{path} was altered: its SHA-256 is not the manifest's", fix=AGAIN)


def check_place(folder: Path, path: Path) -> None:
    """Raises ModelUnsafe for what is not inside the folder once links are followed, or is neither file nor absent."""
    real = path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise ModelUnsafe(f"{path} leads out of its folder, to {real}", fix="Put the file itself there.")
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise ModelUnsafe(f"{path} is no plain file", fix="Put the file itself there.")


def check_kind(path: Path) -> None:
    """Raises ModelUnsafe for a pickle, by its name or by its first bytes, and for what is neither weights nor text."""
    if path.suffix in PICKLES or is_pickle(path):
        raise ModelUnsafe(f"{path} is a pickle, which can run any code when it is opened", fix=SAFE)
    if path.suffix not in TAKEN:
        raise ModelUnsafe(f"{path} is neither safetensors nor ONNX, nor text that goes with them", fix=SAFE)


def is_pickle(path: Path) -> bool:
    """Whether it begins as torch's archives and Python's pickles do, protocol 2 on, and not as safetensors, whose first
    eight bytes are the length of the JSON that follows, and can be anything."""
    with path.open("rb") as file:
        start = file.read(9)
    if start[5:] == b"\0\0\0{":
        return False
    return start.startswith(b"PK\x03\x04") or (len(start) > 2 and start[0] == 0x80 and 2 <= start[1] <= 5)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _renamed(folder: Path, file: File) -> str:
    """The remedy when a file of the same content lies there under another name; "" when none does."""
    for other in sorted(folder.rglob("*")):
        if other.is_file() and other.stat().st_size == file.bytes and sha256_of(other) == file.sha256:
            return f"{other.relative_to(folder)} has its content: rename it back."
    return ""
