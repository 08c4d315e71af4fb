"""Put a folder of ours into somebody's project: whole or not at all, and nothing that a person changed is overwritten.

What was put there is written beside it, so that the next time what is ours can be told from what is not.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import Refused

RECORD = "installed.sha256"  # in the installed folder: what was put there, as `sha256sum` writes it


def place(home: Path, source: Path, names: Sequence[Path], engine_own: tuple[str, ...]) -> bool:
    """Makes `home` what the files `names` of `source` are; False when it is already.

    `engine_own`: suffixes of what the engine writes beside files; those beside ours are kept. Call `check` before.
    """
    wanted = hashes(source, names)
    if _record(home) == wanted and all((home / name).is_file() for name in wanted):
        return False
    home.parent.mkdir(exist_ok=True)
    new = home.with_name(f".{home.name}.new-{secrets.token_hex(4)}")  # a dot: the editor looks past it
    try:
        _fill(new, source, wanted)
        _keep_engine_files(new, home, engine_own)
        _swap(new, home)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return True


def check(
    home: Path, source: Path, names: Sequence[Path], engine_own: tuple[str, ...], engine_made: tuple[str, ...] = ()
) -> None:
    """Raises Refused when replacing `home` would lose what a person wrote.

    `engine_made`: folders of `home` into which the engine builds; what lies in them is built again."""
    if home.is_symlink():
        raise Refused(f"{home} is a link to {home.resolve()}", fix="Remove the link, or update what it leads to.")
    if not home.exists():
        return
    wanted = _record(home) or hashes(source, names)
    found = [path.relative_to(home) for path in home.rglob("*") if path.is_file() and path.name != RECORD]
    changed = [
        name.as_posix()
        for name in sorted(found)
        if name.suffix not in engine_own
        and not name.as_posix().startswith(engine_made)
        and wanted.get(name.as_posix()) != _hash(home / name)
    ]
    if changed:
        listed = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        raise Refused(
            f"{home} has files that were changed or added by hand: {listed}",
            fix="Keep them elsewhere, delete that folder, and install again.",
        )


def recover(home: Path) -> None:
    """Cleans up after an installation that was killed: the old folder comes back when it had been moved away."""
    for old in home.parent.glob(f".{home.name}.old-*"):
        if home.exists():
            shutil.rmtree(old)
        else:
            old.rename(home)
    for new in home.parent.glob(f".{home.name}.new-*"):
        shutil.rmtree(new)


def hashes(source: Path, names: Sequence[Path]) -> dict[str, str]:
    return {name.as_posix(): _hash(source / name) for name in names}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _record(home: Path) -> dict[str, str]:
    """File -> hash, as written at the installation; empty when there was none."""
    try:
        lines = (home / RECORD).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _fill(new: Path, source: Path, wanted: dict[str, str]) -> None:
    for name in wanted:
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, new / name)
    (new / RECORD).write_text("".join(f"{digest}  {name}\n" for name, digest in wanted.items()), encoding="utf-8")


def _keep_engine_files(new: Path, home: Path, engine_own: tuple[str, ...]) -> None:
    """What the editor made beside our files holds the names (uids) by which scenes of the project know them."""
    for suffix in engine_own:
        for path in home.rglob(f"*{suffix}"):
            name = path.relative_to(home)
            if (new / name.with_suffix("")).is_file() and not (new / name).exists():
                shutil.copy(path, new / name)


def _swap(new: Path, home: Path) -> None:
    old = home.with_name(f".{home.name}.old-{secrets.token_hex(4)}")
    if home.exists():
        home.rename(old)
    try:
        new.rename(home)
    except OSError:
        if old.exists():
            old.rename(home)
        raise
    shutil.rmtree(old, ignore_errors=True)
