"""Put the add-on into a Godot project: `worldplate plugin install godot`.

Nothing of the project but the add-on's folder is touched (renderer/placing.py), but for the one line that enables the
add-on when that is asked for.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import WorldplateError
from renderer import godot_project, placing
from renderer.godot_project import GodotProject

ADDON = Path("addons") / "worldplate"
PLUGIN = "res://addons/worldplate/plugin.cfg"
BUILD = "worldplate plugin build godot"
_EXTENSION = "worldplate.gdextension"
_ENGINE_OWN = (".import", ".uid")  # the editor writes and rewrites these beside what they belong to
_VERSION = re.compile(r'^version="([^"]*)"', re.MULTILINE)


def shipped() -> Path:
    """The folder with `plugins/` in it: inside the installed package, or the checkout this package runs from."""
    inside = Path(__file__).parent / "shipped"
    return inside if (inside / "plugins").is_dir() else Path(__file__).parent.parent


def godot_source() -> Path:
    """The Godot plugin: its CMake project, with the add-on in `addons/worldplate`."""
    return shipped() / "plugins" / "godot"


@dataclass(frozen=True)
class Installed:
    """What an installation did. `before` is the version that was there, empty when there was none."""

    folder: Path
    before: str
    after: str
    changed: bool
    notes: list[str] = field(default_factory=list)

    def line(self) -> str:
        if not self.changed:
            return f"The add-on {self.after} is in {self.folder} already; nothing was changed."
        return f"The add-on {self.after} is in {self.folder} (before: {self.before or 'none'})."


def install_godot(
    folder: Path, *, enable: bool = False, source: Path | None = None, build: Callable[[], object] | None = None
) -> Installed:
    """Copies the add-on of `source` into the Godot project in `folder`, and enables it there when `enable`.

    `build` is called when `source` lacks the library of this platform. Raises ConfigError when `folder` is no project,
    Refused when the project is too old or the add-on in it was changed by hand.
    """
    source = source or godot_source()
    project = godot_project.read(folder)
    home = project.folder / ADDON
    placing.recover(home)
    placing.check(home, source / ADDON, list(_files(source / ADDON)), _ENGINE_OWN)
    notes = _ensure_library(source / ADDON, build)
    before = version_of(home)
    changed = placing.place(home, source / ADDON, list(_files(source / ADDON)), _ENGINE_OWN)
    notes += _enable(project) if enable else _how_to_enable(project)
    return Installed(home, before, version_of(home), changed, [*notes, *_renderer_note(project)])


def version_of(addon: Path) -> str:
    """The version in the add-on's plugin.cfg; empty when there is none."""
    with contextlib.suppress(FileNotFoundError):
        if match := _VERSION.search((addon / "plugin.cfg").read_text(encoding="utf-8")):
            return match[1]
    return ""


def library_of(addon: Path) -> Path | None:
    """Where the add-on wants its library for this platform; None when it has none for it."""
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    arch = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    libraries = (addon / _EXTENSION).read_text(encoding="utf-8")
    match = re.search(rf'^{system}\.{arch}\s*=\s*"([^"]+)"', libraries, re.MULTILINE)
    return addon / match[1] if match else None


def _ensure_library(addon: Path, build: Callable[[], object] | None) -> list[str]:
    library = library_of(addon)
    if library is None:
        return [f"The extension does not exist for {sys.platform} {platform.machine()} yet: only scripts were copied."]
    if library.is_file():
        return []
    if build is None:
        return [f"The extension is not built: only scripts were copied. Run `{BUILD}`, then install again."]
    try:
        build()
    except WorldplateError as error:
        return [f"Only scripts were copied, the extension is not built: {error}"]
    return []


def _files(addon: Path) -> Iterator[Path]:
    """What belongs into a project, relative to `addon`. Without its library the extension would be an error at every
    start of the editor, so both stay away."""
    library = library_of(addon)
    whole = library is not None and library.is_file()
    for path in sorted(addon.rglob("*")):
        name = path.relative_to(addon)
        if not path.is_file() or path.name.startswith(".") or "__pycache__" in name.parts:
            continue
        if whole or not (name.parts[0] == "bin" or name.name.startswith(_EXTENSION)):
            yield name


def _enable(project: GodotProject) -> list[str]:
    text = godot_project.with_plugin(project.text, PLUGIN)
    if text == project.text:
        return ["It is enabled in project.godot already."]
    draft = project.file.with_name(f".project.godot.{secrets.token_hex(4)}")
    try:
        shutil.copy(project.file, draft)  # for its mode
        draft.write_bytes(text.encode())
        os.replace(draft, project.file)
    finally:
        draft.unlink(missing_ok=True)
    return ["It is enabled in project.godot."]


def _how_to_enable(project: GodotProject) -> list[str]:
    if PLUGIN in godot_project.plugins(project.text):
        return []
    return ["Enable it in Project > Project Settings > Plugins, or run this again with --enable."]


def _renderer_note(project: GodotProject) -> list[str]:
    if not project.compatibility:
        return []
    return [
        "This project uses the Compatibility renderer, which shows no plate: choose Forward+ in the editor's top right."
    ]
