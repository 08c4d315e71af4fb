"""What the page, the panel's process and the renderer say to each other: msgspec structs, as JSON.

Page -> process: `FromPage`, checked strictly, at most PAGE_BYTES each. Those of `Deed` are passed on to the renderer in
an `Ask`. Renderer -> process: `FromDesk`; a `Picture` is followed by the bytes of its planes. Process -> page: JSON
objects whose key `is` says what they are, and binary pictures (renderer/panel/pages.py).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bridge.errors import LimitExceeded, MalformedMessage
from bridge.schema import U8, U32, Control, ControlValue, Hex32, Name, Reset, WorldOp

PAGE_BYTES = 16_384  # of one message from a page
TOKEN_BYTES = 32  # of randomness in a link, and in a cookie
SNAPSHOT = Annotated[str, Meta(max_length=64)]
Stream = Annotated[str, Meta(max_length=64)]
Number = Annotated[int, Meta(ge=0, le=2**53)]  # whole numbers that JavaScript keeps


class View(StrEnum):
    """What of a frame is shown."""

    ENGINE = "engine"
    PLATE = "plate"
    COMPOSITE = "composite"
    DEPTH = "depth"
    MATTE = "matte"
    CONFIDENCE = "confidence"
    DIFFERENCE = "difference"


NEEDS: dict[View, tuple[str, ...]] = {  # planes of a frame
    View.ENGINE: ("color",),
    View.PLATE: ("plate",),
    View.COMPOSITE: ("color", "plate"),
    View.DEPTH: ("depth",),
    View.MATTE: ("plate",),
    View.CONFIDENCE: ("confidence",),
    View.DIFFERENCE: ("color", "plate"),
}
LOOKED_AT = ("object", "label", "depth")  # sent along, so that a click is about the picture that was clicked


class _Page(Struct, frozen=True, kw_only=True, tag_field="do", forbid_unknown_fields=True):
    """Said by a page. `n` is any number, which the answer repeats."""

    n: Number = 0


class Watch(_Page, tag="watch", frozen=True, kw_only=True):
    """Show these views, one or two, of that stream from now on; none: show nothing."""

    session: Hex32
    stream: Stream
    views: Annotated[tuple[View, ...], Meta(max_length=2)]


class Drawn(_Page, tag="drawn", frozen=True, kw_only=True):
    """A picture is on the screen: the next one may come."""


class Look(_Page, tag="look", frozen=True, kw_only=True):
    """What is at this place of the picture that was sent last? 0..1 from the left and from the top."""

    x: Annotated[float, Meta(ge=0.0, le=1.0)]
    y: Annotated[float, Meta(ge=0.0, le=1.0)]


class AskTime(_Page, tag="time", frozen=True, kw_only=True):
    """What does the renderer's clock say? `t` comes back."""

    t: float


class Steer(_Page, tag="steer", frozen=True, kw_only=True):
    """Set controls and ownership; what is null stays as it is. Lists are whole lists. `plate_far_m` of -1 is no end."""

    session: Hex32
    values: Annotated[dict[Name, ControlValue], Meta(max_length=64)] = {}  # msgspec copies it
    engine_objects: Annotated[tuple[U32, ...], Meta(max_length=1024)] | None = None
    engine_labels: Annotated[tuple[U8, ...], Meta(max_length=256)] | None = None
    plate_near_m: Annotated[float, Meta(ge=0.0)] | None = None
    plate_far_m: Annotated[float, Meta(ge=-1.0)] | None = None


class ChangeWorld(_Page, tag="world", frozen=True, kw_only=True):
    """A world operation, with the fields of WORLD."""

    session: Hex32
    op: WorldOp
    name: SNAPSHOT = ""
    reset: Reset = Reset.NEW
    stream: Stream = ""
    to_stream: Stream = ""


class RecordTake(_Page, tag="record", frozen=True, kw_only=True):
    """Start a take of the session or end it, with the fields of RECORD."""

    session: Hex32
    on: bool
    name: SNAPSHOT = ""


class ChangeModel(_Page, tag="model", frozen=True, kw_only=True):
    """Have another model serve every engine, once it is warm."""

    name: Name


class NewLink(_Page, tag="link", frozen=True, kw_only=True):
    """Another one-time link, for another browser."""


Deed = Steer | ChangeWorld | RecordTake | ChangeModel
FromPage = Watch | Drawn | Look | AskTime | NewLink | Deed


class Plane(Struct, frozen=True, kw_only=True):
    """One array of a picture, C-contiguous."""

    name: str
    dtype: str  # NumPy's, with byte order
    shape: tuple[int, ...]


class Sample(Struct, frozen=True, kw_only=True):
    """What one frame took."""

    session: str
    stream: str
    frame: int
    at_ms: float  # monotonic, when its plate was finished
    age_ms: float
    stages_ms: dict[str, float]


class Health(Struct, frozen=True, kw_only=True):
    """How the show goes, in words."""

    level: str  # good, idle, warn, bad
    what: str
    fix: str = ""


class SessionState(Struct, frozen=True, kw_only=True):
    """An engine and what is set for it. `plate_far_m` of -1 is no end."""

    id: str
    name: str
    engine: str
    width: int
    height: int
    sync: str
    late: str
    transport: str
    streams: tuple[str, ...]
    views: tuple[View, ...]  # those that there are planes for
    values: dict[str, ControlValue]
    engine_objects: tuple[int, ...]
    engine_labels: tuple[int, ...]
    plate_near_m: float
    plate_far_m: float
    plates_per_s: float
    frame_age_ms: dict[str, float]
    dispositions: dict[str, int]
    take: str = ""  # that is being made
    take_missed: int = 0


class State(Struct, frozen=True, kw_only=True, tag="state", tag_field="is"):
    """Everything that the page shows but for pictures and samples."""

    model: str
    runtime: str
    licence: str
    controls: tuple[Control, ...]
    sessions: tuple[SessionState, ...]
    health: Health
    snapshots: tuple[str, ...]
    models: tuple[str, ...]  # that can be changed over to, and the one that serves; none where it cannot be changed
    prompts: tuple[str, ...]  # that were set lately, oldest first
    can_record: bool
    labels: tuple[str, ...]  # by their number


class Samples(Struct, frozen=True, kw_only=True, tag="samples", tag_field="is"):
    samples: tuple[Sample, ...]


class Answer(Struct, frozen=True, kw_only=True, tag="answer", tag_field="is"):
    """Of the message `n`: `code` is empty when it was done, else an error's of bridge/errors.py."""

    n: int
    code: str = ""
    what: str = ""
    fix: str = ""


class Picture(Struct, frozen=True, kw_only=True, tag="picture", tag_field="is"):
    """A finished frame; its planes follow as bytes, in the order of the list and without gaps."""

    session: str
    stream: str
    frame: int
    capture_ns: int  # monotonic time of the engine state
    width: int  # of the engine's picture; planes may have every second pixel, or third
    height: int
    disposition: str
    planes: tuple[Plane, ...]


class Told(Struct, frozen=True, kw_only=True, tag="told", tag_field="is"):
    """The renderer's answer to `Ask` number `ask`."""

    ask: int
    answer: Answer


class Secrets(Struct, frozen=True, kw_only=True, tag="secrets", tag_field="is"):
    """What the process must know before it serves."""

    token: str
    port: int
    transform: str = ""  # the view transform of light; "" is the renderer's own tone map


FromDesk = State | Samples | Picture | Told | Secrets


class Ask(Struct, frozen=True, kw_only=True, tag="ask", tag_field="do"):
    ask: int
    deed: Deed


class Want(Struct, frozen=True, kw_only=True, tag="want", tag_field="do"):
    """The next frame of that stream, with these planes."""

    session: str
    stream: str
    planes: tuple[str, ...]


class Open(Struct, frozen=True, kw_only=True, tag="open", tag_field="do"):
    """How many pages are open."""

    pages: int


class Linked(Struct, frozen=True, kw_only=True, tag="linked", tag_field="do"):
    """A link was used or asked for; this is the next token."""

    token: str


ToDesk = Ask | Want | Open | Linked

_page = msgspec.json.Decoder(FromPage)


def from_page(text: str | bytes) -> FromPage:
    """Raises LimitExceeded, MalformedMessage."""
    size = len(text.encode()) if isinstance(text, str) else len(text)
    if size > PAGE_BYTES:
        raise LimitExceeded("a message's size in bytes", size, PAGE_BYTES, "PAGE_BYTES")
    try:
        message: FromPage = _page.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedMessage(f"The message cannot be taken: {error}", fix="Reload the page.") from error
    return message


def to_json(message: Any) -> bytes:
    return msgspec.json.encode(message)
