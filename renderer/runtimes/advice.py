"""Which TensorRT a GPU wants, which is installed, and the line that installs it, for a person."""

from __future__ import annotations

import importlib.metadata
from typing import NamedTuple

from bridge.errors import MissingDependency
from renderer.runtimes.gpu import Gpu, gpu_here
from renderer.runtimes.tensorrt import INSTALL, MODULES, TITLES, wanted_for

OLDEST_DRIVER = 580  # of CUDA 13, which both flavours are built with (NVIDIA's CUDA 13.0 release notes, table 2)

OLDEST_GPU = (7, 5)  # Turing


class Advice(NamedTuple):
    """Whether TensorRT can serve here, or build ahead where there is no GPU; what was found; what to do, or ""."""

    ok: bool
    found: str
    fix: str


def advice() -> Advice:
    """For this machine, without loading a TensorRT."""
    try:
        return advice_for(gpu_here(), installed())
    except MissingDependency as error:
        return advice_for(None, installed(), error.what)


def advice_for(gpu: Gpu | None, here: dict[str, str], why_no_gpu: str = "there is no GPU") -> Advice:
    """`here` are versions by names of MODULES."""
    wanted = wanted_for(gpu.capability if gpu is not None else None)
    has = ", ".join(f"{TITLES[module]} {version}" for module, version in here.items()) or "not installed"
    if gpu is None:
        does = "it builds engines ahead, and does not serve" if wanted in here else "nothing here would use it"
        return Advice(wanted in here, f"{has}; {why_no_gpu}: {does}", "" if wanted in here else INSTALL[wanted])
    if gpu.capability < OLDEST_GPU:
        return Advice(True, f"{has}; {gpu} is older than TensorRT takes, torch serves", "")
    if wanted not in here:
        return Advice(False, f"{has}; {gpu} wants {TITLES[wanted]}, torch serves", INSTALL[wanted])
    release = gpu.driver.split(".")[0]
    if release.isdigit() and int(release) < OLDEST_DRIVER:
        fix = f"install NVIDIA's driver {OLDEST_DRIVER} or newer"
        return Advice(False, f"{has}; driver {gpu.driver} is older than {OLDEST_DRIVER}", fix)
    return Advice(True, f"{TITLES[wanted]} {here[wanted]} for {gpu}", "")


def installed() -> dict[str, str]:
    """Versions by names of MODULES."""
    found = {}
    for module in MODULES:
        try:
            found[module] = importlib.metadata.version(TITLES[module])
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
