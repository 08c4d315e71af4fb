"""The words of the protocol: enums, and the bounds of the plain types."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated

from msgspec import Meta

PROTOCOL_VERSION = 1  # a change that an older peer would misread raises it; new optional fields do not


class PlaneName(StrEnum):
    """One image buffer of a frame. The first eight travel from the engine, the last three from the renderer."""

    COLOR = "color"
    DEPTH = "depth"
    NORMAL = "normal"
    MOTION = "motion"
    ALBEDO = "albedo"
    MATERIAL = "material"
    OBJECT = "object"
    LABEL = "label"
    PLATE = "plate"
    PLATE_DEPTH = "plate_depth"
    CONFIDENCE = "confidence"


PLANE_MEANING: dict[PlaneName, str] = {
    PlaneName.COLOR: "scene-linear Rec.709, before tone mapping, exposure divided out, no UI; alpha is the engine's",
    PlaneName.DEPTH: "linear view-space Z in metres, > 0; +inf where there is no geometry",
    PlaneName.NORMAL: "unit vector in world space; 0,0,0 where there is no geometry; the fourth component is unused",
    PlaneName.MOTION: "previous_uv - current_uv, u right, v down, jitter removed; NaN where unknown",
    PlaneName.ALBEDO: "linear base colour 0..1; the fourth component is unused",
    PlaneName.MATERIAL: "roughness 0..1, metallic 0..1",
    PlaneName.OBJECT: "object id, 0 where there is no geometry",
    PlaneName.LABEL: "class of the thing, a value of Label",
    PlaneName.PLATE: "the generated picture: scene-linear Rec.709, straight alpha = matte (1 plate, 0 engine)",
    PlaneName.PLATE_DEPTH: "depth of the plate, as depth",
    PlaneName.CONFIDENCE: "how far the plate can be trusted, 0..1",
}


class PixelFormat(StrEnum):
    """Channels and type of one pixel, little-endian, interleaved: f is IEEE float, ui unsigned integer, bare unorm."""

    RGBA16F = "rgba16f"
    RGBA32F = "rgba32f"
    RG16F = "rg16f"
    RG32F = "rg32f"
    R16F = "r16f"
    R32F = "r32f"
    R32UI = "r32ui"
    R8UI = "r8ui"


ALLOWED_FORMATS: dict[PlaneName, tuple[PixelFormat, ...]] = {
    PlaneName.COLOR: (PixelFormat.RGBA16F, PixelFormat.RGBA32F),
    PlaneName.DEPTH: (PixelFormat.R32F,),
    PlaneName.NORMAL: (PixelFormat.RGBA16F, PixelFormat.RGBA32F),
    PlaneName.MOTION: (PixelFormat.RG16F, PixelFormat.RG32F),
    PlaneName.ALBEDO: (PixelFormat.RGBA16F, PixelFormat.RGBA32F),
    PlaneName.MATERIAL: (PixelFormat.RG16F, PixelFormat.RG32F),
    PlaneName.OBJECT: (PixelFormat.R32UI,),
    PlaneName.LABEL: (PixelFormat.R8UI,),
    PlaneName.PLATE: (PixelFormat.RGBA16F,),
    PlaneName.PLATE_DEPTH: (PixelFormat.R32F,),
    PlaneName.CONFIDENCE: (PixelFormat.R16F,),
}


class Label(IntEnum):
    """Class of a thing, the values of the label plane. An engine maps its own tags or layers to these."""

    UNKNOWN = 0
    SKY = 1
    GROUND = 2  # paving, floor, road
    WALL = 3  # plaster or brick of a building
    STONE = 4  # pillars, arches, steps, kerbs
    ROOF = 5
    WOOD = 6  # crates, planks, doors, furniture
    METAL = 7  # barrels, rails, machines
    FABRIC = 8  # awnings, curtains, banners
    FOLIAGE = 9  # trees, hedges, grass
    PLASTIC = 10  # balls, toys, props
    WATER = 11
    GLASS = 12
    CHARACTER = 13
    VEHICLE = 14
    LIGHT = 15  # lamps that shine


class Transport(StrEnum):
    """How pixels travel, best first."""

    CUDA = "cuda"
    SHM = "shm"
    INLINE = "inline"


class SyncMode(StrEnum):
    """When the engine shows what. `delayed` shows the frame submitted `delay_frames` ticks ago."""

    LOCKSTEP = "lockstep"
    DELAYED = "delayed"
    GENLOCKED = "genlocked"
    FREERUN = "freerun"
    OFFLINE = "offline"


class LatePolicy(StrEnum):
    """What is shown in place of a plate that is not there in time."""

    REPROJECT = "reproject"
    HOLD = "hold"
    PASSTHROUGH = "passthrough"
    FADE = "fade"


class Disposition(StrEnum):
    """What became of a frame; every frame id gets exactly one."""

    GENERATED = "generated"
    REPROJECTED = "reprojected"
    PASSTHROUGH = "passthrough"
    DROPPED = "dropped"


class Reset(StrEnum):
    """A break in time: nothing from before it may be shown after it. After `cut` (another shot) and `teleport` (the
    camera is elsewhere) the world's places are still known; `new` forgets them too."""

    NONE = "none"
    CUT = "cut"
    TELEPORT = "teleport"
    NEW = "new"


class WorldOp(StrEnum):
    RESET = "reset"
    SNAPSHOT = "snapshot"
    RESTORE = "restore"
    FORK = "fork"


class RendererState(StrEnum):
    LOADING = "loading"
    READY = "ready"
    RUNNING = "running"
    DEGRADED = "degraded"


class ControlType(StrEnum):
    NUMBER = "number"
    INTEGER = "integer"
    TOGGLE = "toggle"
    CHOICE = "choice"
    TEXT = "text"


ControlValue = bool | int | float | str
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=1024)]
U8 = Annotated[int, Meta(ge=0, le=255)]
U32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
U64 = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Side = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", min_length=32, max_length=32)]  # `$` alone lets a newline by
Vec2 = tuple[float, float]
Vec3 = tuple[float, float, float]
Quat = tuple[float, float, float, float]
Mat4 = tuple[
    float, float, float, float,
    float, float, float, float,
    float, float, float, float,
    float, float, float, float,
]  # fmt: skip


def d(description: str) -> Meta:
    return Meta(description=description)
