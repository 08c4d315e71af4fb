"""The rows: everything that makes plates, each through the product's own pipeline.

A row is a client in the sync mode `offline` and a renderer's loop on a thread of its own, joined by the in-memory pair:
the frame travels as in a session of an engine, and what is judged is what the client would show. Every episode is a new
session with a new world. A row is described by a name, what makes its model, and which reset its frames carry.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.client import Client
from bridge.engine.embedded import FORMATS
from bridge.engine.world import Sun
from bridge.errors import MissingDependency, ModelFailed, ModelNotFound
from bridge.link import memory_pair
from bridge.schema import ControlValue, Disposition, Limits, Reset, SyncMode, Transport
from renderer.evaluate.image import tone_map
from renderer.evaluate.world.truth import F32, Truth
from renderer.models import Recall, WorldModel, load_model
from renderer.recall import warm_up
from renderer.serve import Renderer

if TYPE_CHECKING:
    from renderer.evaluate.networks import PlainRow
    from renderer.frame import RenderFrame
    from renderer.recall import World

LIMITS = Limits(max_requests_per_s=1_000_000)  # offline goes as fast as it can
PATIENCE_S, CONNECT_LIMIT_S = 120.0, 60.0  # for one plate, for a session
MEMORY_MB = 1024


@dataclass(frozen=True)
class Means:
    """What a row may need to be made: the model of the product that is judged, and weights by row."""

    model: str = "limn"
    runtime: str = "auto"
    weights: Mapping[str, Path] | None = None


@dataclass(frozen=True)
class Spec:
    """A row: its name on the command line, the title it has in reports, what it is in words, what makes its model, the
    reset that every frame of it carries, and the bound of its long memory, 0 for none."""

    name: str
    title: str  # "{model}" is the judged model's name
    about: str
    make: Callable[[Means], WorldModel]
    reset: Reset = Reset.NONE
    memory_mb: int = 0


def _product(means: Means) -> WorldModel:
    return load_model(means.model, runtime=means.runtime, threads=os.cpu_count() or 1)


def _held(means: Means) -> WorldModel:
    model = _product(means)
    model.card = replace(model.card, recall=Recall.MIXED)
    warm_up(model.card)
    return model


def _plain(means: Means) -> WorldModel:
    from renderer.evaluate.networks import PlainRow, plain_row

    row = plain_row((means.weights or {}).get("plain"))
    assert isinstance(row, PlainRow)
    return Plain(row)


SPECS = {
    spec.name: spec
    for spec in (
        Spec("engine", "engine", "the engine's frames as if a model had made them, through the whole path",
             lambda _: load_model("passthrough")),
        Spec("plain", "plain", "a U-Net of limn-s's sizes, each frame alone: no memory, world coordinates or materials",
             _plain),
        Spec("forgetful", "{model}, forgetful", "the same model, whose world is made anew at every frame", _product,
             Reset.NEW),
        Spec("model", "{model}", "the model with what it remembers itself from frame to frame", _product),
        Spec("held", "{model}, held", "the same model, held to the short and the long memory of its world", _held,
             memory_mb=MEMORY_MB),
    )
}  # fmt: skip


class Plain:
    """The plain network as a model of the renderer, under limn's own dials."""

    def __init__(self, row: PlainRow) -> None:
        from renderer.models.limn.model import Limn

        self.card = replace(Limn.card, name="plain", runtime="torch cpu")
        self._row = row

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        from renderer.models.limn.controls import weather_of
        from renderer.models.limn.light import light_of

        light = light_of(weather_of(frame.controls, {}), world.seed)
        plate[..., :3] = self._row.plate(frame.planes, frame.header.camera, frame.header.bodies, light)
        plate[..., 3] = 1.0

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return {}  # it remembers nothing

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return None

    def close(self) -> None:
        """Nothing is held beyond memory."""


class Row:
    """Pictures of a model. `begin` opens a session, `close` ends it; the model is the caller's."""

    def __init__(self, spec: Spec, model: WorldModel) -> None:
        self.name, self.about = spec.title.format(model=model.card.name), spec.about
        self.runtime = model.card.runtime
        self._model, self._reset, self._memory_mb = model, spec.reset, spec.memory_mb
        self._client: Client | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def begin(self, width: int, height: int, sun: Sun) -> None:
        """A new session, with a renderer and a world of its own; the one before is closed."""
        self.close()
        engine_end, renderer_end = memory_pair()
        self._stop = threading.Event()
        loop = Renderer(renderer_end, self._model, "", LIMITS, memory_mb=self._memory_mb)
        self._thread = threading.Thread(target=loop.run, args=(self._stop,), name=f"row {self.name}")
        self._thread.start()
        self._client = Client(
            width, height, {name: (form,) for name, form in FORMATS.items()}, sync=SyncMode.OFFLINE,
            transports=(Transport.INLINE,), connection=engine_end, name="worldplate evaluate world", engine="embedded",
            offline_wait_s=PATIENCE_S,
        )  # fmt: skip
        self._client.connect(CONNECT_LIMIT_S)
        known = {control.name for control in self._model.card.controls}
        dials: dict[str, ControlValue] = {"sun_azimuth_deg": sun.azimuth_deg, "sun_elevation_deg": sun.elevation_deg}
        self._client.set_controls({name: value for name, value in dials.items() if name in known})

    def own(self, *, labels: Sequence[int], objects: Sequence[int], near_m: float, far_m: float) -> None:
        """From the next frame on the engine keeps these pixels: by label, by id, nearer and farther than so much."""
        self._open.set_controls({}, engine_labels=tuple(labels), engine_objects=tuple(objects), plate_near_m=near_m,
                                plate_far_m=far_m)  # fmt: skip

    def composite(self, truth: Truth) -> NDArray[np.float16]:
        """What is shown of a frame, scene-linear [H, W, 4]. Raises ModelFailed when it got no plate."""
        client = self._open
        slot = client.begin()
        for name, plane in slot.inputs.items():
            np.copyto(plane, truth.planes[name])
        client.submit(slot, truth.camera, bodies=truth.bodies, reset=self._reset)
        shown = client.present()
        if shown is None or shown.disposition is not Disposition.GENERATED:
            reason = shown.reason if shown is not None else "no answer came"
            raise ModelFailed(f"row {self.name} got no plate: {reason}", fix="Run `worldplate doctor`.")
        picture: NDArray[np.float16] = shown.picture()
        return picture

    def shown(self, truth: Truth) -> F32:
        """The same as displayed, [H, W, 3] of 0..1."""
        return tone_map(self.composite(truth)[..., :3])

    @property
    def _open(self) -> Client:
        if self._client is None:
            raise RuntimeError("a row shows nothing before `begin`")
        return self._client

    def close(self) -> None:
        """Ends the session and its renderer's loop; a second time does nothing."""
        if self._client is not None:
            self._client.close()
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._client = self._thread = None


def gathered(names: Sequence[str], means: Means) -> tuple[list[Row], list[WorldModel], dict[str, str]]:
    """The rows that can be had, their models (one for all rows that use the same, to be closed by the caller), and of
    each that cannot why not. Raises ModelIncomplete for files that are there and damaged."""
    rows: list[Row] = []
    models: dict[Callable[[Means], WorldModel], WorldModel] = {}
    left_out: dict[str, str] = {}
    for name in names:
        spec = SPECS[name]
        try:
            if spec.make not in models:
                models[spec.make] = spec.make(means)
        except (MissingDependency, ModelNotFound) as error:
            left_out[name] = str(error)
            continue
        rows.append(Row(spec, models[spec.make]))
    return rows, list(models.values()), left_out
