"""Writes a NAME.ptx from each NAME.cu here and the shader text: `python -m renderer.cuda.compile`.

clang has NVIDIA's instruction set as a target and needs no CUDA toolkit for it. compute_75 runs on every GPU since
Turing: the driver compiles it for the one at hand. The files are committed, so that nobody needs a compiler; their
first lines say from what they were written and by which clang, and a test holds them to both.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bridge.errors import MissingDependency, Refused
from renderer.plugins import shipped

HERE = Path(__file__).parent
TEXT = "plugins/shaders/worldplate.hlsl"
SHADERS = "worldplate.inc"  # what a source includes it as
OPTIONS = (
    "-x", "cuda", "-nocudainc", "-nocudalib", "--cuda-device-only", "--cuda-gpu-arch=sm_75", "-std=c++17", "-O2",
    "-ffp-contract=off", "-Wno-unknown-cuda-version", "-Xclang", "-target-feature", "-Xclang", "+ptx63",
)  # fmt: skip
HEAD = "// Written by `python -m renderer.cuda.compile` from {name}.cu and what it includes. Do not edit.\n"
INCLUDE = re.compile(r'^#include "(\w+\.(?:hpp|inc))"', re.MULTILINE)
CPU_OPTIONS = ("-x", "c++", "-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")


def shader_text() -> str:
    """The text as C++ takes it: its numbers are floats there, and doubles here without an f."""
    text = (shipped() / TEXT).read_text()
    return re.sub(r"(?<![\w.])(\d+\.\d+(?:e[-+]?\d+)?)(?![\w.])", r"\1f", text)


def names() -> tuple[str, ...]:
    """Of the sources: NAME.cu is compiled to NAME.ptx."""
    return tuple(sorted(path.stem for path in HERE.glob("*.cu")))


def ptx_path(name: str) -> Path:
    """Where a source's PTX is kept."""
    return HERE / f"{name}.ptx"


def digest(name: str) -> str:
    """Of everything that a source's PTX is made of."""
    parts = (*_texts(HERE / f"{name}.cu").values(), " ".join(OPTIONS))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _texts(path: Path) -> dict[str, str]:
    """A file and all that it includes, each once."""
    text = shader_text() if path.name == SHADERS else path.read_text()
    found = {path.name: text}
    for name in INCLUDE.findall(text):
        found |= _texts(HERE / name)
    return found


def clang_version() -> str:
    """The first line of what clang says of itself; empty without one."""
    if shutil.which("clang++") is None:
        return ""
    said = subprocess.run(["clang++", "--version"], capture_output=True, text=True, check=False)
    return said.stdout.partition("\n")[0]


def ptx(name: str) -> str:
    """What NAME.ptx should be. Raises MissingDependency without clang, Refused with its words for wrong source."""
    version = clang_version()
    if not version:
        raise MissingDependency("clang++ is not on this machine", fix="apt-get install clang")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"{name}.ptx"
        _build("clang++", *OPTIONS, "-S", name=name, out=out)
        return f"{HEAD.format(name=name)}// sources: {digest(name)}\n// compiler: {version}\n{out.read_text()}"


def cpu_library(folder: Path, name: str = "kernels") -> Path:
    """The same kernels for the CPU, as a library in `folder`, built once. Raises as `ptx` does, without g++."""
    out = folder / f"{name}.so"
    if not out.exists():
        if shutil.which("g++") is None:
            raise MissingDependency("g++ is not on this machine", fix="apt-get install g++")
        _build("g++", *CPU_OPTIONS, name=name, out=out)
    return out


def _build(compiler: str, *options: str, name: str, out: Path) -> None:
    (out.parent / SHADERS).write_text(shader_text())
    command = [compiler, *options, f"-I{out.parent}", f"-I{HERE}", "-o", str(out), str(HERE / f"{name}.cu")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"{compiler} ended with {done.returncode}: {done.stderr[-2000:]}", fix="Mend the source.")


if __name__ == "__main__":
    for each in names():
        ptx_path(each).write_text(ptx(each))
        sys.stdout.write(f"{ptx_path(each)} is written\n")
