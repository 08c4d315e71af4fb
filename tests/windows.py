"""Builds plugins/native for Windows with mingw-w64 and runs it under Wine, as tests/engines/fetch_wine.sh brings both.

Wine is not Windows: what passes here has not been run on Windows. Without them the tests are skipped with what to run;
where WORLDPLATE_REQUIRE_WINE is set, as CI does when they could be fetched, they fail.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import native
import pytest

from renderer import windows_build

VERSION = "8.0-1"


def home() -> Path:
    """The folder of fetch_wine.sh."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / f"worldplate/engines/wine-{VERSION}"
    if (folder / "wine").exists():
        return folder
    reason = "the native client for Windows is NOT TESTED: there is no Wine; run tests/engines/fetch_wine.sh"
    if os.environ.get("WORLDPLATE_REQUIRE_WINE"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Around programs under Wine; the last of the test processes that are in one ends what Wine leaves running."""
    wine = home() / "wine"
    with (Path(tempfile.gettempdir()) / f"worldplate-wine-{os.getuid()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            subprocess.run([wine, "--end"], check=True)


def build() -> Path:
    """The folder with worldplate.dll and the test tools, once for each state of the sources."""
    options = windows_build.options(native.SOURCE, home() / "windows")
    # Without optimisation there are so many small functions that this linker takes longer than the compiler.
    return native.built_by((str(home() / "compile"), "cmake"), *options, "-DCMAKE_CXX_FLAGS_RELEASE=-O1")


def command(tool: str, *arguments: str) -> list[str]:
    """What runs a tool of the build under Wine."""
    return [str(home() / "wine"), str(build() / f"{tool}.exe"), *arguments]


def run(tool: str, *arguments: str, standard_input: str = "") -> list[str]:
    """The lines that a tool printed, with status 0."""
    told = standard_input.encode()
    done = subprocess.run(command(tool, *arguments), input=told, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")[-4000:]
    return done.stdout.decode().splitlines()


def path_of(path: Path) -> str:
    """A path of this machine as Wine shows it."""
    return "Z:" + str(path).replace("/", "\\")
