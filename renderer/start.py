"""From settings to a running renderer: the model, the link, and the loop, in the order that starts fastest."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import threading
from pathlib import Path

from bridge.connection import runtime_dir
from bridge.link import listen
from bridge.ring import reap_dead_rings
from renderer.chunks import limits_for
from renderer.config import Settings
from renderer.models import load_model
from renderer.serve import Renderer
from renderer.snapshots import data_dir

log = logging.getLogger("worldplate.renderer")


KEPT_BYTES = 1 << 29
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Have malloc keep what a frame frees for the next one. Without it the kernel takes back and clears a network's
    buffers at every frame: 54 ms a frame instead of 31 for limn at 320x180 on two cores. glibc only."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            mallopt(parameter, KEPT_BYTES)


def spare_the_engine() -> None:
    """What a process that runs networks sets before torch is loaded."""
    # A thread that spins while it waits takes the core that the engine runs on; read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_freed_memory()


def serve(settings: Settings, stop: threading.Event) -> None:
    """Serve until `stop` is set. Raises ModelError, MissingDependency, NotLoopback, EndpointInUse before it serves."""
    for name in reap_dead_rings():
        log.info("removed %s, whose engine is gone", name)
    spare_the_engine()
    model = load_model(settings.model, runtime=settings.runtime, threads=settings.threads)
    folder = Path(settings.runtime_dir) if settings.runtime_dir else runtime_dir()
    limits = limits_for(settings.limits, model.card)
    link = listen(settings.endpoint or None, limits, folder)
    try:
        log.info(
            "serving %s at %s; waiting for an engine, which finds it through %s",
            model.card.name, link.connection.endpoint, folder / "connection.json",
        )  # fmt: skip
        kept = data_dir(settings.snapshot_dir) if settings.snapshot_dir else None  # the user's, once it is needed
        Renderer(link, model, link.connection.token, limits, snapshots=kept).run(stop)
    finally:
        link.close()
        model.close()
