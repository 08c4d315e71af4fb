"""What travels through the pipeline: one frame of engine state with its planes, and what it gathers on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import ControlValue, Frame, PlaneName


@dataclass(frozen=True)
class Ownership:
    """Which pixels stay the engine's: by object id, by label, by distance. Depths are view-space metres."""

    objects: frozenset[int] = frozenset()
    labels: frozenset[int] = frozenset()
    plate_near_m: float = 0.0
    plate_far_m: float = float("inf")

    @property
    def is_none(self) -> bool:
        return not (self.objects or self.labels or self.plate_near_m > 0.0 or self.plate_far_m != float("inf"))


@dataclass
class RenderFrame:
    """One frame inside the renderer.

    `planes` are read-only views of the engine's own buffers, [H, W] or [H, W, C] in canonical values (DESIGN §4);
    `plate` is the writable output view, float16 [H, W, 4], scene-linear with straight alpha = matte.
    """

    header: Frame
    planes: PlaneViews
    plate: NDArray[np.float16]
    controls: dict[str, ControlValue]
    ownership: Ownership
    host_bytes_copied: int = 0  # between host buffers, when it came in
    steady: bool = False  # it is made as the one before it was: the engine renders offline, or a take is recorded
    stages_ms: dict[str, float] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return int(self.plate.shape[0])

    @property
    def width(self) -> int:
        return int(self.plate.shape[1])

    def plane(self, name: PlaneName) -> NDArray[np.generic] | None:
        return self.planes.get(name)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a step of the pipeline into `stages_ms`; one that comes in several parts adds up."""
        start_ns = time.perf_counter_ns()
        try:
            yield
        finally:
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + (time.perf_counter_ns() - start_ns) / 1e6
