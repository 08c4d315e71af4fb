"""Colour by OpenColorIO's own ACES config: no config file to keep, the view transform named, nothing typed in by hand.

Takes are scene-linear Rec.709. `View` is exact and slow, for stills: ACES 2.0 takes half a second per 1280x720 frame.
`View.baked` is the same through a table, in a tenth of the time and within about a level of 255 on pictures: for films,
and for what is looked at live.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import ConfigError, MissingDependency

try:
    import PyOpenColorIO as ocio
except ImportError as error:
    raise MissingDependency(
        f"colour needs opencolorio: {error}", fix='Install it with `pip install "worldplate[exports]"`.'
    ) from error

F32 = NDArray[np.float32]
CONFIG = "cg-config-v4.0.0_aces-v2.0_ocio-v2.5"
REC709, ACESCG, SHAPER = "Linear Rec.709 (sRGB)", "ACEScg", "ACEScct"
STILLS, FILMS = "sRGB - Display", "Rec.1886 Rec.709 - Display"
DEFAULT_VIEW = "ACES 2.0 - SDR 100 nits (Rec.709)"
BRIGHTEST_HALF = 65504.0
TABLE_SIDE = 65
# x and y of red, green, blue and white: ITU-R BT.709, and AP1 with its white (Academy S-2014-004).
CHROMATICITIES = {
    "rec709": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    "acescg": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
}
INTEROP_IDS = {"rec709": "lin_rec709_scene", "acescg": "lin_ap1_scene"}  # of the ASWF's Color Interop Forum


@cache
def config() -> Any:
    try:
        made = ocio.Config.CreateFromBuiltinConfig(CONFIG)
    except ocio.Exception as error:
        raise MissingDependency(
            f"OpenColorIO {ocio.__version__} does not have {CONFIG}",
            fix='Update it with `pip install --upgrade "opencolorio>=2.5"`.',
        ) from error
    # Its cache knows a table by its size and its ends alone, and would give one display the other's.
    made.setProcessorCacheFlags(ocio.PROCESSOR_CACHE_OFF)
    return made


def view_names(display: str) -> tuple[str, ...]:
    return tuple(config().getViews(display))


@dataclass(frozen=True)
class View:
    """A view transform on a display. Raises ConfigError for one that the display does not have."""

    display: str
    name: str = DEFAULT_VIEW

    def __post_init__(self) -> None:
        known = view_names(self.display)
        if self.name not in known:
            raise ConfigError(
                f"there is no view '{self.name}' on {self.display}", fix=f"Use one of: {'; '.join(known)}."
            )

    def __call__(self, linear: NDArray[np.floating]) -> F32:
        """Scene-linear Rec.709 [H, W, 3] as display values 0..1, a new array."""
        return _applied(_exact(self.display, self.name), linear)

    def baked(self, linear: NDArray[np.floating]) -> F32:
        """The same through a table of 65 x 65 x 65 entries over ACEScct, made at the first call (0.3 s)."""
        return _applied(_table(self.display, self.name), linear)


def to_acescg(linear: NDArray[np.floating]) -> F32:
    """Scene-linear Rec.709 [H, W, 3] as ACEScg, a new array; the white is adapted (Bradford)."""
    out = np.array(linear, np.float32, order="C")
    _matrix().applyRGB(out)
    return out


def _applied(processor: Any, linear: NDArray[np.floating]) -> F32:
    out = np.nan_to_num(linear.astype(np.float32, order="C"), nan=0.0, posinf=BRIGHTEST_HALF, neginf=0.0)
    processor.applyRGB(out)
    return np.asarray(np.clip(np.nan_to_num(out), 0.0, 1.0), np.float32)


@cache
def _matrix() -> Any:
    return config().getProcessor(REC709, ACESCG).getDefaultCPUProcessor()


@cache
def _exact(display: str, view: str, source: str = REC709) -> Any:
    transform = ocio.DisplayViewTransform(src=source, display=display, view=view)
    return config().getProcessor(transform).getDefaultCPUProcessor()


@cache
def _table(display: str, view: str) -> Any:
    steps = np.linspace(0.0, 1.0, TABLE_SIDE, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1)
    grid = np.ascontiguousarray(grid)
    _exact(display, view, SHAPER).applyRGB(grid)
    table = ocio.Lut3DTransform(gridSize=TABLE_SIDE)
    table.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    table.setData(grid.ravel())
    both = ocio.GroupTransform([ocio.ColorSpaceTransform(src=REC709, dst=SHAPER), table])
    return config().getProcessor(both).getDefaultCPUProcessor()
