"""The manifest of a model folder: `model.toml`, which says how our planes become what a network takes, and back.

Encodings are data. A network takes one or several tensors; each is a stack of maps, made of our planes one by one in
the order of `maps`. All are [1, C, H, W], top row first, at `size`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any

from msgspec import Meta, Struct

from bridge.schema import PlaneName
from renderer.models import Recall

Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")]
Side = Annotated[int, Meta(ge=8, le=8192)]  # in pixels
Unit = Annotated[float, Meta(ge=0.0, le=1.0)]
Metres = Annotated[float, Meta(gt=0.0, le=1e6)]


class Family(StrEnum):
    """How a model is run: which networks there are, and the loop around them."""

    ONNX_I2I = "onnx_i2i"
    SD_TURBO_CONTROL = "sd_turbo_control"
    FRAMEDIFFUSER = "framediffuser"
    WAN_CAUSAL = "wan_causal"
    WAN_GBUFFER = "wan_gbuffer"
    PROCESS = "process"


class Source(StrEnum):
    """What a map is made of: a plane, or a channel of one."""

    COLOR = "color"
    ALBEDO = "albedo"
    DEPTH = "depth"
    NORMAL = "normal"
    ROUGHNESS = "roughness"  # of `material`
    METALLIC = "metallic"  # of `material`
    IRRADIANCE = "irradiance"  # the last plate's luma over the last albedo's; the family makes it

    @property
    def plane(self) -> PlaneName:
        """The plane that it is read from."""
        return _PLANES[self]


_PLANES = {
    Source.COLOR: PlaneName.COLOR,
    Source.ALBEDO: PlaneName.ALBEDO,
    Source.DEPTH: PlaneName.DEPTH,
    Source.NORMAL: PlaneName.NORMAL,
    Source.ROUGHNESS: PlaneName.MATERIAL,
    Source.METALLIC: PlaneName.MATERIAL,
    Source.IRRADIANCE: PlaneName.ALBEDO,
}
COLOURS = frozenset({Source.COLOR, Source.ALBEDO, Source.NORMAL})  # always three channels


class Range(StrEnum):
    """Of the encoded values, after every other step: a map is made in 0..1, and stretched to -1..1 last."""

    UNIT = "0..1"
    SIGNED = "-1..1"


class Missing(StrEnum):
    """What stands for a plane that the engine does not give."""

    REFUSE = "refuse"  # the session is refused by name
    ZERO = "zero"  # black: 0 of 0..1 before the range
    MASK = "mask"  # zeros, and a channel after the map that is 1 where it is known, 0 where it is not


class Transfer(StrEnum):
    """How linear light is coded."""

    LINEAR = "linear"
    SRGB = "srgb"  # IEC 61966-2-1


class Tone(StrEnum):
    """The curve from scene-linear to display-linear 0..1, before the transfer function."""

    CLIP = "clip"  # min(x, 1)
    REINHARD = "reinhard"  # x / (1 + x), of each channel


class DepthCurve(StrEnum):
    """Of view-space Z in metres, before `invert`; each clipped to 0..1."""

    INVERSE = "inverse"  # (1/z - 1/far) / (1/near - 1/far): near is 1, far is 0
    LOG = "log"  # log(z / near) / log(far / near): near is 0, far is 1
    LINEAR = "linear"  # (z - near) / (far - near): near is 0, far is 1


class Space(StrEnum):
    WORLD = "world"  # ours: right-handed, +Y up
    CAMERA = "camera"  # right-handed, x right, y up, z towards the viewer


class Fit(StrEnum):
    """How the engine's picture becomes the network's size."""

    STRETCH = "stretch"  # each axis by itself
    LETTERBOX = "letterbox"  # whole, in its own proportions, centred; the rest is filled, and cut off the answer


class Map(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One map of a tensor."""

    source: Source
    into: str = "input"  # the tensor it is stacked into; a family names those it has
    channels: Annotated[int, Meta(ge=1, le=3)] = 3  # 1 or 3; a grey map in 3 channels is repeated
    range: Range = Range.SIGNED
    eight_bit: bool = False  # rounded to 256 steps, as pictures in a training set were
    missing: Missing = Missing.REFUSE

    def __post_init__(self) -> None:
        if self.channels == 2 or (self.source in COLOURS and self.channels != 3):
            raise ValueError(f"a map of {self.source} has {'3' if self.source in COLOURS else '1 or 3'} channels")

    @property
    def planes_wide(self) -> int:
        """How many channels of its tensor it takes, its mask among them."""
        return self.channels + (self.missing is Missing.MASK)


class ColorCoding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of `color` maps."""

    exposure_ev: Annotated[float, Meta(ge=-16.0, le=16.0)] = 0.0  # stops, before the tone curve
    tone: Tone = Tone.CLIP
    transfer: Transfer = Transfer.SRGB


class AlbedoCoding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of `albedo` maps."""

    transfer: Transfer = Transfer.SRGB


class DepthCoding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of `depth` maps. With `percentiles` near and far follow each picture, slowly, so that the scale does not flicker;
    `near_m` and `far_m` then hold where a picture has no geometry, and until there is one."""

    curve: DepthCurve = DepthCurve.INVERSE
    near_m: Metres = 0.5
    far_m: Metres = 100.0
    percentiles: tuple[Unit, Unit] | None = None  # shares of the finite depths, such as [0.02, 0.98]; None is fixed
    smoothing: Unit = 0.95  # of near and far: the share of the last frame's, in 1/z; 0 is each picture for itself
    invert: bool = False  # 1 - x
    sky: Unit | None = None  # where depth is +inf, after `invert`; None is what the far end is

    def __post_init__(self) -> None:
        if self.near_m >= self.far_m:
            raise ValueError(f"near_m is {self.near_m:g}, which is not before far_m, {self.far_m:g}")
        if self.percentiles is not None and self.percentiles[0] >= self.percentiles[1]:
            raise ValueError(f"percentiles are {list(self.percentiles)}, and the first must be the smaller")


class NormalCoding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of `normal` maps: n * 0.5 + 0.5 of the axes in this order and with these signs."""

    space: Space = Space.CAMERA
    axes: Annotated[str, Meta(pattern=r"\A([+-][xyz]){3}\Z")] = "+x+y+z"  # ControlNet's red to the left: "-x+y+z"
    sky: tuple[Unit, Unit, Unit] = (0.5, 0.5, 1.0)  # where there is no geometry

    def __post_init__(self) -> None:
        if len({axis for axis in self.axes if axis in "xyz"}) != 3:
            raise ValueError(f"axes are '{self.axes}', and must name x, y and z once each")


class OutputCoding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the network's answer; the plate is scene-linear."""

    range: Range = Range.SIGNED
    transfer: Transfer = Transfer.SRGB
    tone: Tone = Tone.CLIP  # undone after the transfer
    exposure_ev: Annotated[float, Meta(ge=-16.0, le=16.0)] = 0.0  # stops, undone last


class Size(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the network's pictures."""

    width: Side
    height: Side
    fit: Fit = Fit.LETTERBOX


class File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the folder, relative to it."""

    path: Annotated[str, Meta(min_length=1, max_length=256)]
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    bytes: Annotated[int, Meta(ge=0)]

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or "\\" in self.path or ":" in self.path or str(path) != self.path:
            raise ValueError(f"the file '{self.path}' is not one inside the model's folder")


class Bounds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What binds whoever uses the model."""

    regions_excluded: tuple[str, ...] = ()  # where the licence does not hold, as ISO 3166 codes or EU
    commercial: bool | None = None  # None: the licence's text says
    most_seconds: Annotated[float, Meta(ge=0.0)] = 0.0  # of a session that the makers vouch for; 0 = not said
    text: Annotated[str, Meta(max_length=1024)] = ""


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model. `options` are the family's own, which has them checked as strictly."""

    name: Name
    family: Family
    files: tuple[File, ...] = ()
    size: Size
    maps: Annotated[tuple[Map, ...], Meta(max_length=32)]
    color: ColorCoding = ColorCoding()
    albedo: AlbedoCoding = AlbedoCoding()
    depth: DepthCoding = DepthCoding()
    normal: NormalCoding = NormalCoding()
    output: OutputCoding = OutputCoding()
    chunk_frames: Annotated[int, Meta(ge=1, le=64)] = 1  # plates that one call makes
    response_window_ms: Annotated[float, Meta(ge=0.0, le=600_000.0)] = 0.0  # from the newest state to its plate
    memory_mb: Annotated[int, Meta(ge=0, le=1 << 20)] = 0  # of the device that runs it, resident; 0 = not known
    recall: Recall = Recall.KEPT  # "mixed" holds plates to what the world was before
    licence: Annotated[str, Meta(min_length=1, max_length=64)]  # SPDX id, or LicenseRef-...
    licence_file: str = ""  # of the folder
    limits: Bounds = Bounds()
    options: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if len({file.path for file in self.files}) != len(self.files):
            raise ValueError("a file is named twice")
        if self.recall is Recall.TAKEN:
            raise ValueError("recall 'taken' is no manifest's to say")
