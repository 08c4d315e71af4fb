"""Compile what an engine's plugin loads: `worldplate plugin build godot|unity|unreal`, here or for Windows."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from bridge.errors import ConfigError, MissingDependency, Refused
from renderer import unity_package, unreal_package
from renderer.native_library import Libraries, this_system
from renderer.plugins import ADDON, godot_source, library_of
from renderer.windows_build import build_for_windows

HEADERS = {"zmq.h": "libzmq3-dev", "msgpack.hpp": "libmsgpack-cxx-dev", "nlohmann/json.hpp": "nlohmann-json3-dev"}
_JOBS = "2"  # a compiler takes up to a gigabyte, and the machine is in use


def build_godot(source: Path | None = None) -> Path:
    """Builds the extension into the add-on's bin folder and returns the library.

    Raises MissingDependency naming what to install, Refused with the compiler's words when it fails otherwise.
    """
    source = source or godot_source()
    addon = source / ADDON
    library = library_of(addon)
    if library is None:
        raise ConfigError("The extension does not exist for this platform", fix="Use Linux on x86_64 for now.")
    if not os.access(addon, os.W_OK):
        raise ConfigError(f"{addon} cannot be written", fix="Install worldplate into an environment of your own.")
    _build(source, library, "all")
    return library


def build_unity(source: Path | None = None, system: str = "") -> Path:
    """Builds the native library for `system` (this machine's) into the package's Plugins folder and returns it.
    Raises as build_godot."""
    return _build_library(source or unity_package.unity_source(), unity_package.LIBRARIES, "worldplate_unity", system)


def build_unreal(source: Path | None = None, system: str = "") -> Path:
    """Builds the native library, and what links with it, for `system` (this machine's) into the plugin's
    Binaries/ThirdParty and returns it. Raises as build_godot."""
    return _build_library(
        source or unreal_package.unreal_source(), unreal_package.LIBRARIES, "worldplate_unreal", system
    )


def _build_library(source: Path, libraries: Libraries, target: str, system: str) -> Path:
    system = system or this_system()
    if not os.access(source, os.W_OK):
        raise ConfigError(f"{source} cannot be written", fix="Install worldplate into an environment of your own.")
    if system == "windows":
        files = [source / file for file in libraries[system]]
        build_for_windows(source.parent / "native", *files)
        return files[0]
    if system not in libraries or sys.platform != "linux" or platform.machine() != "x86_64":
        raise ConfigError("The library does not exist for this platform", fix="Use Linux on x86_64 for now.")
    (library,) = libraries[system]
    _build(source, source / library, target)
    return source / library


def _build(source: Path, library: Path, target: str) -> None:
    _check_tools()
    with tempfile.TemporaryDirectory(prefix="worldplate-build-") as folder:
        _run(_configure_command(source, folder))
        _run(["cmake", "--build", folder, "--target", target, "--parallel", _JOBS])
    if not library.is_file():
        raise Refused(f"The build left no {library.name}", fix="Please report it.")


def _configure_command(source: Path, folder: str) -> list[str]:
    command = ["cmake", "-S", str(source), "-B", folder, "-DCMAKE_BUILD_TYPE=Release"]
    if shutil.which("ninja"):
        command += ["-G", "Ninja"]
    if libzmq := bundled_libzmq():
        command.append(f"-DWORLDPLATE_LIBZMQ={libzmq}")
    return command


def bundled_libzmq() -> Path | None:
    """libzmq as the installed pyzmq carries it, so that players of the game need not have one."""
    for file in metadata.files("pyzmq") or []:
        if file.parent.name == "pyzmq.libs" and file.name.startswith("libzmq"):
            return Path(str(file.locate()))
    return None


def _compiler() -> str | None:
    return next(
        (path for name in (os.environ.get("CXX"), "c++", "g++", "clang++") if name and (path := shutil.which(name))),
        None,
    )


def _check_tools() -> None:
    missing = [name for name, there in (("cmake", shutil.which("cmake")), ("g++", _compiler())) if not there]
    if not shutil.which("ninja") and not shutil.which("make"):
        missing.append("ninja-build")
    if missing:
        raise _missing(", ".join(missing) + " to build the extension", [*missing, *_missing_headers().values()])


def _missing_headers() -> dict[str, str]:
    """Header -> package of those that the compiler does not find."""
    compiler = _compiler()
    return {header: package for header, package in HEADERS.items() if not (compiler and _finds(compiler, header))}


def _finds(compiler: str, header: str) -> bool:
    command = [compiler, "-std=c++17", "-DMSGPACK_NO_BOOST", "-fsyntax-only", "-x", "c++", "-"]
    return subprocess.run(command, input=f"#include <{header}>\n", capture_output=True, text=True).returncode == 0


def _missing(what: str, packages: list[str]) -> MissingDependency:
    return MissingDependency(f"Missing: {what}", fix=f"On Debian and Ubuntu: apt install {' '.join(packages)}")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return
    if missing := _missing_headers():
        raise _missing(", ".join(missing), list(missing.values()))
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line] or [done.stderr.strip()]
    raise Refused(f"`{' '.join(command[:2])}` failed: {lines[0].strip()}", fix="Please report it with this line.")
