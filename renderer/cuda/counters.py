"""What the GPU path must not do, counted where it is done: all of it stays 0 on the zero-copy path."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Counters:
    """Since they were made. Whoever copies, allocates or waits counts it in the same line of thought."""

    frames: int = 0  # plates that were enqueued
    host_to_device_bytes: int = 0
    device_to_host_bytes: int = 0
    allocations: int = 0  # of GPU memory
    cpu_waits: int = 0  # times that a thread of the CPU stood still for the GPU

    def figures(self) -> dict[str, int]:
        """By name, as STATUS has them."""
        return asdict(self)

    def since(self, before: Counters) -> Counters:
        """What was counted since a copy of these."""
        return Counters(**{name: count - getattr(before, name) for name, count in self.figures().items()})
