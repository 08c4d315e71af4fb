"""Writes kernels.ptx from kernels.cu and the shader text: `python -m renderer.cuda.compile`.

clang has NVIDIA's instruction set as a target and needs no CUDA toolkit for it. compute_75 runs on every GPU since
Turing: the driver compiles it for the one at hand. The file is committed, so that nobody needs a compiler; its first
lines say from what it was written and by which clang, and a test holds it to both.
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
SOURCE, PRELUDE, PTX = HERE / "kernels.cu", HERE / "hlsl.hpp", HERE / "kernels.ptx"
TEXT = "plugins/shaders/worldplate.hlsl"
OPTIONS = (
    "-x", "cuda", "-nocudainc", "-nocudalib", "--cuda-device-only", "--cuda-gpu-arch=sm_75", "-std=c++17", "-O2",
    "-ffp-contract=off", "-Wno-unknown-cuda-version", "-Xclang", "-target-feature", "-Xclang", "+ptx63",
)  # fmt: skip
HEAD = "// Written by `python -m renderer.cuda.compile` from kernels.cu and the shader text. Do not edit.\n"
CPU_OPTIONS = ("-x", "c++", "-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")


def shader_text() -> str:
    """The text as C++ takes it: its numbers are floats there, and doubles here without an f."""
    text = (shipped() / TEXT).read_text()
    return re.sub(r"(?<![\w.])(\d+\.\d+(?:e[-+]?\d+)?)(?![\w.])", r"\1f", text)


def digest() -> str:
    """Of everything that the PTX is made of."""
    parts = (SOURCE.read_text(), PRELUDE.read_text(), shader_text(), " ".join(OPTIONS))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def clang_version() -> str:
    """The first line of what clang says of itself; empty without one."""
    if shutil.which("clang++") is None:
        return ""
    said = subprocess.run(["clang++", "--version"], capture_output=True, text=True, check=False)
    return said.stdout.partition("\n")[0]


def ptx() -> str:
    """What kernels.ptx should be. Raises MissingDependency without clang, Refused with its words for wrong source."""
    version = clang_version()
    if not version:
        raise MissingDependency("clang++ is not on this machine", fix="apt-get install clang")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "kernels.ptx"
        _build("clang++", *OPTIONS, "-S", folder=Path(folder), out=out)
        return f"{HEAD}// sources: {digest()}\n// compiler: {version}\n{out.read_text()}"


def cpu_library(folder: Path) -> Path:
    """The same kernels for the CPU, as a library in `folder`, built once. Raises as `ptx` does, without g++."""
    out = folder / "kernels.so"
    if not out.exists():
        if shutil.which("g++") is None:
            raise MissingDependency("g++ is not on this machine", fix="apt-get install g++")
        _build("g++", *CPU_OPTIONS, folder=folder, out=out)
    return out


def _build(compiler: str, *options: str, folder: Path, out: Path) -> None:
    (folder / "worldplate.inc").write_text(shader_text())
    command = [compiler, *options, f"-I{folder}", f"-I{HERE}", "-o", str(out), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"{compiler} ended with {done.returncode}: {done.stderr[-2000:]}", fix="Mend the source.")


if __name__ == "__main__":
    PTX.write_text(ptx())
    sys.stdout.write(f"{PTX} is written\n")
