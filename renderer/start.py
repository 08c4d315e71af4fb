"""From settings to a running renderer: the model, the link, and the loop, in the order that starts fastest."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import logging
import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.connection import runtime_dir
from bridge.errors import MissingDependency
from bridge.link import listen
from bridge.ring import reap_dead_rings
from renderer.chunks import limits_for
from renderer.config import Settings
from renderer.cuda.gpu import open_gpu
from renderer.cuda.take import open_door
from renderer.models import WorldModel, load_model, model_names
from renderer.recall import warm_up
from renderer.serve import Renderer
from renderer.snapshots import data_dir
from renderer.terms import GpuSide

if TYPE_CHECKING:
    from renderer.panel.desk import Desk
    from renderer.recorder import Recorder

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


def recorder_of(settings: Settings, model: WorldModel) -> Recorder | None:
    """What records sessions when it is asked to; None where its packages are not installed."""
    try:
        from renderer.recorder import Recorder
        from renderer.takes_folder import takes_folder
    except MissingDependency as error:
        log.info("takes cannot be recorded: %s", error)
        return None
    folder = takes_folder(settings.takes_dir) if settings.takes_dir else None  # the user's, once it is needed
    software = f"worldplate {importlib.metadata.version('worldplate')}"
    return Recorder(model, folder, threads=settings.threads, software=software)


def panel_of(settings: Settings) -> Desk | None:
    """The web panel; None where it is not wanted or its packages are not installed. Raises EndpointInUse, and for a
    `panel_view` ConfigError and MissingDependency."""
    if not settings.panel:
        return None
    from renderer.panel.desk import Desk, check_installed

    try:
        check_installed()
    except MissingDependency as error:
        log.info("there is no panel: %s", error)
        return None
    from renderer.panel.pictures import display_of

    display_of(settings.panel_view)  # a view that there is not is said here, not in the panel's own process
    return Desk(settings.panel_port, settings.panel_view)


def serve(settings: Settings, stop: threading.Event) -> None:
    """Serve until `stop` is set. Raises ModelError, MissingDependency, NotLoopback, EndpointInUse before it serves."""
    for name in reap_dead_rings():
        log.info("removed %s, whose engine is gone", name)
    spare_the_engine()
    load = partial(load_model, runtime=settings.runtime, threads=settings.threads, models_dir=settings.models_dir)
    model = load(settings.model)
    if stop.is_set():  # while the model was loaded
        model.close()
        return
    warm_up(model.card)
    folder = Path(settings.runtime_dir) if settings.runtime_dir else runtime_dir()
    limits = limits_for(settings.limits, model.card)
    link = listen(settings.endpoint or None, limits, folder)
    panel, door = None, None
    gpu, why_not = open_gpu()
    try:
        panel = panel_of(settings)
        log.info(
            "serving %s at %s; waiting for an engine, which finds it through %s",
            model.card.name, link.connection.endpoint, folder / "connection.json",
        )  # fmt: skip
        kept = data_dir(settings.snapshot_dir) if settings.snapshot_dir else None  # the user's, once it is needed
        recorder = recorder_of(settings, model)
        taps = [panel.tap] if panel is not None else []
        renderer = Renderer(
            link, model, link.connection.token, limits, taps, kept, recorder, settings.memory_mb, load,
            GpuSide(gpu, why_not), partial(model_names, settings.models_dir),
        )  # fmt: skip
        if gpu is not None:
            log.info("planes can stay on %s", gpu.name)
            door = open_door(folder, renderer)
        if panel is not None:
            panel.attend(renderer, settings.snapshot_dir, records=recorder is not None)
        renderer.run(stop)
    finally:
        if panel is not None:
            panel.close()
        if door is not None:
            door.close()
        link.close()
        model.close()
        if gpu is not None:
            gpu.close()
