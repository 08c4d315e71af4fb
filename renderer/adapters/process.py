"""The family `process`: a model in a process and an environment of its own, for other licences and other versions.

The process is a renderer that serves one class of the folder's (`worldplate serve --model FILE.py:Class`), and this
side is its engine, over the same link as any: planes travel in shared memory, one copy each way. A process that dies or
hangs is replaced beside the show; until the next one is ready frames get no plate, and the engine is told why.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from bridge.client import Client
from bridge.errors import ManifestInvalid, ModelFailed, ModelIncomplete, NoRenderer, SnapshotCorrupt
from bridge.planes import DTYPE
from bridge.schema import ALLOWED_FORMATS, Disposition, LatePolicy, PixelFormat, PlaneName, SyncMode, Welcome
from renderer.adapters.families import Proposal, card_of, check_room, free_ram_mb
from renderer.adapters.folder import MANIFEST, ModelFolder, options_of
from renderer.process import RendererProcess

if TYPE_CHECKING:
    from renderer.frame import RenderFrame
    from renderer.recall import World

MOST_CLIENTS = 4  # sizes and worlds, each with a ring of its own
ATTACH_S = 5.0  # to a process that is ready
PROBE_PX = 16  # sides of the picture that controls are asked with
SHOW_GOES_ON = "The engine's own picture is shown until the next process is ready; its log is in the renderer's."
log = logging.getLogger("worldplate.adapters")

Formats = tuple[tuple[PlaneName, PixelFormat], ...]


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[options]` of this family."""

    model: str = "model.py:Model"  # FILE.py:Class, a file of the folder
    python: str = ""  # the interpreter of its environment, which has worldplate installed; "" is this one
    plate_s: Annotated[float, Meta(ge=0.1, le=600.0)] = 10.0  # that one plate may take


class OtherProcess:
    """A model that somebody else runs. It owns the process, which ends with it."""

    def __init__(self, folder: ModelFolder, threads: int) -> None:
        """Raises what `load` does."""
        self._options = options_of(folder, Options)
        file, _, kind = self._options.model.rpartition(":")
        if not file:
            raise ManifestInvalid(
                f"{folder.path / MANIFEST}: model is '{self._options.model}'", fix="Write it as FILE.py:Class."
            )
        self._place, self._threads = f"{folder.file(file)}:{kind}", threads
        self._python = _interpreter(self._options.python)
        self.card = card_of(folder, "a process of its own")
        self._clients: dict[tuple[int, int, int, Formats], Client] = {}
        self._process = self._start()
        try:
            self._process.wait_until_ready()
            welcome = self._welcome()
        except NoRenderer as error:
            self.close()
            raise ModelFailed(f"the process of {self.card.name} does not start: {error.what}", fix=error.fix) from error
        self.card = dataclasses.replace(self.card, controls=welcome.controls, runtime=f"own process: {welcome.runtime}")
        self._controls = frozenset(control.name for control in welcome.controls)

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        """Write the plate that the process makes. Raises ModelFailed when it makes none."""
        self._check_ready()
        client, header = self._client(frame, world), frame.header
        slot = client.begin()
        for name, plane in slot.inputs.items():
            np.copyto(plane, frame.planes[name])
        client.submit(
            slot, header.camera, bodies=header.bodies, capture_ns=header.capture_ns, reset=header.reset,
            seed=header.seed, stream=header.stream,
            controls={name: value for name, value in frame.controls.items() if name in self._controls},
        )  # fmt: skip
        asked_s = time.monotonic()
        shown = client.present()
        if shown is None or shown.disposition is not Disposition.GENERATED or shown.plate is None:
            raise self._failed(client, time.monotonic() - asked_s)
        np.copyto(plate, shown.plate)

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        """None: what it remembers is in its process, and a snapshot does not have it."""
        return {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        if arrays:
            raise SnapshotCorrupt(
                f"the snapshot holds latents, and {self.card.name} gives none", fix="Take another snapshot."
            )
        return None

    def close(self) -> None:
        """Ends the process. A second time does nothing."""
        self._let_go()
        self._process.end()

    def _start(self) -> RendererProcess:
        return RendererProcess(self._place, threads=self._threads, python=self._python, bound=True)

    def _let_go(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _welcome(self) -> Welcome:
        """What the process says of its model. Raises NoRenderer, and its refusal."""
        planes = {name: ALLOWED_FORMATS[name] for name in self.card.needs | self.card.optional}
        with contextlib.closing(Client(PROBE_PX, PROBE_PX, planes, connection=self._process.connection)) as client:
            client.connect(ATTACH_S)
            assert client.welcome is not None
            return client.welcome

    def _check_ready(self) -> None:
        """Raises ModelFailed while there is no process to ask; one that ended is replaced."""
        if self._process.ready and self._process.alive:
            return
        if not self._process.alive:
            raise self._replaced(f"ended: {self._process.last_words()}")
        raise ModelFailed(f"the process of {self.card.name} is starting", fix=SHOW_GOES_ON)

    def _client(self, frame: RenderFrame, world: World) -> Client:
        formats = tuple(
            (name, _format_of(name, plane)) for name, plane in frame.planes.items()
            if name in self.card.needs | self.card.optional
        )  # fmt: skip
        key = (frame.width, frame.height, world.seed, formats)
        if key not in self._clients:
            if len(self._clients) == MOST_CLIENTS:
                self._let_go()
            self._clients[key] = client = Client(
                frame.width, frame.height, {name: (kind,) for name, kind in formats}, sync=SyncMode.OFFLINE,
                late=LatePolicy.PASSTHROUGH, seed=world.seed, connection=self._process.connection,
                name=f"worldplate {self.card.name}", offline_wait_s=self._options.plate_s,
            )  # fmt: skip
            client.connect(ATTACH_S)
        return self._clients[key]

    def _failed(self, client: Client, took_s: float) -> ModelFailed:
        """Why there is no plate. A process that is gone or hangs is replaced."""
        if not self._process.alive:
            return self._replaced(f"ended: {self._process.last_words()}")
        if took_s >= self._options.plate_s:
            return self._replaced(f"did not answer in {self._options.plate_s:g} s")
        error = client.errors[-1] if client.errors else None
        what = error.what if error is not None else f"the process of {self.card.name} made no plate"
        return ModelFailed(what, fix=error.fix if error is not None else SHOW_GOES_ON)

    def _replaced(self, why: str) -> ModelFailed:
        log.warning("the process of %s %s; another one is started", self.card.name, why)
        self._process.kill()
        self._let_go()
        self._process.end()
        self._process = self._start()
        return ModelFailed(f"the process of {self.card.name} {why}", fix=SHOW_GOES_ON)


def load(folder: ModelFolder, *, runtime: str = "auto", threads: int = 1) -> OtherProcess:
    """Starts the process and waits until it serves. Raises ModelFailed, ModelIncomplete, ModelTooLarge,
    ManifestInvalid, and what the process refuses with. Its runtime is its own affair."""
    check_room(folder, free_ram_mb(), "this machine's memory")
    return OtherProcess(folder, threads)


def propose(folder: Path, files: Sequence[Path]) -> Proposal | None:
    """None: a program is run because a person wrote its manifest, never because it lies there."""
    return None


def _interpreter(python: str) -> str:
    found = shutil.which(python) if python else sys.executable
    if found is None:
        raise ModelIncomplete(
            f"there is no interpreter {python}", fix="Make that environment, or correct `python` in [options]."
        )
    return found


def _format_of(name: PlaneName, plane: NDArray[Any]) -> PixelFormat:
    return next(each for each in ALLOWED_FORMATS[name] if DTYPE[each] == plane.dtype)
