"""The native client for Windows, cross-compiled on Linux: `worldplate plugin build unity|unreal --for windows`.

One worldplate.dll that needs no library but those of Windows, the same for every engine: the compiler's own libraries
and libzmq are linked into it. Unreal links with an import library besides, of the short kind (one record for each
function): Microsoft's linker delays the loading of a library by that kind alone, and GNU's writes the other.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.errors import ConfigError, MissingDependency, Refused

_TOOLS = {
    "cmake": "cmake",
    "ninja": "ninja-build",
    "x86_64-w64-mingw32-g++-posix": "g++-mingw-w64-x86-64-posix",
}  # program -> package of Debian and Ubuntu
_IMPORT_TOOL = "llvm-dlltool"
_IMPORT_PACKAGE = "llvm"
_JOBS = "2"  # a compiler takes up to a gigabyte, and the machine is in use
# Without symbols, without the time of the build: the same sources, the same bytes.
_LINKING = "-s -Wl,--no-insert-timestamp,--output-def,worldplate.def"


def build_for_windows(native: Path, library: Path, import_library: Path | None = None) -> None:
    """Builds plugins/native, at `native`, and writes worldplate.dll to `library` and what links with it.

    Raises MissingDependency naming what to install, ConfigError where it cannot be built at all, Refused with the
    tools' words when it fails otherwise; then nothing is written.
    """
    if sys.platform != "linux":
        raise ConfigError("Libraries for Windows are built on Linux", fix="Run this on Debian or Ubuntu.")
    _check_tools(import_library is not None)
    windows = native / "windows"
    libraries = dependencies(windows)
    _run(["bash", str(windows / "dependencies.sh"), str(libraries)])
    with TemporaryDirectory(prefix="worldplate-build-") as name:
        folder = Path(name)
        _compile(native, libraries, folder)
        made = {library: folder / "worldplate.dll"}
        if import_library:
            made[import_library] = folder / "worldplate.lib"
            write_import_library(folder / "worldplate.def", made[import_library])
        for place, file in made.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


def dependencies(windows: Path) -> Path:
    """Where libzmq for Windows is kept once it was built: `worldplate/windows` in $XDG_CACHE_HOME or ~/.cache, one
    folder for each state of the scripts that build it."""
    digest = hashlib.sha256()
    for name in ("dependencies.sh", "toolchain.cmake"):
        digest.update((windows / name).read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "worldplate" / "windows" / digest.hexdigest()[:16]


def write_import_library(definitions: Path, out: Path) -> None:
    """`definitions`, a .def file, names the functions of worldplate.dll."""
    dll = ["-D", "worldplate.dll", "-d", str(definitions)]
    _run([_IMPORT_TOOL, "-m", "i386:x86-64", *dll, "-l", str(out)])


def options(native: Path, libraries: Path) -> list[str]:
    """CMake's; the build then leaves worldplate.dll, and worldplate.def with the names of its functions."""
    where = [f"--toolchain={native / 'windows' / 'toolchain.cmake'}", f"-DCMAKE_PREFIX_PATH={libraries}"]
    how = ["-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_SHARED_LINKER_FLAGS_RELEASE={_LINKING}"]
    return [*where, *how, "-DCMAKE_UNITY_BUILD=ON"]  # which takes half the time


def _compile(native: Path, libraries: Path, folder: Path) -> None:
    _run(["cmake", "-S", str(native), "-B", str(folder), "-G", "Ninja", *options(native, libraries)])
    _run(["cmake", "--build", str(folder), "--target", "worldplate", "--parallel", _JOBS])


def _check_tools(with_import_library: bool) -> None:
    tools = _TOOLS | ({_IMPORT_TOOL: _IMPORT_PACKAGE} if with_import_library else {})
    missing = {program: package for program, package in tools.items() if not shutil.which(program)}
    if missing:
        packages = " ".join(missing.values())
        raise MissingDependency(
            f"Missing: {', '.join(missing)} to build for Windows", fix=f"On Debian and Ubuntu: apt install {packages}"
        )


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return
    if done.returncode == 3 and command[0] == "bash":  # of dependencies.sh, whose last line says what it needs
        raise MissingDependency("The libraries for Windows cannot be built", fix=done.stderr.strip().splitlines()[-1])
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line] or [done.stderr.strip()]
    raise Refused(f"`{' '.join(command[:2])}` failed: {lines[0].strip()}", fix="Please report it with this line.")
