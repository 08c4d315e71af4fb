"""World models: what one is, and how the renderer finds one by name.

A model answers one question per step: given planes, camera, bodies, controls and the world, what is the plate?
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bridge.errors import ModelNotFound
from bridge.schema import Control, PlaneName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from renderer.frame import RenderFrame
    from renderer.recall import World

MODEL_NAMES = ("limn", "passthrough")


class Recall(StrEnum):
    """What the world's memory is to a model."""

    NONE = "none"  # its plates are neither remembered nor held to anything
    KEPT = "kept"  # they are remembered, for snapshots and exports; its own look stays as it was
    MIXED = "mixed"  # they are remembered, and held to what is remembered after it has made them
    TAKEN = "taken"  # they are remembered, and it takes `world.prior` itself


@dataclass(frozen=True)
class ModelCard:
    """What a model declares before it is asked for anything."""

    name: str
    needs: frozenset[PlaneName]
    optional: frozenset[PlaneName]
    controls: tuple[Control, ...] = ()
    chunk_frames: int = 1  # plates that one call makes; more than 1 only for a ChunkModel
    response_window_ms: float = 0.0  # from the newest state to its plate; an engine waits thrice that; 0 = unknown
    memory_bytes: int = 0  # resident, beyond the runtime's own
    licence: str = "Apache-2.0"  # SPDX id of the weights
    runtime: str = "none"
    runtime_why: str = ""  # for a person, when it changed while it served: why it is this one
    sha256: str = ""  # of the weights; empty for a model without
    recall: Recall = Recall.NONE
    on_device: bool = False  # it can leave planes on the GPU: it has `step_on_device` (renderer/cuda/frame.py) too


class WorldModel(Protocol):
    """A model that is loaded. It is used from one thread."""

    card: ModelCard

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        """Write the plate, float16 [H, W, 4], scene-linear, alpha 1 where it is the model's, in place."""

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        """`world.latents` as named arrays, for a snapshot; none for None. The arrays are not written to afterwards,
        neither by the model nor by whoever saves them."""

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        """The latents that were saved as `arrays`. The frame that comes next, whatever its id, follows on the one
        after which they were saved. Raises SnapshotCorrupt when they are not of this model."""

    def close(self) -> None:
        """Let go of memory and threads; the model is not used afterwards. A second time does nothing."""


@runtime_checkable
class ChunkModel(WorldModel, Protocol):
    """A model that makes several plates in one call, as video models do: `card.chunk_frames` of them at most.

    `step` is then a chunk of one, for an engine that waits for each plate, and for tools.
    """

    def steps(self, frames: Sequence[RenderFrame], world: World) -> Iterator[None]:
        """Write `frame.plate` of each frame in turn, as `step` does, and yield after each: it is published at once.

        `frames` are the newest states of one stream, oldest first, 1 to `card.chunk_frames` of them; their ids rise,
        and ids that are missing were superseded. Planes hold until the last yield; it is resumed once more when that
        plate is published, for what the next chunk builds on. There are fewer frames than the card says when the engine
        waits, pauses or submits slowly, and one alone after a reset; a model that cannot do with fewer repeats some.

        A chunk never spans a reset: what waited from before one is given up, and the frame of the reset is the first
        of its chunk. `world` is up to frame n from the n-th plate on, so at a reset `world.latents` are None already
        when the first is made. A reset that comes while a chunk is made does not stop it; the engine shows none of it.
        """


def load_model(name: str, *, runtime: str = "auto", threads: int = 1, models_dir: str = "") -> WorldModel:
    """Load a built-in model or one of the models folder by name, or a person's own by `FILE.py:Class`.

    `runtime` is one of renderer.runtimes.NAMES, `threads` those of its network, `models_dir` the setting of that name.

    Raises ModelNotFound for an unknown name, ModelIncomplete when a file is missing or altered, MissingDependency
    when a package that the model or the runtime needs is absent, ConfigError for an unknown runtime; for a model of the
    models folder any ModelError.
    """
    if name == "passthrough":
        from renderer.models.passthrough import Passthrough

        return Passthrough()
    if name == "limn":
        from renderer.models.limn.model import Limn

        return Limn(runtime=runtime, threads=threads)
    if ":" in name:
        from renderer.models.own import load_own

        return load_own(name)
    from renderer.adapters.folder import find, models_folder

    if (path := find(name, models_folder(models_dir))) is not None:
        from renderer.adapters.families import load_folder

        return load_folder(path, runtime=runtime, threads=threads)
    known = ", ".join(model_names(models_dir))
    raise ModelNotFound(f"there is no model '{name}'", fix=f"Choose one of: {known}, or your own as FILE.py:Class.")


def model_names(models_dir: str = "") -> tuple[str, ...]:
    """Of the models that can be loaded by name: built in, then those of the models folder."""
    from renderer.adapters.folder import found, models_folder

    return (*MODEL_NAMES, *(each.name for each in found(models_folder(models_dir))))
