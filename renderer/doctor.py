"""What this machine has for worldplate, what is missing, and the one line that installs it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from bridge import segment
from bridge.errors import WorldplateError
from renderer.cuda.driver import why_not
from renderer.report import machine


@dataclass(frozen=True)
class Finding:
    """One line of the table. `needed` is true for what the demo cannot do without."""

    name: str
    ok: bool
    found: str
    purpose: str
    fix: str = ""
    needed: bool = False


PACKAGES = (  # import name, distribution, what for, extra that installs it, needed by the demo
    ("zmq", "pyzmq", "the link", "", True),
    ("torch", "torch", "runs limn", "demo", True),
    ("safetensors", "safetensors", "limn's weights", "demo", True),
    ("mujoco", "mujoco", "physics of the embedded engine", "demo", True),
    ("numba", "numba", "limn and the embedded engine", "demo", True),
    ("av", "av", "video", "demo", True),
    ("PIL", "pillow", "pictures", "demo", True),
    ("openvino", "openvino", "the fastest runtime of limn's network", "openvino", False),
    ("onnxruntime", "onnxruntime", "another runtime of limn's network", "onnxruntime", False),
    ("tokenizers", "tokenizers", "limn's prompts", "words", False),
    ("open3d", "open3d-cpu", "the world's long memory", "world", False),
    ("pygltflib", "pygltflib", "worlds as GLB", "world", False),
    ("starlette", "starlette", "the panel", "panel", False),
    ("uvicorn", "uvicorn", "the panel", "panel", False),
    ("websockets", "websockets", "the panel's pictures", "panel", False),
    ("mcap", "mcap", "takes", "takes", False),
    ("zstandard", "zstandard", "takes", "takes", False),
    ("OpenEXR", "openexr", "takes as EXR", "exports", False),
    ("PyOpenColorIO", "opencolorio", "ACES views of exports", "exports", False),
    ("c2pa", "c2pa-python", "content credentials of exports and takes", "provenance", False),
    ("cryptography", "cryptography", "the key that signs them", "provenance", False),
    ("mitsuba", "mitsuba", "path-traced training truth", "train", False),
    ("cuda", "cuda-bindings", "planes that stay on the GPU", "gpu", False),
    ("pycuda", "pycuda", "planes that stay on the GPU", "gpu", False),
)


def examine() -> list[Finding]:
    """Look at everything, without importing what is heavy."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python, _processor, _msgpack, _shared_memory, _sockets, _weights, _codecs, _cuda, _tensorrt,
    )  # fmt: skip
    return [*(check() for check in checks), *(_package(*row) for row in PACKAGES)]


def table_of(findings: list[Finding]) -> Table:
    """What is there and what is not; a line that installs something is not broken, so it stands below (`remedies`)."""
    table = Table(title="worldplate doctor", title_justify="left")
    for column in ("", "what", "found", "for"):
        table.add_column(column, overflow="fold")
    for f in findings:
        mark = "[green]ok[/]" if f.ok else ("[red]missing[/]" if f.needed else "[yellow]absent[/]")
        table.add_row(mark, *(escape(cell) for cell in (f.name, f.found, f.purpose)))
    return table


def remedies(findings: list[Finding]) -> list[str]:
    """The verdict, and for everything that is not there the one line that brings it."""
    missing = [f.name for f in findings if f.needed and not f.ok]
    verdict = f"The demo cannot run without {', '.join(missing)}." if missing else "The demo can run."
    lines = {f.fix: [g.name for g in findings if g.fix == f.fix and not g.ok] for f in findings if not f.ok}
    return [verdict, *(f"{', '.join(names)}: {fix}" for fix, names in lines.items())]


def can_run_demo(findings: list[Finding]) -> bool:
    return all(f.ok or not f.needed for f in findings)


def _package(module: str, distribution: str, purpose: str, extra: str, needed: bool) -> Finding:
    fix = f'pip install "worldplate[{extra}]"' if extra else f"pip install {distribution}"
    if importlib.util.find_spec(module) is None:
        return Finding(distribution, False, "not installed", purpose, fix, needed)
    try:
        found = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        found = "installed"
    return Finding(distribution, True, found, purpose, needed=needed)


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, sys.version.split()[0], "everything", "" if ok else "install Python 3.11", True)


def _processor() -> Finding:
    facts = machine()
    vectors = ", ".join(str(v) for v in facts["vectors"]) if isinstance(facts["vectors"], list) else ""
    found = f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {vectors or 'no wide vectors known'}"
    return Finding("CPU runtime", True, found, "limn runs on the CPU")


def _msgpack() -> Finding:
    try:
        import bridge.wire  # noqa: F401 - it refuses the slow fallback when it is imported
    except WorldplateError as error:
        return Finding("msgpack", False, error.what, "the wire", "pip install --force-reinstall 'msgpack>=1.2.4'", True)
    version = importlib.metadata.version("msgpack")
    return Finding("msgpack", True, f"{version} with its C extension", "the wire", needed=True)


def _shared_memory() -> Finding:
    purpose = "planes without a copy"
    try:
        name, memory = segment.create(1 << 20)
    except (WorldplateError, OSError) as error:
        return Finding(
            "shared memory", False, str(error), purpose, "mount a larger /dev/shm; without it planes go inline"
        )
    memory.close()
    segment.unlink(name)
    return Finding("shared memory", True, f"{shutil.disk_usage('/dev/shm').free / 2**30:.1f} GiB free", purpose)


def _sockets() -> Finding:
    private = hasattr(os, "getuid")
    where = tempfile.gettempdir()
    return Finding(
        "ipc sockets", private, f"in {where}" if private else "loopback TCP instead", "the link on one machine"
    )


def _weights() -> Finding:
    try:
        from renderer.models.limn.model import FOLDER, check_files

        check_files(FOLDER)
    except WorldplateError as error:
        return Finding("limn's weights", False, error.what, "the built-in model", error.fix, True)
    return Finding("limn's weights", True, "whole, hashes as in the manifest", "the built-in model", needed=True)


def _codecs() -> Finding:
    try:
        import av

        from renderer.film import CODECS
    except ImportError as error:
        return Finding("video codecs", False, str(error), "demo.mp4", 'pip install "worldplate[demo]"', True)
    found = [name for name in CODECS if name in av.codecs_available]
    fix = "" if found else "pip install --force-reinstall av"
    return Finding("video codecs", bool(found), ", ".join(found) or "no encoder", "demo.mp4", fix, True)


def _cuda() -> Finding:
    why = why_not()
    purpose = "planes that stay on the GPU"
    if why:
        return Finding("CUDA", False, why, purpose, 'install NVIDIA\'s driver, and pip install "worldplate[gpu]"')
    return Finding("CUDA", True, "driver, cuda-bindings and pycuda", purpose)


def _tensorrt() -> Finding:
    purpose = "the fastest runtime of limn's network on a GPU"
    try:
        from renderer.runtimes.advice import advice
    except ImportError as error:
        return Finding("TensorRT", False, str(error), purpose, 'pip install "worldplate[torch]"')
    ok, found, fix = advice()
    return Finding("TensorRT", ok, found, purpose, fix)
