"""Where takes are: a private folder of the user, or the one that the setting `takes_dir` names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bridge.connection import private_dir
from bridge.errors import InvalidValue, TakeNotFound, TakeNotWritten
from bridge.take_records import NAME_PATTERN, SUFFIX

MOST_LISTED = 5


def takes_folder(takes_dir: str = "") -> Path:
    """The folder, made when it is not there: `takes_dir`, else `worldplate/takes` in $XDG_DATA_HOME or ~/.local/share.

    Raises TakeNotWritten when it cannot be made, TransportError when the user's own is not private.
    """
    try:
        if takes_dir:
            folder = Path(takes_dir).expanduser()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return folder
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "worldplate"
        base.mkdir(parents=True, exist_ok=True)
        return private_dir(base / "takes")
    except OSError as error:
        raise TakeNotWritten(
            f"The folder for takes cannot be made: {error}", fix="Set `takes_dir` to a folder that can be written."
        ) from error


def path_of(folder: Path, name: str) -> Path:
    """Where the take of that name is. Raises InvalidValue for a name that is not letters, digits, `_` and `-`."""
    if not re.match(NAME_PATTERN, name):
        raise InvalidValue(
            f"{name[:80]!r} is no name of a take", fix="Use 1 to 64 letters, digits, `_` and `-`, and no path."
        )
    return folder / f"{name}{SUFFIX}"


def find_take(text: str, folder: Path) -> Path:
    """The take that a person means: a file, or the name of a take in `folder`. Raises TakeNotFound."""
    if Path(text).is_file():
        return Path(text)
    if re.match(NAME_PATTERN, text) and path_of(folder, text).is_file():
        return path_of(folder, text)
    newest = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
    there = ", ".join(path.stem for path in newest[:MOST_LISTED]) or "none yet; `worldplate record` makes one"
    raise TakeNotFound(f"There is no file and no take {text[:200]!r}", fix=f"The newest takes in {folder}: {there}.")
