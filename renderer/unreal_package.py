"""The Unreal plugin: its files with the header and the library of the native client, in a project or as one archive.

worldplate plugin install unreal PROJECT      into PROJECT/Plugins/Worldplate, which Unreal builds with the project
worldplate plugin pack unreal --out FILE      to be unpacked into a project's Plugins folder
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError, NotSupported
from renderer import placing
from renderer.native_library import Libraries, ensure, this_system
from renderer.plugins import Installed, shipped

NAME = "Worldplate"
OLDEST, NEWEST = (5, 5), (5, 8)
BINARIES = Path("Binaries/ThirdParty/WorldplateClient")
LIBRARIES: Libraries = {
    "linux": (BINARIES / "Linux/libworldplate.so",),
    "windows": (BINARIES / "Win64/worldplate.dll", BINARIES / "Win64/worldplate.lib"),
}
HEADERS = Path("Source/ThirdParty/WorldplateClient/include")
ENGINE_MADE = ("Binaries/Linux/", "Binaries/Win64/", "Intermediate/")  # what Unreal builds into a plugin's folder
_LEFT_OUT = ("Tests", "CMakeLists.txt", "Intermediate")  # what only we use
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in an archive: the same files, the same bytes


def unreal_source() -> Path:
    """The plugin as it is shipped; the native client's headers lie beside it."""
    return shipped() / "plugins" / "unreal"


def install_unreal(
    folder: Path,
    *,
    source: Path | None = None,
    build: Callable[[str], object] | None = None,
    systems: Sequence[str] = (),
) -> Installed:
    """Puts the plugin into the Unreal project in `folder`, with every native library that is built.

    `build` is called with each of `systems` (none: this machine's) whose library is not.

    Raises ConfigError when `folder` is no project, NotSupported when it is of another engine than 5.5 to 5.8, Refused
    when the plugin in it was changed by hand.
    """
    source = source or unreal_source()
    notes = _check_project(folder)
    home = folder / "Plugins" / NAME
    placing.recover(home)
    notes = [*ensure("unreal", source, LIBRARIES, systems or [this_system()], build), *notes]
    with tempfile.TemporaryDirectory(prefix="worldplate-plugin-") as name:
        package = Path(name)
        stage(source, package)
        names = sorted(path.relative_to(package) for path in package.rglob("*") if path.is_file())
        placing.check(home, package, names, (), ENGINE_MADE)
        before = version_of(home)
        changed = placing.place(home, package, names, ())
    return Installed(home, before, version_of(home), changed, [*notes, *_substrate_note(folder)])


def pack_unreal(out: Path, *, source: Path | None = None) -> Path:
    """Writes the plugin's folder as a zip archive. The same files, the same bytes."""
    source = source or unreal_source()
    with tempfile.TemporaryDirectory(prefix="worldplate-plugin-") as name, zipfile.ZipFile(out, "w") as archive:
        package = Path(name)
        stage(source, package)
        for path in sorted(path for path in package.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{NAME}/{path.relative_to(package).as_posix()}", _EPOCH)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return out


def version_of(plugin: Path) -> str:
    """Empty when there is none."""
    try:
        return str(json.loads((plugin / f"{NAME}.uplugin").read_text(encoding="utf-8"))["VersionName"])
    except FileNotFoundError:
        return ""


def stage(source: Path, package: Path) -> None:
    """Copies what belongs to a user into the empty folder `package`: the plugin, and the native client's headers."""
    headers = source.parent / "native" / "include"
    copies = {name: source / name for name in _files(source)}
    copies |= {HEADERS / path.name: path for path in sorted(headers.glob("*.h"))}
    for name, path in copies.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, package / name)


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if path.is_file() and not hidden and name.parts[0] not in _LEFT_OUT and HEADERS not in name.parents:
            yield name


def _check_project(folder: Path) -> list[str]:
    """What to do next. Of an engine that was built from source the version is not known here."""
    files = sorted(folder.glob("*.uproject"))
    if not files:
        raise ConfigError(f"{folder} is no Unreal project: it has no .uproject", fix="Name its folder.")
    facts: dict[str, Any] = json.loads(files[0].read_text(encoding="utf-8-sig"))
    version = str(facts.get("EngineAssociation", ""))
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)?", version)
    if found and not OLDEST <= (int(found[1]), int(found[2])) <= NEWEST:
        raise NotSupported(f"{files[0].name} is of Unreal {version}", fix="Open it with Unreal 5.5 to 5.8 first.")
    notes = ["Open the project and let it build the plugin; then add Worldplate Stream to a camera or a player."]
    if not facts.get("Modules"):
        notes.append("This project has no C++ of its own: Unreal needs a C++ compiler here to build the plugin.")
    return notes


def _substrate_note(folder: Path) -> list[str]:
    """Of the one project setting that keeps plates from being shown, and is the default of new projects."""
    file = folder / "Config" / "DefaultEngine.ini"
    text = file.read_text(encoding="utf-8-sig", errors="replace") if file.is_file() else ""
    settings = dict(re.findall(r"^(r\.Substrate\S*?)\s*=\s*(\S+)", text, re.MULTILINE))
    if (
        settings.get("r.Substrate", "0").lower() in ("1", "true")
        and settings.get("r.Substrate.ProjectGBufferFormat") != "0"
    ):
        return ["This project uses Substrate's Adaptive GBuffer format: set it to Blendable in its rendering settings."]
    return []
