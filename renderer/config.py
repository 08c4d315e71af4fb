"""Settings of the renderer: one object, the default beside each field.

Precedence: command line, then environment (WORLDPLATE_MODEL=...), then `worldplate.toml` in the working folder, then
the default. An unknown key is an error wherever it stands.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bridge.errors import ConfigError
from bridge.schema import Limits

PREFIX = "WORLDPLATE_"
FILE = Path("worldplate.toml")
NOT_SETTINGS = frozenset(  # read by the tests
    f"{PREFIX}{name}"
    for name in (
        "FUZZ_MESSAGES", "GODOT", "REQUIRE_BROWSER", "REQUIRE_DOTNET", "REQUIRE_ENGINES", "REQUIRE_NATIVE",
        "REQUIRE_TENSORRT", "REQUIRE_WINE",
    )
)  # fmt: skip


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `worldplate serve` can be told."""

    model: str = "limn"  # built in, of the models folder, or FILE.py:Class
    endpoint: str = ""  # "" = a socket in the runtime folder; "tcp://127.0.0.1:*" = loopback TCP
    runtime_dir: str = ""  # "" = the user's own, see bridge/connection.py
    snapshot_dir: str = ""  # of worlds that were saved; "" = the user's own, see renderer/snapshots.py
    models_dir: str = ""  # of models from elsewhere; "" = the user's own, see renderer/adapters/folder.py
    takes_dir: str = ""  # of recordings; "" = the user's own, see renderer/takes_folder.py
    panel: bool = True  # a web page that shows and steers, on loopback; needs the extra of that name
    panel_port: Annotated[int, Meta(ge=0, le=65535)] = 0  # of that page; 0 = any that is free
    panel_view: str = ""  # OpenColorIO's view that its pictures are shown by; "" = the renderer's own tone map
    runtime: str = "auto"  # of the network: a name of renderer.runtimes.NAMES; "auto" = the fastest installed
    threads: Annotated[int, Meta(ge=1, le=256)] = (
        1  # of the model; one is the most efficient, and leaves the others to the engine
    )
    memory_mb: Annotated[int, Meta(ge=0, le=1 << 20)] = 1000  # of each session's long memory; 0 = none
    log_level: str = "INFO"  # DEBUG, INFO, WARNING, ERROR
    limits: Limits = Limits()  # [limits] in the file; WORLDPLATE_LIMITS__MAX_TEXT=... in the environment


def load_settings(flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ, file: Path = FILE) -> Settings:
    """Settings from all sources; `flags` that are None were not given. Raises ConfigError naming key and source."""
    values: dict[str, Any] = {}
    if file.is_file():
        try:
            values = tomllib.loads(file.read_text())
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{file} is not TOML: {error}", fix="Correct that line.") from error
        _convert(values, str(file))
    _merge(values, _from_environment(environment), "the environment")
    _merge(values, {name: value for name, value in flags.items() if value is not None}, "the command line")
    return _convert(values, "the settings")


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        place, keys = found, name.removeprefix(PREFIX).lower().split("__")
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return found


def _merge(values: dict[str, Any], more: Mapping[str, Any], source: str) -> None:
    _convert(dict(more), source)  # so that an error names the source it came from
    for name, value in more.items():
        if isinstance(value, Mapping):
            values[name] = {**values.get(name, {}), **value}
        else:
            values[name] = value


def _convert(values: dict[str, Any], source: str) -> Settings:
    unknown = sorted(set(values.get("limits", {})) - set(Limits.__struct_fields__))
    if unknown:  # the wire's Limits tolerate fields of a later version; a settings file must not
        raise ConfigError(
            f"{source}: there is no limit '{unknown[0]}'", fix=f"Limits are: {', '.join(Limits.__struct_fields__)}."
        )
    try:
        # Not strict: the environment has text for numbers. Types and ranges are still checked.
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(Settings.__struct_fields__)
        raise ConfigError(f"{source}: {error}", fix=f"Settings are: {known}.") from error
