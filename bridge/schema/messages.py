"""Every message, in the order a session sees them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from bridge.schema.parts import (
    Bodies,
    Camera,
    Control,
    Limits,
    PlaneLayout,
    PlaneOffer,
    Timecode,
)
from bridge.schema.values import (
    PROTOCOL_VERSION,
    U8,
    U32,
    U64,
    ControlValue,
    Disposition,
    Hex32,
    LatePolicy,
    Name,
    RendererState,
    Reset,
    Side,
    SyncMode,
    Text,
    Transport,
    WorldOp,
    d,
)


class Message(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The base of every message. On the wire `type` holds the message's name in capitals."""


class Hello(Message, tag="HELLO", frozen=True, kw_only=True):
    """Engine to renderer, first: who I am and what I can give. Answered by WELCOME or REJECT."""

    protocol: Annotated[U32, d("the newest protocol version the engine speaks")] = PROTOCOL_VERSION
    protocol_oldest: Annotated[U32, d("the oldest it speaks")] = PROTOCOL_VERSION
    token: Annotated[str, Meta(max_length=64), d("from the connection file; compared in constant time")]
    client: Annotated[Name, d("plugin or client name and version, for people")]
    engine: Annotated[str, Meta(max_length=64), d("engine name and version, for people")] = ""
    pid: Annotated[U64, d("process id of the engine")] = 0
    width: Annotated[Side, d("pixels of every plane, 1..max_side_px")]
    height: Annotated[Side, d("pixels of every plane, 1..max_side_px")]
    planes: Annotated[tuple[PlaneOffer, ...], Meta(max_length=16), d("what the engine can give")]
    transports: Annotated[
        tuple[Transport, ...], Meta(min_length=1, max_length=3), d("in the engine's order of preference")
    ]
    sync: Annotated[SyncMode, d("when the engine shows what")] = SyncMode.FREERUN
    delay_frames: Annotated[int, Meta(ge=0, le=8), d("n of `delayed`, frames")] = 1
    late: Annotated[LatePolicy, d("what it shows when a plate is late")] = LatePolicy.REPROJECT
    seed: Annotated[U64, d("of the world; the same seed gives the same plates in `offline`")] = 0
    device: Annotated[
        str, Meta(max_length=32), d("of the planes' GPU: UUID, 32 hex digits, or LUID, 16; empty: no `cuda` transport")
    ] = ""


class Welcome(Message, tag="WELCOME", frozen=True, kw_only=True):
    """Renderer to engine: the session is open, and this is what was agreed. Once more in an open session: the model was
    changed; session, planes, transport and sync are as they were, and `models` is told anew."""

    protocol: Annotated[U32, d("the version both will speak")] = PROTOCOL_VERSION
    session: Annotated[Hex32, d("random name of the session; every later message carries it")]
    model: Annotated[Name, d("name of the world model that makes the plates")]
    runtime: Annotated[Name, d("what runs the network, 'torch cpu' or 'none'")]
    planes: Annotated[
        tuple[PlaneLayout, ...],
        d("planes the engine is to send, with format; offsets and pitches are the engine's to set"),
    ]
    outputs: Annotated[tuple[PlaneLayout, ...], d("planes the renderer will return")]
    transport: Annotated[Transport, d("how the pixels will travel")]
    transport_reason: Annotated[Text, d("why a better transport was not possible; empty when the best was")] = ""
    sync: Annotated[SyncMode, d("as agreed")] = SyncMode.FREERUN
    delay_frames: Annotated[int, Meta(ge=0, le=8), d("n of `delayed`, frames")] = 1
    late: Annotated[LatePolicy, d("as agreed")] = LatePolicy.REPROJECT
    limits: Annotated[Limits, d("those in force for this session")] = Limits()
    heartbeat_ms: Annotated[int, Meta(ge=1), d("milliseconds between heartbeats of the link")] = 100
    stall_ms: Annotated[
        int, Meta(ge=1), d("milliseconds without a beat of the render loop after which it counts as stalled")
    ] = 500
    controls: Annotated[tuple[Control, ...], d("the model's controls")] = ()
    chunk_frames: Annotated[int, Meta(ge=1), d("frames the model makes at once; 1 for per-frame models")] = 1
    response_window_ms: Annotated[float, d("milliseconds from state to plate that the model promises; 0 = unknown")] = (
        0.0
    )
    licence: Annotated[str, Meta(max_length=64), d("SPDX id of the model's weights")] = ""
    models: Annotated[
        tuple[Name, ...],
        d("what MODEL can change over to, in the order to show it, and the one that serves; empty: it stays the model"),
    ] = ()


class Reject(Message, tag="REJECT", frozen=True, kw_only=True):
    """Renderer to engine: no session, and why."""

    code: Annotated[Name, d("an error code of bridge/errors.py")]
    text: Annotated[Text, d("what is wrong, for a person")]
    fix: Annotated[Text, d("what to do about it")]


class Planes(Message, tag="PLANES", frozen=True, kw_only=True):
    """Engine to renderer: here is a ring. A new generation replaces the one before."""

    session: Annotated[Hex32, d("from WELCOME")]
    generation: Annotated[U64, d("counts the session's rings, from 1")]
    segment: Annotated[
        str, Meta(pattern="^worldplate-[0-9a-f]{32}$", max_length=43), d("random name of the shared segment")
    ]
    segment_bytes: Annotated[U64, d("size of the segment, 1..max_shared_bytes")]
    slot_count: Annotated[int, Meta(ge=2, le=64), d("slots, 2..max_slots")]
    slot_bytes: Annotated[U64, d("bytes of a slot's payload")]
    planes: Annotated[tuple[PlaneLayout, ...], Meta(max_length=16), d("inputs, written by the engine")]
    outputs: Annotated[tuple[PlaneLayout, ...], Meta(max_length=16), d("outputs, written by the renderer")]


class PlanesAck(Message, tag="PLANES_ACK", frozen=True, kw_only=True):
    """Renderer to engine: the ring is mapped, or why not."""

    session: Annotated[Hex32, d("from WELCOME")]
    generation: Annotated[U64, d("of the ring that PLANES offered")]
    ok: Annotated[bool, d("true when the ring is mapped")]
    code: Annotated[str, Meta(max_length=64), d("an error code when not ok")] = ""
    text: Annotated[Text, d("what is wrong with the ring, for a person; empty when ok")] = ""


class Frame(Message, tag="FRAME", frozen=True, kw_only=True):
    """Engine to renderer: one frame of engine state. Always answered by exactly one RESULT, or ERROR with its id."""

    session: Annotated[Hex32, d("from WELCOME")]
    id: Annotated[U64, d("strictly increasing within a stream, from 1")]
    stream: Annotated[Name, d("the viewpoint this frame belongs to")] = "main"
    generation: Annotated[U64, d("of the ring; 0 when the planes are inline")] = 0
    slot: Annotated[U32, d("of the ring, 0..slot_count-1; 0 when inline")] = 0
    planes: Annotated[
        tuple[PlaneLayout, ...], Meta(max_length=16), d("inline only: what each message part after the header holds")
    ] = ()
    capture_ns: Annotated[U64, d("monotonic time of the engine state, nanoseconds")]
    deadline_ns: Annotated[U64, d("when the plate must be back, same clock, nanoseconds; 0 = none")] = 0
    timecode: Annotated[Timecode | None, d("of the house clock; null when there is none")] = None
    camera: Annotated[Camera, d("the viewpoint that the planes were rendered from")]
    bodies: Annotated[Bodies, d("the rigid bodies of the physics, as in the planes")] = Bodies()
    controls: Annotated[
        dict[str, ControlValue], d("values set by the engine for this frame; they last until changed")
    ] = field(default_factory=dict)
    seed: Annotated[U64, d("for this frame; equal inputs and seed give equal plates in `offline`")] = 0
    reset: Annotated[Reset, d("whether time broke between the frame before and this one")] = Reset.NONE
    ready_value: Annotated[
        U64, d("`cuda` only: the planes are whole once the semaphore `ready` has this value; 0: they are whole now")
    ] = 0


class Result(Message, tag="RESULT", frozen=True, kw_only=True):
    """Renderer to engine: what became of a frame."""

    session: Annotated[Hex32, d("from WELCOME")]
    id: Annotated[U64, d("the frame's id")]
    stream: Annotated[Name, d("the frame's stream")] = "main"
    generation: Annotated[U64, d("of the ring that holds the plate; 0 when it is inline")] = 0
    slot: Annotated[U32, d("of the ring, echoed")] = 0
    disposition: Annotated[Disposition, d("what became of it")]
    reason: Annotated[Text, d("why it is not `generated`; empty when it is")] = ""
    camera: Annotated[Camera | None, d("the camera that the plate was made for, echoed")] = None
    capture_ns: Annotated[U64, d("echoed: monotonic time of the engine state, nanoseconds")] = 0
    age_ms: Annotated[float, d("frame age when the plate was finished, milliseconds")] = 0.0
    stages_ms: Annotated[dict[str, float], d("milliseconds per stage: ingest, recall, generate, blend, mark, ...")] = (
        field(default_factory=dict)
    )
    outputs: Annotated[
        tuple[PlaneLayout, ...], Meta(max_length=16), d("inline only: what each part after the header holds")
    ] = ()
    host_bytes_copied: Annotated[
        U64,
        d("bytes copied between host buffers for this frame; 0 = planes read in place, plate written in place"),
    ] = 0
    model: Annotated[str, Meta(max_length=64), d("name of the world model that made the plate")] = ""
    runtime: Annotated[str, Meta(max_length=64), d("what ran the network")] = ""
    done_value: Annotated[
        U64, d("`cuda` only: the plate is whole once the semaphore `done` has this value; 0: it is whole now")
    ] = 0


class Release(Message, tag="RELEASE", frozen=True, kw_only=True):
    """Engine to renderer: this ring is gone, unmap it (viewport resize, end of play)."""

    session: Annotated[Hex32, d("from WELCOME")]
    generation: Annotated[U64, d("of the ring that is gone")]


class SetControls(Message, tag="CONTROL", frozen=True, kw_only=True):
    """Engine or operator to renderer: from frame `from_id` on, these controls and this ownership hold."""

    session: Annotated[Hex32, d("from WELCOME")]
    from_id: Annotated[U64, d("first frame it holds for; 0 = the next")] = 0
    values: Annotated[dict[str, ControlValue], d("name -> value, checked against the model's schema")] = field(
        default_factory=dict
    )
    engine_objects: Annotated[
        Annotated[tuple[U32, ...], Meta(max_length=4096)] | None,
        d("object ids that stay the engine's; null = unchanged"),
    ] = None
    engine_labels: Annotated[
        Annotated[tuple[U8, ...], Meta(max_length=256)] | None, d("labels that stay the engine's; null = unchanged")
    ] = None
    plate_near_m: Annotated[float | None, d("nearer than this stays the engine's, metres; null = unchanged")] = None
    plate_far_m: Annotated[float | None, d("farther than this stays the engine's, metres; null = unchanged")] = None


class World(Message, tag="WORLD", frozen=True, kw_only=True):
    """Engine or operator to renderer: an operation on the session's world. Answered by STATUS or ERROR."""

    session: Annotated[Hex32, d("from WELCOME")]
    op: Annotated[WorldOp, d("what to do with the session's world")]
    name: Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_-]*\Z"), d("of a snapshot; never a path")] = ""
    reset: Annotated[Reset, d("of `reset`: how much is forgotten; `none` is refused")] = Reset.NEW
    stream: Annotated[
        str, Meta(max_length=64), d("the stream to reset, or to fork from; empty: all, or the only one")
    ] = ""
    to_stream: Annotated[str, Meta(max_length=64), d("of `fork`: the stream that goes on from a copy")] = ""
    nonce: Annotated[U64, d("any number; STATUS or ERROR that answers repeats it")] = 0


class Clock(Message, tag="CLOCK", frozen=True, kw_only=True):
    """Both ways: four time stamps give offset and round trip, as in NTP (RFC 5905 §8)."""

    session: Annotated[Hex32, d("from WELCOME")]
    t1_ns: Annotated[U64, d("engine sent, engine clock, nanoseconds")]
    t2_ns: Annotated[U64, d("renderer received, renderer clock, nanoseconds; 0 in the question")] = 0
    t3_ns: Annotated[U64, d("renderer sent, renderer clock, nanoseconds; 0 in the question")] = 0


class Status(Message, tag="STATUS", frozen=True, kw_only=True):
    """Renderer to engine: how it is doing."""

    session: Annotated[Hex32, d("from WELCOME")]
    state: Annotated[RendererState, d("`degraded`: it works, but `text` says what is wrong")]
    text: Annotated[Text, d("for a person: what is going on, and what to do if something is wrong")] = ""
    model: Annotated[str, Meta(max_length=64), d("name of the world model")] = ""
    runtime: Annotated[str, Meta(max_length=64), d("what runs the network")] = ""
    plates_per_s: Annotated[float, d("plates finished per second, over the last second")] = 0.0
    frame_age_ms: Annotated[dict[str, float], d("p50, p95, p99 over the last 256 plates, milliseconds")] = field(
        default_factory=dict
    )
    dispositions: Annotated[dict[str, int], d("frames by disposition since the session began")] = field(
        default_factory=dict
    )
    name: Annotated[str, Meta(max_length=64), d("`client` of the session's HELLO, for people")] = ""
    nonce: Annotated[U64, d("of the WORLD, OPERATOR, RECORD or MODEL that this answers; 0: nobody asked")] = 0
    take: Annotated[str, Meta(max_length=64), d("name of the take that the session is recorded into; empty: none")] = ""
    take_missed: Annotated[U64, d("frames that were shown and that the take lacks")] = 0
    memory: Annotated[
        dict[str, int],
        d("of the world's long memory, since the session began: fused, missed (views), restarts (of its process),"
          " evicted, forgotten, left_out, blocks, bytes; empty without one"),
    ] = field(default_factory=dict)  # fmt: skip
    gpu: Annotated[
        dict[str, int],
        d("of the GPU that serves, since the session began, whatever the transport: frames, host_to_device_bytes,"
          " device_to_host_bytes, allocations, cpu_waits; empty where none does"),
    ] = field(default_factory=dict)  # fmt: skip


class Ping(Message, tag="PING", frozen=True, kw_only=True):
    """Either way; the peer answers with the same nonce."""

    nonce: Annotated[U64, d("any number; the answer repeats it")]
    answer: Annotated[bool, d("true in the answer, which is not answered again")] = False


class Bye(Message, tag="BYE", frozen=True, kw_only=True):
    """Either way: the session is over."""

    session: Annotated[Hex32, d("from WELCOME")]
    reason: Annotated[Text, d("why, for a person")] = ""


class Error(Message, tag="ERROR", frozen=True, kw_only=True):
    """Renderer to engine: a message could not be taken. The session goes on unless `fatal`."""

    code: Annotated[Name, d("an error code of bridge/errors.py")]
    text: Annotated[Text, d("what is wrong: the value and the limit")]
    fix: Annotated[Text, d("the setting to change, or the thing to do")] = ""
    frame_id: Annotated[U64, d("the frame it is about; 0 = none; a frame answered by ERROR counts as dropped")] = 0
    stream: Annotated[str, Meta(max_length=64), d("the stream of that frame; empty when it is about none")] = ""
    fatal: Annotated[bool, d("true when the session is over")] = False
    nonce: Annotated[U64, d("of the WORLD, RECORD or MODEL that this answers; 0 when it had none")] = 0


class OperatorHello(Message, tag="OPERATOR", frozen=True, kw_only=True):
    """A person's tool to renderer: let me steer the sessions of engines. Answered by one STATUS per session, then one
    of session 0 for the renderer itself; or by REJECT."""

    protocol: Annotated[U32, d("the newest protocol version the tool speaks")] = PROTOCOL_VERSION
    protocol_oldest: Annotated[U32, d("the oldest it speaks")] = PROTOCOL_VERSION
    token: Annotated[str, Meta(max_length=64), d("from the connection file; compared in constant time")]
    client: Annotated[Name, d("tool name and version, for people")]
    nonce: Annotated[U64, d("any number; each STATUS that answers repeats it")] = 0


class Record(Message, tag="RECORD", frozen=True, kw_only=True):
    """Engine or operator to renderer: start or stop recording the session. Answered by STATUS or ERROR."""

    session: Annotated[Hex32, d("from WELCOME")]
    on: Annotated[bool, d("true starts a take, false ends it")]
    name: Annotated[
        str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_-]*\Z"), d("of the take, never a path; empty: date and time")
    ] = ""
    mark: Annotated[bool, d("whether the take is signed beside its file when it ends; false is written down")] = True
    nonce: Annotated[U64, d("any number; STATUS or ERROR that answers repeats it")] = 0


class UseModel(Message, tag="MODEL", frozen=True, kw_only=True):
    """Engine or operator to renderer: change over to another model, for every session. It is loaded while the old one
    serves; then every session is sent WELCOME again, with the same planes and the new model's controls. Answered by
    STATUS once it serves, of session 0 to an operator; or by ERROR, and then the old one goes on."""

    model: Annotated[
        str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]*\Z"),
        d("its name: built in, or of the renderer's models folder; never a path"),
    ]  # fmt: skip
    nonce: Annotated[U64, d("any number; STATUS or ERROR that answers repeats it")] = 0


AnyMessage = (
    Hello | Welcome | Reject | Planes | PlanesAck | Frame | Result | Release | SetControls
    | World | Clock | Status | Ping | Bye | Error | OperatorHello | Record | UseModel
)  # fmt: skip
