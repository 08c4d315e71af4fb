"""Builds plugins/native for tests, once for each state of its sources, and keeps what was built.

Without cmake, a compiler or a library the tests are skipped with what to install; where WORLDPLATE_REQUIRE_NATIVE is
set, as CI does, they fail.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "plugins/native"
SAMPLE = Path(__file__).parent.parent / "samples/02_engine_in_c.c"
PACKAGES = "cmake ninja-build g++ clang libclang-rt-14-dev libzmq3-dev libmsgpack-cxx-dev nlohmann-json3-dev"
LIBRARIES = (Path("/usr/include/zmq.h"), Path("/usr/include/msgpack.hpp"), Path("/usr/include/nlohmann/json.hpp"))

# Arguments of `build`. One build each: the first also holds the fuzz targets.
ADDRESSES = ("clang++", "-DWORLDPLATE_SANITIZE=address,undefined", "-DWORLDPLATE_FUZZ=ON")
THREADS = ("clang++", "-DWORLDPLATE_SANITIZE=thread")


@functools.cache
def build(compiler: str = "g++", *options: str) -> Path:
    """The folder of a build with test tools and sample; `options` are CMake's, as -DWORLDPLATE_SANITIZE=thread."""
    _need(compiler)
    c_compiler = {"g++": "gcc", "clang++": "clang"}[compiler]
    choice = (f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_C_COMPILER={c_compiler}", "-DWORLDPLATE_SAMPLES=ON")
    return built_by(("cmake",), *choice, *options)


@functools.cache
def built_by(cmake: tuple[str, ...], *options: str) -> Path:
    """The folder of a build with test tools; `cmake` is what runs CMake."""
    folder = Path(tempfile.gettempdir()) / f"worldplate-native-{os.getuid()}" / _key(cmake, options)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test process may be building the same
        if not (folder / "built").exists():
            always = ["-DWORLDPLATE_TESTS=ON", "-DCMAKE_CXX_FLAGS=-Werror", "-DCMAKE_C_FLAGS=-Werror"]
            always.append("-DCMAKE_UNITY_BUILD=ON")  # half the time
            _run(*cmake, "-S", SOURCE, "-B", folder, "-G", "Ninja", *always, *options)
            _run(*cmake, "--build", folder, "--parallel", "2")
            (folder / "built").touch()
    return folder


def client_tool(*command: str, of: tuple[str, ...] = ("g++",)) -> list[str]:
    """The lines that plugins/native/tests/client_tool.cpp printed, but for `done`; `of` is a build.

    A sanitizer that finds anything ends the tool with its report, which the failure then shows.
    """
    run = [str(build(*of) / "client_tool"), *command]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=os.environ | sanitizer_options())
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-8000:]
    assert done.stdout.endswith("done\n")
    return done.stdout.splitlines()[:-1]


def sanitizer_options() -> dict[str, str]:
    """Variables for whatever a build was made with."""
    return {
        "ASAN_OPTIONS": "detect_leaks=1:allow_user_segv_handler=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": f"suppressions={SOURCE / 'tests/thread.supp'}",
    }


def _need(compiler: str) -> None:
    missing = [tool for tool in ("cmake", "ninja", compiler) if shutil.which(tool) is None]
    missing += [str(file) for file in LIBRARIES if not file.exists()]
    if not missing:
        return
    reason = f"the native client is not tested, as there is no {', '.join(missing)}: apt-get install {PACKAGES}"
    if os.environ.get("WORLDPLATE_REQUIRE_NATIVE"):
        pytest.fail(reason)
    pytest.skip(reason)


def _key(cmake: tuple[str, ...], options: tuple[str, ...]) -> str:
    digest = hashlib.sha256(repr((str(SOURCE), cmake, options)).encode() + SAMPLE.read_bytes())
    for path in sorted(SOURCE.rglob("*")):
        if path.is_file() and SOURCE / "gpu" not in path.parents:  # which has a build of its own
            digest.update(str(path.relative_to(SOURCE)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-6000:]}{done.stderr[-3000:]}"
