"""Compiles the Unreal plugin's engine-free C++ as Unreal would (C++20, no exceptions, no RTTI), under the sanitizers of
addresses and undefined behaviour, with the commands of plugins/unreal/Tests/Tool.

What it needs, and what is said without it, is as in tests/native.py.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import native
import pytest

from renderer.bench import shaders

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "plugins/unreal"
LINK = PLUGIN / "Source/WorldplateRuntime/Private/Link"
TOOL = PLUGIN / "Tests/Tool"
STUBS, SHADERS = PLUGIN / "Tests/Stubs", PLUGIN / "Shaders"
INCLUDE = native.SOURCE / "include"
LANGUAGE = ("-std=c++20", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")


@functools.cache
def build() -> Path:
    """The tool, once for each state of the sources."""
    client = native.build(*native.ADDRESSES)
    sources = [*sorted(LINK.glob("*.cpp")), *sorted(TOOL.glob("*.cpp"))]
    digest = hashlib.sha256(client.name.encode() + repr((LANGUAGE, SANITIZERS)).encode())
    for path in [*sources, *sorted(LINK.glob("*.h")), *sorted(TOOL.glob("*.h"))]:
        digest.update(path.name.encode() + path.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"worldplate-unreal-{os.getuid()}" / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test process may be building the same
        if not (folder / "built").exists():
            _build(folder, client, sources)
            (folder / "built").touch()
    return folder / "tool"


def tool(*command: str, lines: str = "") -> list[str]:
    """What a command printed, but for `done`. A sanitizer that finds anything ends it with a report, which the failure
    then shows."""
    done = subprocess.run(
        [str(build()), *command],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | native.sanitizer_options(),
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-8000:]
    assert done.stdout.endswith("done\n"), done.stdout[-2000:]
    return done.stdout.splitlines()[:-1]


def need(program: str, package: str) -> str:
    """Its path. Without it the test is skipped with what to install; under WORLDPLATE_REQUIRE_NATIVE it fails."""
    found = shutil.which(program)
    reason = (
        f"the Unreal plugin's files for the engine are NOT CHECKED: there is no {program}; apt-get install {package}"
    )
    if found is None and os.environ.get("WORLDPLATE_REQUIRE_NATIVE"):
        pytest.fail(reason)
    if found is None:
        pytest.skip(reason)
    return found


def expanded(path: Path) -> str:
    """A shader with what it includes, as the engine's preprocessor finds it."""
    lines = []
    for line in path.read_text().splitlines():
        if found := re.fullmatch(r'#include "(/[^"]+)"', line):
            engine = found[1].startswith("/Engine/")
            name = found[1].removeprefix("/Plugin/Worldplate/")
            lines.append(expanded(STUBS / "Shaders" / found[1][1:] if engine else SHADERS / name))
        else:
            lines.append(line)
    return "\n".join(lines)


def _build(folder: Path, client: Path, sources: Sequence[Path]) -> None:
    def compile_one(source: Path) -> Path:
        out = folder / f"{source.parent.name}-{source.stem}.o"
        includes = [f"-I{path}" for path in (LINK, TOOL, INCLUDE)]
        run("clang++", *LANGUAGE, *SANITIZERS, *includes, "-c", source, "-o", out)
        return out

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile_one, sources))
    library = client / "libworldplate_objects.a"
    run("clang++", *SANITIZERS, *objects, library, "-lzmq", "-lpthread", "-o", folder / "tool")


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@functools.cache
def vulkan_runner() -> Path:
    """The program of plugins/shaders that runs a compute shader on a Vulkan driver for the CPU."""
    source = shaders.HOME / "tests/on_vulkan.cpp"
    folder = Path(tempfile.mkdtemp(prefix="worldplate-unreal-vulkan-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run(need("g++", shaders.PACKAGES), "-std=c++17", "-O1", source, "-lvulkan", "-o", folder / "on_vulkan")
    return folder / "on_vulkan"


def compute_shader(folder: Path, text: str) -> Path:
    """That text of HLSL as a compute shader for the runner, built in `folder`."""
    (folder / "shader.comp").write_text(text)
    glslang = need("glslangValidator", shaders.PACKAGES)
    run(glslang, "-D", "-V", "-e", "main", "-S", "comp", "-o", folder / "shader.spv", folder / "shader.comp")
    return folder / "shader.spv"
