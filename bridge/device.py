"""What an engine's side needs of a GPU to leave planes there; who has CUDA implements it (renderer/cuda/export.py)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from bridge.planes import EngineBuffers
from bridge.schema import Limits, PlaneLayout, Result


@runtime_checkable
class DeviceBuffers(EngineBuffers, Protocol):
    """Slots in the GPU's memory. Their planes are no arrays of NumPy: they say where they are by
    `__cuda_array_interface__`. Every method may raise DeviceError."""

    ready_value: int  # of the frame that was committed last, for Frame

    def hand_over(self, socket: Path, session: str) -> None:
        """Sends them to the renderer, whose PLANES_ACK answers on the link. Raises TransportError too."""

    def is_done(self, result: Result) -> bool:
        """Whether the plate is whole, without waiting."""


class DeviceSide(Protocol):
    """An engine's GPU."""

    uuid: str  # 32 hex digits

    def buffers(
        self,
        inputs: Sequence[PlaneLayout],
        outputs: Sequence[PlaneLayout],
        slot_count: int,
        generation: int,
        limits: Limits,
    ) -> DeviceBuffers:
        """New buffers, which whoever asked closes. On any thread. Raises DeviceError, LimitExceeded, InvalidValue."""
