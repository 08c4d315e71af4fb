"""THE schema: every message, enum, limit and ring field of the protocol, written by hand here and nowhere else.

`values` has the words, `parts` what messages are made of, `messages` the messages, `ring` the shared ring's layout,
`handles` the packet that hands GPU buffers over.
`bridge/codegen.py` reads this package and writes the C header, the C# constants and PROTOCOL.md's tables. A field's
description gives its unit, axes and range. Canonical space is DESIGN §4: right-handed, +Y up, the camera looks down
-Z, metres, quaternions x,y,z,w, matrices row-major acting on column vectors, images top row first, times in
integer nanoseconds of a monotonic clock.
"""

from __future__ import annotations

from bridge.schema.handles import (
    HANDLES as HANDLES,
    HANDLES_ABI_VERSION as HANDLES_ABI_VERSION,
    HANDLES_BYTES as HANDLES_BYTES,
    HANDLES_MAGIC as HANDLES_MAGIC,
    HandleKind as HandleKind,
)
from bridge.schema.messages import (
    AnyMessage as AnyMessage,
    Bye as Bye,
    Clock as Clock,
    Error as Error,
    Frame as Frame,
    Hello as Hello,
    Message as Message,
    OperatorHello as OperatorHello,
    Ping as Ping,
    Planes as Planes,
    PlanesAck as PlanesAck,
    Record as Record,
    Reject as Reject,
    Release as Release,
    Result as Result,
    SetControls as SetControls,
    Status as Status,
    UseModel as UseModel,
    Welcome as Welcome,
    World as World,
)
from bridge.schema.parts import (
    Bodies as Bodies,
    Camera as Camera,
    Control as Control,
    Lens as Lens,
    Limits as Limits,
    PlaneLayout as PlaneLayout,
    PlaneOffer as PlaneOffer,
    Pose as Pose,
    Timecode as Timecode,
)
from bridge.schema.ring import (
    RING_ABI_VERSION as RING_ABI_VERSION,
    RING_HEADER as RING_HEADER,
    RING_HEADER_BYTES as RING_HEADER_BYTES,
    RING_MAGIC as RING_MAGIC,
    RING_MAX_PLANES as RING_MAX_PLANES,
    RING_PLANE as RING_PLANE,
    RING_PLANE_BYTES as RING_PLANE_BYTES,
    RING_PLANES_OFFSET as RING_PLANES_OFFSET,
    RING_SLOT as RING_SLOT,
    RING_SLOT_HEADER_BYTES as RING_SLOT_HEADER_BYTES,
    RingField as RingField,
)
from bridge.schema.values import (
    ALLOWED_FORMATS as ALLOWED_FORMATS,
    PLANE_MEANING as PLANE_MEANING,
    PROTOCOL_VERSION as PROTOCOL_VERSION,
    U8 as U8,
    U32 as U32,
    U64 as U64,
    ControlType as ControlType,
    ControlValue as ControlValue,
    Disposition as Disposition,
    Hex32 as Hex32,
    Label as Label,
    LatePolicy as LatePolicy,
    Mat4 as Mat4,
    Name as Name,
    PixelFormat as PixelFormat,
    PlaneName as PlaneName,
    Quat as Quat,
    RendererState as RendererState,
    Reset as Reset,
    Side as Side,
    SyncMode as SyncMode,
    Text as Text,
    Transport as Transport,
    Vec2 as Vec2,
    Vec3 as Vec3,
    WorldOp as WorldOp,
)
