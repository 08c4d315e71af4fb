"""What a take holds besides the protocol's own messages, and under which names. A take is an MCAP file.

Each frame is one chunk of the file: its FRAME, its planes, the plates, its RESULT, and last a FrameNote, so that a file
that is cut anywhere has whole frames up to the cut. What happens between frames has chunks of its own. A message's
`sequence` is the number of its frame in the take, from 1; 0 is no frame. Its publish time is the moment of capture on
the engine's clock, its log time that of recording, in nanoseconds since 1970.

Messages are msgpack as on the wire (bridge/wire.py), with a JSON Schema beside them. Planes are `bridge/plane_coding`'s
bytes; their channel says format, size and coding. A field or topic that is added later does not disturb this version; a
change that it would misread raises FORMAT_VERSION.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from bridge.schema import PROTOCOL_VERSION, U32, U64, ControlValue, Hello, Name, PlaneName, Text, Welcome
from bridge.schema.values import d

PROFILE = "worldplate-take"
SUFFIX = ".mcap"
FORMAT_VERSION = 1
NAME_PATTERN = r"^[A-Za-z0-9_-]{1,64}\Z"

TOPIC_OPENING = "/take/opening"
TOPIC_SPAN = "/take/span"
TOPIC_NOTE = "/take/frame"
TOPIC_MISSED = "/take/missed"
TOPIC_FAILED = "/take/failed"
TOPIC_STATE = "/take/world"
TOPIC_ARRAY = "/take/array"
TOPIC_ENDING = "/take/ending"
PLANE_TOPIC = "/plane/"  # and the plane's name
MESSAGE_TOPIC = "/message/"  # and the message's type

OUTPUTS = frozenset({PlaneName.PLATE, PlaneName.PLATE_DEPTH, PlaneName.CONFIDENCE})


class Opening(Struct, frozen=True, kw_only=True):
    """The first record of a take."""

    format_version: Annotated[U32, d("of takes; see FORMAT_VERSION")] = FORMAT_VERSION
    protocol: Annotated[U32, d("version of the protocol that its messages are of")] = PROTOCOL_VERSION
    name: Annotated[str, Meta(pattern=NAME_PATTERN, max_length=64), d("of the take")]
    created_ns: Annotated[U64, d("nanoseconds since 1970, UTC")]
    software: Annotated[Name, d("what wrote it")]
    model: Annotated[Name, d("name of the world model")]
    model_sha256: Annotated[str, Meta(max_length=64), d("of its weights, hexadecimal; empty when it has none")] = ""
    runtime: Annotated[Name, d("what ran the network")]
    threads: Annotated[U32, d("of the network; another number may add up in another order")] = 1
    remade_from: Annotated[str, Meta(max_length=64), d("name of the take that this one renders again")] = ""
    job: Annotated[str, Meta(max_length=64), d("a hash of what was asked for then: no job is done twice")] = ""


class Span(Struct, frozen=True, kw_only=True):
    """What was agreed with the engine for the frames from here on. A resize begins a new span."""

    hello: Annotated[Hello, d("without its token")]
    welcome: Annotated[Welcome, d("with the model's controls")]
    fresh: Annotated[bool, d("whether its worlds begin here, so that the span can be rendered again bit for bit")]


class Ownership(Struct, frozen=True, kw_only=True):
    """Which pixels stayed the engine's: by object id, by label, by distance in view-space metres."""

    objects: tuple[U32, ...] = ()
    labels: tuple[U32, ...] = ()
    plate_near_m: float = 0.0
    plate_far_m: float = float("inf")


class FrameNote(Struct, frozen=True, kw_only=True):
    """The last record of a frame: what steered it, and what came out."""

    controls: Annotated[dict[str, ControlValue], d("all that held for this frame")] = field(default_factory=dict)
    ownership: Annotated[Ownership, d("that held for this frame")] = Ownership()
    outputs_sha256: Annotated[dict[PlaneName, str], d("of each output's bytes, rows without gaps, hexadecimal")] = (
        field(default_factory=dict)
    )


class Missed(Struct, frozen=True, kw_only=True):
    """Frames that were shown, and that the take lacks: the writer could not keep up, or the disk was full."""

    stream: Annotated[Name, d("of the frames")]
    first_id: Annotated[U64, d("the first one's id")]
    last_id: Annotated[U64, d("the last one's id")]
    count: Annotated[U64, d("how many there were")]
    reason: Annotated[Text, d("why")]


class Failed(Struct, frozen=True, kw_only=True):
    """A frame that got no plate."""

    stream: Annotated[Name, d("of the frame")]
    frame_id: Annotated[U64, d("its id")]
    code: Annotated[Name, d("an error code of bridge/errors.py")]
    text: Annotated[Text, d("what was wrong")]


class SavedArray(Struct, frozen=True, kw_only=True):
    """One array of a WorldState; its bytes are the next message under TOPIC_ARRAY, compressed."""

    name: Annotated[Name, d("the model's own")]
    dtype: Annotated[str, Meta(pattern=r"^[<|][fuib][1248]\Z", max_length=3), d("as NumPy writes it, little-endian")]
    shape: Annotated[tuple[U32, ...], Meta(max_length=8), d("in elements")]


class WorldState(Struct, frozen=True, kw_only=True):
    """What a model remembered of a stream after the frame before: from here on it can be made again bit for bit
    without the frames before. The stream's last FRAME is the message after it, when there was one."""

    stream: Annotated[Name, d("of the world")]
    seed: Annotated[U64, d("of the world")]
    epoch: Annotated[U64, d("resets it has seen")]
    steps: Annotated[U64, d("frames since the last one")]
    arrays: Annotated[tuple[SavedArray, ...], Meta(max_length=64), d("the model's")] = ()


class Ending(Struct, frozen=True, kw_only=True):
    """The last record of a take that was ended properly."""

    frames: Annotated[U64, d("in the take")]
    missed: Annotated[U64, d("frames that were shown and are not in it")]
    reason: Annotated[Text, d("why it ends here")]
