"""What `Client.present` gives the engine to show."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.composite import composite
from bridge.errors import NotSupported
from bridge.planes import PlaneViews
from bridge.schema import Disposition, PlaneName


@dataclass
class Shown:
    """A frame on the screen. Its views are good until the next `Client.begin`."""

    frame_id: int
    disposition: Disposition
    reason: str  # why it is not `generated`; empty when it is
    age_ms: float  # frame age: from the oldest engine state in the picture to `present`
    state_age_ms: float  # the same, of this frame's own engine state
    planes: PlaneViews  # the engine's own, of this frame
    plate: NDArray[Any] | None  # float16 [H, W, 4], straight alpha = matte; None: the engine's own picture
    on_device: bool = False  # planes and plate are the GPU's: see bridge/device.py
    warped_confidence: NDArray[np.float32] | None = None  # [H, W]; None unless it is `reprojected`
    stages_ms: dict[str, float] = field(default_factory=dict)  # the renderer's stages, and those of `present`
    renderer_copied_bytes: int = 0  # between host buffers of pixels, for this frame
    still_whole: Callable[[], bool] = lambda: True  # asked after reading the plate
    torn: Callable[[str], None] = lambda reason: None  # told when it is not

    def confidence(self) -> NDArray[np.float32]:
        """How far each pixel of the plate can be trusted, [H, W], 0..1: 1 in a plate that was made for this frame, less
        the older the plate is and the coarser it shows the point, and 0 where there is no plate: in holes, and in the
        engine's own picture. Raises NotSupported as `picture` does."""
        self._check_on_host()
        if self.warped_confidence is not None and self.plate is not None:
            return self.warped_confidence
        height, width = self.planes[PlaneName.COLOR].shape[:2]
        return np.full((height, width), float(self.plate is not None), np.float32)

    def picture(self, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The composite [H, W, 4], scene-linear, in `out` or new in the color plane's dtype.

        Should the plate be overwritten while it is read, the engine's own picture is the result; the frame's
        disposition, here and in the ledger, then becomes `passthrough`. Raises NotSupported for what lies on the GPU.
        """
        self._check_on_host()
        start_ns = time.perf_counter_ns()
        color = self.planes[PlaneName.COLOR]
        if self.plate is not None:
            out = composite(color, self.plate, out)
            if not self.still_whole():
                self.plate, self.disposition, self.reason = None, Disposition.PASSTHROUGH, "the plate was overwritten"
                self.torn(self.reason)
        if self.plate is None:
            out = np.empty_like(color, order="C") if out is None else out
            np.copyto(out, color, casting="same_kind")
        assert out is not None
        self.stages_ms["composite"] = (time.perf_counter_ns() - start_ns) / 1e6
        return out

    def _check_on_host(self) -> None:
        if self.on_device:
            raise NotSupported(
                f"Frame {self.frame_id} lies on the GPU, where the CPU does not see it",
                fix="Composite there: planes and plate are CUDA arrays; the plate's alpha is its share.",
            )
