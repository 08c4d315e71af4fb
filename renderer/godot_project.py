"""What project.godot says, and how to enable a plugin in it without touching anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ConfigError, NotSupported

OLDEST = (4, 4)
_SECTION = "editor_plugins"
_ENABLED = re.compile(r"^enabled[ \t]*=[ \t]*PackedStringArray\((?P<items>[^)]*)\)[ \t\r]*$", re.MULTILINE)
_ANY_ENABLED = re.compile(r"^enabled[ \t]*=", re.MULTILINE)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FEATURES = re.compile(r"^config/features[ \t]*=[ \t]*PackedStringArray\(([^)]*)\)", re.MULTILINE)
_FORMAT = re.compile(r"^config_version[ \t]*=[ \t]*(\d+)", re.MULTILINE)
_COMPATIBILITY = re.compile(r'^renderer/rendering_method[ \t]*=[ \t]*"gl_compatibility"', re.MULTILINE)


@dataclass(frozen=True)
class GodotProject:
    folder: Path
    text: str  # of project.godot, its line ends as they are
    features: tuple[str, ...]  # such as "4.6", "Forward Plus"

    @property
    def file(self) -> Path:
        return self.folder / "project.godot"

    @property
    def compatibility(self) -> bool:
        """Whether it is set to the renderer without compute passes."""
        return "GL Compatibility" in self.features or bool(_COMPATIBILITY.search(self.text))


def read(folder: Path) -> GodotProject:
    """Raises ConfigError when `folder` is no Godot project, NotSupported when it is one of an engine too old."""
    file = folder / "project.godot"
    if not file.is_file():
        raise ConfigError(
            f"{folder} is not a Godot project: there is no project.godot in it",
            fix="Give the folder that holds project.godot.",
        )
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not text: {error}", fix="Restore the file first.") from error
    match = _FEATURES.search(text)
    project = GodotProject(folder.resolve(), text, tuple(_STRING.findall(match[1])) if match else ())
    _check_version(project)
    return project


def _check_version(project: GodotProject) -> None:
    oldest = ".".join(map(str, OLDEST))
    match = _FORMAT.search(project.text)
    if match and int(match[1]) < 5:
        raise NotSupported(f"{project.file} is of Godot 3 or older", fix=f"Open it in Godot {oldest} or later first.")
    for feature in project.features:
        version = re.fullmatch(r"(\d+)\.(\d+)", feature)
        if version and (int(version[1]), int(version[2])) < OLDEST:
            raise NotSupported(
                f"{project.file} is of Godot {feature}; the add-on needs {oldest}",
                fix=f"Open it in Godot {oldest} or later first.",
            )


def plugins(text: str) -> list[str]:
    """The enabled plugins."""
    section = _section(text)
    match = _ENABLED.search(text, *section) if section else None
    return _STRING.findall(match["items"]) if match else []


def with_plugin(text: str, plugin: str) -> str:
    """`text` with `plugin` enabled; every other byte stays. Raises ConfigError when its list cannot be read."""
    if plugin in plugins(text):
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    line = f'enabled=PackedStringArray("{plugin}"){newline}'
    section = _section(text)
    if section is None:
        gap = "" if text.endswith("\n") else newline
        return f"{text}{gap}{newline}[{_SECTION}]{newline}{newline}{line}"
    if match := _ENABLED.search(text, *section):
        items = match["items"].strip()
        at, until = match.span("items")
        return text[:at] + (f'{items}, "{plugin}"' if items else f'"{plugin}"') + text[until:]
    if _ANY_ENABLED.search(text, *section):
        raise ConfigError(
            f"[{_SECTION}] of project.godot has an `enabled` that is not understood",
            fix="Enable the add-on in Project > Project Settings > Plugins.",
        )
    at = section[0]
    return text[:at] + ("" if text[:at].endswith("\n") else newline) + newline + line + text[at:]


def _section(text: str) -> tuple[int, int] | None:
    """From behind the heading to the next heading."""
    headings = list(_headings(text))
    for index, (name, _, start) in enumerate(headings):
        if name == _SECTION:
            return start, headings[index + 1][1] if index + 1 < len(headings) else len(text)
    return None


def _headings(text: str) -> Iterator[tuple[str, int, int]]:
    """Name, begin and end (behind its line) of each [section]. Quoted texts may hold lines that look like one: they and
    comments are passed over."""
    pattern = r'"(?:[^"\\]|\\.)*"|^;[^\n]*|^\[([^\]\n]+)\][^\n]*(?:\n|\Z)'
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        if match[1] is not None:
            yield match[1], match.start(), match.end()
