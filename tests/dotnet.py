"""Compiles the Unity plugin's C# with Roslyn and runs it on a CLR, as tests/engines/fetch_dotnet.sh brings them.

Without them the tests are skipped with what to run; where WORLDPLATE_REQUIRE_DOTNET is set, as CI does when they could
be fetched, they fail.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import native
import pytest

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "plugins/unity"
VERSION, ROSLYN = "3.1.1007", "sdk/sdk/3.1.102/Roslyn/bincore/csc.dll"
REFERENCES = "sdk/packs/NETStandard.Library.Ref/2.1.0/ref/netstandard2.1"
RUNTIME = {
    "runtimeOptions": {
        "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"},
        "configProperties": {"System.Runtime.TieredCompilation": False},  # its threads come and go among those we count
    }
}


def sdk() -> Path:
    """Its folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / f"worldplate/engines/dotnet-{VERSION}"
    if (folder / "dotnet").exists():
        return folder
    reason = "the C# of the Unity plugin is NOT TESTED: there is no .NET; run tests/engines/fetch_dotnet.sh"
    if os.environ.get("WORLDPLATE_REQUIRE_DOTNET"):
        pytest.fail(reason)
    pytest.skip(reason)


def compile_files(out: Path, sources: Iterable[Path], references: Iterable[Path] = (), *options: str) -> None:
    """To a library, or with -target:exe a program; C# 8, which is within Unity's C# 9, and stricter than it."""
    strict = ["-langversion:8", "-nullable:enable", "-warnaserror+", "-unsafe", "-deterministic", "-debug-"]
    command = [str(sdk() / "dotnet"), str(sdk() / ROSLYN), "-nologo", "-noconfig", "-nostdlib", *strict]
    standard = sorted((sdk() / REFERENCES).glob("*.dll"))
    command += [f"-r:{path}" for path in (*standard, *references)]
    command += [f"-out:{out}", *(options or ("-target:library",)), *map(str, sorted(sources))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@functools.cache
def build() -> Path:
    """The folder with Interop, Link, the tests' Tool and the native library, once for each state of the sources."""
    library = native.build() / "libworldplate.so"
    parts = {
        "Worldplate.Interop.dll": PLUGIN / "Runtime/Interop",
        "Worldplate.Link.dll": PLUGIN / "Runtime/Internal/Link",
        "Tool.dll": PLUGIN / "Tests/Tool~",
    }
    sources = {name: sorted(folder.glob("*.cs")) for name, folder in parts.items()}
    digest = hashlib.sha256(repr((str(library), str(sdk()))).encode())
    for path in (path for paths in sources.values() for path in paths):
        digest.update(path.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"worldplate-dotnet-{os.getuid()}" / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test process may be building the same
        if not (folder / "built").exists():
            made: list[Path] = []
            for name, paths in sources.items():
                compile_files(folder / name, paths, made, f"-target:{'exe' if name == 'Tool.dll' else 'library'}")
                made.append(folder / name)
            (folder / "Tool.runtimeconfig.json").write_text(json.dumps(RUNTIME))
            (folder / "libworldplate.so").unlink(missing_ok=True)
            (folder / "libworldplate.so").symlink_to(library)
            (folder / "built").touch()
    return folder


def command(*words: str) -> list[str]:
    """What runs the tool."""
    return [str(sdk() / "dotnet"), str(build() / "Tool.dll"), *words]


def tool(*words: str, lines: str = "") -> list[str]:
    """The lines that the tool printed, but for `done`; `lines` is its standard input."""
    done = subprocess.run(command(*words), input=lines, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert done.stdout.endswith("done\n")
    return done.stdout.splitlines()[:-1]
