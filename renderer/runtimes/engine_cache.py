"""Engines on disk: found by what they depend on, signed with a key of this machine's user, refused when altered.

    ~/.cache/worldplate/engines/       $XDG_CACHE_HOME goes before ~/.cache; mode 0700
        SHA256.engine                  of the engine's identity; mode 0600
    ~/.config/worldplate/engines.key   $XDG_CONFIG_HOME goes before ~/.config; 32 random bytes as hex; mode 0600

A file is MAGIC, an HMAC-SHA256 (RFC 2104) of 32 bytes, the identity's length as 4 little-endian bytes, the identity as
JSON, the engine. The code covers all that follows it, so an engine of another network or of another GPU, put under this
one's name, is refused as well. Keys never travel: an engine of another machine or user is refused like a forged one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ConfigError, ModelUnsafe
from renderer.runtimes.engines import text_of

MAGIC = b"worldplate engine 1\n"
MAC_BYTES, LENGTH_BYTES = 32, 4
MOST_BYTES = 1 << 31
MOST_KEPT = 32  # engines; the one that was not used for longest goes first
KEY_BYTES = 32
REBUILT = "It is not loaded; another is built in its place."


@dataclass(frozen=True)
class EngineCache:
    """The folder of engines and the key that signs them; both are made when the first engine is kept."""

    folder: Path
    key_file: Path

    def keep(self, identity: Mapping[str, object], engine: bytes) -> Path:
        """Write an engine whole or not at all. Raises ConfigError for a key that is open to others, OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = text_of(identity)
        signed = len(told).to_bytes(LENGTH_BYTES, "little") + told + engine
        path = self.path_of(identity)
        write_private(path, MAGIC + self._code(signed, create=True) + signed)
        self._prune(path)
        return path

    def find(self, identity: Mapping[str, object]) -> bytes | None:
        """The engine, or None when there is none. Raises ModelUnsafe for a file that cannot be trusted, ConfigError for
        a key that cannot."""
        path = self.path_of(identity)
        if not path.exists():
            return None
        told, engine = self._opened(path)
        if told != text_of(identity):
            raise ModelUnsafe(f"the engine {path.name} is another one's, under this name", fix=REBUILT)
        os.utime(path)
        return engine

    def kept(self) -> list[tuple[Path, dict[str, object]]]:
        """Every file with the identity that it holds, the newest first; none ({}) for one that cannot be trusted."""
        told: list[tuple[Path, dict[str, object]]] = []
        for path in self._files():
            try:
                told.append((path, json.loads(self._opened(path)[0])))
            except (ModelUnsafe, ConfigError):
                told.append((path, {}))
        return told

    def _opened(self, path: Path) -> tuple[bytes, bytes]:
        """Identity and engine. Raises ModelUnsafe, ConfigError."""
        data = _read_private(path)
        signed = memoryview(data)[len(MAGIC) + MAC_BYTES :]
        code = data[len(MAGIC) : len(MAGIC) + MAC_BYTES]
        if not data.startswith(MAGIC) or not hmac.compare_digest(code, self._code(signed, create=False)):
            raise ModelUnsafe(f"the engine {path.name} was altered, or is not of this user's making", fix=REBUILT)
        end = LENGTH_BYTES + int.from_bytes(signed[:LENGTH_BYTES], "little")
        return bytes(signed[LENGTH_BYTES:end]), bytes(signed[end:])

    def path_of(self, identity: Mapping[str, object]) -> Path:
        return self.folder / f"{hashlib.sha256(text_of(identity)).hexdigest()}.engine"

    def _code(self, signed: bytes | memoryview, *, create: bool) -> bytes:
        return hmac.digest(self._key(create=create), signed, "sha256")

    def _key(self, *, create: bool) -> bytes:
        """Without a key nothing that is there can have been signed with it: any key refuses it."""
        if create and not self.key_file.exists():
            self.key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(self.key_file, secrets.token_hex(KEY_BYTES).encode() + b"\n", replace=False)
        if not self.key_file.exists():
            return secrets.token_bytes(KEY_BYTES)
        try:
            key = bytes.fromhex(_read_private(self.key_file).decode("ascii").strip())
        except (ModelUnsafe, ValueError) as error:
            raise ConfigError(
                f"the key of engines cannot be trusted: {error}", fix=f"Remove {self.key_file}; engines are built anew."
            ) from error
        if len(key) != KEY_BYTES:
            raise ConfigError(f"{self.key_file} is not {KEY_BYTES} bytes as hex", fix="Remove it; a new one is made.")
        return key

    def _files(self) -> list[Path]:
        """The newest first."""
        return sorted(self.folder.glob("*.engine"), key=lambda path: path.lstat().st_mtime, reverse=True)

    def _prune(self, newest: Path) -> None:
        for path in [each for each in self._files() if each != newest][MOST_KEPT - 1 :]:
            path.unlink(missing_ok=True)


def user_cache() -> EngineCache:
    """The user's own."""
    return EngineCache(
        _home("XDG_CACHE_HOME", ".cache") / "engines", _home("XDG_CONFIG_HOME", ".config") / "engines.key"
    )


def _home(variable: str, otherwise: str) -> Path:
    told = os.environ.get(variable, "")
    return (Path(told) if os.path.isabs(told) else Path.home() / otherwise) / "worldplate"


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """A file of mode 0600, whole or not at all. Without `replace` one that is there stays as it is."""
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)  # mode 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)
    except FileExistsError:  # another process was first: its file is the file
        pass
    finally:
        Path(temporary).unlink(missing_ok=True)


def _read_private(path: Path) -> bytes:
    """Raises ModelUnsafe for what is no plain file, somebody else's, open to others, or too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        raise ModelUnsafe(f"{path} cannot be opened: {error.strerror}", fix=REBUILT) from error
    with open(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST_BYTES:
            raise ModelUnsafe(f"{path} is no file of up to {MOST_BYTES} bytes", fix=REBUILT)
        if os.name == "posix" and (facts.st_uid != os.getuid() or facts.st_mode & 0o077):
            raise ModelUnsafe(f"{path} belongs to, or is open to, others than you", fix=REBUILT)
        return file.read()
