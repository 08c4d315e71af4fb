"""The Unity package: its files with the `.meta` files that Unity wants, in a project or as one archive.

    worldplate plugin install unity PROJECT      into PROJECT/Packages, where Unity takes it as the project's own
    worldplate plugin pack unity --out FILE      for Package Manager > Install package from tarball

A `.meta` file holds the name (guid) by which scenes know a file. Ours are made from the file's path, so that they are
the same in every project and version.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bridge.errors import ConfigError, NotSupported
from renderer import placing
from renderer.native_library import Libraries, ensure, this_system
from renderer.plugins import Installed, shipped

NAME = "com.worldplate"
OLDEST = 6000  # the major number of Unity 6
LIBRARIES: Libraries = {
    "linux": (Path("Plugins/x86_64/libworldplate.so"),),
    "windows": (Path("Plugins/x86_64/worldplate.dll"),),
}
_ENGINE_OWN = (".meta",)
_LEFT_OUT = ("Tests", "CMakeLists.txt")  # what only we use
_VERSION = re.compile(r"^m_EditorVersion: *((\d+)\.\S+)", re.MULTILINE)
# By ending of a library: the editor's system, and the players that it goes into, of those there are.
_PLAYERS = ("Linux64", "OSXUniversal", "Win", "Win64")
_PLATFORMS = {".so": ("Linux", "Linux64"), ".dll": ("Windows", "Win64")}
_PIPELINES = ("com.unity.render-pipelines.universal", "com.unity.render-pipelines.high-definition")


def unity_source() -> Path:
    """The package as it is shipped, without `.meta` files."""
    return shipped() / "plugins" / "unity"


def install_unity(
    folder: Path,
    *,
    source: Path | None = None,
    build: Callable[[str], object] | None = None,
    systems: Sequence[str] = (),
) -> Installed:
    """Puts the package into the Unity project in `folder`, with every native library that is built.

    `build` is called with each of `systems` (none: this machine's) whose library is not.

    Raises ConfigError when `folder` is no project, NotSupported when it is older than Unity 6, Refused when the package
    in it was changed by hand.
    """
    source = source or unity_source()
    _check_project(folder)
    home = folder / "Packages" / NAME
    placing.recover(home)
    notes = ensure("unity", source, LIBRARIES, systems or [this_system()], build)
    with tempfile.TemporaryDirectory(prefix="worldplate-package-") as name:
        package = Path(name)
        stage(source, package)
        names = sorted(path.relative_to(package) for path in package.rglob("*") if path.is_file())
        placing.check(home, package, names, _ENGINE_OWN)
        before = version_of(home)
        changed = placing.place(home, package, names, _ENGINE_OWN)
    return Installed(home, before, version_of(home), changed, [*notes, *_project_notes(folder)])


def pack_unity(out: Path, *, source: Path | None = None) -> Path:
    """Writes the package as a gzipped tar, which Unity's Package Manager takes. The same files, the same bytes."""
    source = source or unity_source()
    with tempfile.TemporaryDirectory(prefix="worldplate-package-") as name:
        package = Path(name)
        stage(source, package)
        draft = io.BytesIO()
        with tarfile.open(fileobj=draft, mode="w") as archive:
            for path in sorted(path for path in package.rglob("*") if path.is_file()):
                entry = tarfile.TarInfo(f"package/{path.relative_to(package).as_posix()}")
                entry.size, entry.mode = path.stat().st_size, 0o644
                archive.addfile(entry, io.BytesIO(path.read_bytes()))
    out.write_bytes(gzip.compress(draft.getvalue(), mtime=0))
    return out


def version_of(package: Path) -> str:
    """Empty when there is none."""
    try:
        return str(json.loads((package / "package.json").read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        return ""


def stage(source: Path, package: Path) -> None:
    """Copies what belongs to a user into the empty folder `package`, and adds the `.meta` files."""
    for name in _files(source):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, package / name)
    for path in sorted(package.rglob("*")):
        name = path.relative_to(package)
        if not any("~" in part for part in name.parts):  # Unity looks past these
            path.with_name(path.name + ".meta").write_text(meta(name, path.is_dir()), encoding="utf-8")


def meta(name: Path, is_folder: bool) -> str:
    """The text of a file's `.meta`; what is not said in it Unity adds with its defaults."""
    guid = hashlib.md5(f"{NAME}/{name.as_posix()}".encode(), usedforsecurity=False).hexdigest()
    lines = ["fileFormatVersion: 2", f"guid: {guid}"]
    if is_folder:
        lines += ["folderAsset: yes", "DefaultImporter:", "  externalObjects: {}"]
    elif name.suffix in _PLATFORMS:
        lines += _plugin_importer(*_PLATFORMS[name.suffix])
    return "\n".join([*lines, ""])


def _plugin_importer(system: str, player: str) -> Iterator[str]:
    """A library that editors of one system and one kind of player load, on x86-64. The lists are of version 2, which
    Unity has written since 2017 and takes today; without the number it looks for those of version 1."""
    yield from ("PluginImporter:", "  externalObjects: {}", "  serializedVersion: 2", "  iconMap: {}")
    yield from ("  executionOrder: {}", "  defineConstraints: []", "  isPreloaded: 0", "  isOverridable: 0")
    yield from ("  isExplicitlyReferenced: 0", "  validateReferences: 1", "  platformData:")
    left_out = {"Editor": 0} | {name: int(name != player) for name in _PLAYERS}
    yield from _platform("", "Any", False, {f"Exclude {name}": str(out) for name, out in left_out.items()})
    yield from _platform("Any", "", False, {})
    yield from _platform("Editor", "Editor", True, {"CPU": "x86_64", "DefaultValueInitialized": "true", "OS": system})
    for name in _PLAYERS:
        yield from _platform("Standalone", name, name == player, {"CPU": "x86_64" if name == player else "None"})


def _platform(group: str, name: str, enabled: bool, settings: dict[str, str]) -> Iterator[str]:
    yield from ("  - first:", f"      {group}: {name}", "    second:", f"      enabled: {int(enabled)}")
    yield "      settings:" if settings else "      settings: {}"
    yield from (f"        {key}: {value}" for key, value in settings.items())


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if path.is_file() and not hidden and name.parts[0] not in _LEFT_OUT and name.suffix != ".meta":
            yield name


def _check_project(folder: Path) -> None:
    file = folder / "ProjectSettings" / "ProjectVersion.txt"
    if not file.is_file():
        raise ConfigError(f"{folder} is no Unity project: it has no {file.relative_to(folder)}", fix="Name its folder.")
    found = _VERSION.search(file.read_text(encoding="utf-8"))
    if found is None or int(found[2]) < OLDEST:
        version = found[1] if found else "an unknown version"
        raise NotSupported(f"{folder} is of Unity {version}", fix="Open it with Unity 6 (6000.0) or later first.")


def _project_notes(folder: Path) -> list[str]:
    manifest = folder / "Packages" / "manifest.json"
    known = json.loads(manifest.read_text(encoding="utf-8")).get("dependencies", {}) if manifest.is_file() else {}
    if not any(name in known for name in _PIPELINES):
        return ["This project has neither URP nor HDRP, and the Built-in pipeline shows no plate: install one of them."]
    return ["Open Window > Worldplate in Unity: it says what is missing, and puts it right with one click."]
