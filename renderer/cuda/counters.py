"""What the GPU path must not do, counted where it is done: all of it stays 0 on the zero-copy path."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable


@dataclass
class Counters:
    """Since they were made. Whoever copies, allocates or waits counts it in the same line of thought."""

    frames: int = 0  # plates that were enqueued
    host_to_device_bytes: int = 0
    device_to_host_bytes: int = 0
    allocations: int = 0  # of GPU memory, torch's aside
    cpu_waits: int = 0  # times that a thread of the CPU stood still for the GPU

    def figures(self) -> dict[str, int]:
        """By name, as STATUS has them; allocations are torch's too, which counts its own for the whole process."""
        return asdict(self) | {"allocations": self.allocations + torch_allocations()}

    def so_far(self) -> Counters:
        """A copy, which `since` takes."""
        return Counters(**self.figures())

    def since(self, before: Counters) -> dict[str, int]:
        """`figures` of what was counted since `so_far` gave `before`."""
        return {name: count - getattr(before, name) for name, count in self.figures().items()}

    def plus(self, other: Counters) -> Counters:
        """Both together."""
        return Counters(**{name: count + getattr(other, name) for name, count in asdict(self).items()})


def torch_allocations() -> int:
    """How often torch has asked the driver for GPU memory in this process; what it hands out again is no allocation."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return int(torch.cuda.memory_stats().get("num_device_alloc", 0))


@runtime_checkable
class Counted(Protocol):
    """A model whose network may run on a GPU while its planes come through the CPU."""

    def counters(self) -> Counters | None:
        """Of the way there and back; None where no GPU serves."""


class Tally:
    """What a model's way to a GPU has cost since a session began, or since it took the model over."""

    def __init__(self, model: object) -> None:
        self._model = model
        self._before = (_counters_of(model) or Counters()).so_far()

    def figures(self) -> dict[str, int]:
        """As STATUS has them; nothing where no GPU serves. Sessions that share the model count together."""
        now = _counters_of(self._model)
        return {} if now is None else now.since(self._before)


def per_frame(figures: Mapping[str, int]) -> dict[str, float]:
    """Of the figures of STATUS, what each plate cost; nothing before the first."""
    frames = figures.get("frames", 0)
    if frames == 0:
        return {}
    return {f"{name}_per_frame": round(count / frames, 4) for name, count in figures.items() if name != "frames"}


def _counters_of(model: object) -> Counters | None:
    return model.counters() if isinstance(model, Counted) else None
