"""Write the conformance vectors: `python -m tests.conformance.generate` from the repository's root.

NAME.msgpack holds the bytes of a header part, NAME.json what a reader must make of them: {"message": ...} with
binary fields as lower-case hex under {"hex": ...} and infinities as {"float": "inf"}, or {"error": code}.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import numpy as np

from bridge import wire
from bridge.schema import (
    AnyMessage,
    Bodies,
    Bye,
    Camera,
    Clock,
    Control,
    ControlType,
    Disposition,
    Error,
    Frame,
    Hello,
    LatePolicy,
    Lens,
    Limits,
    OperatorHello,
    Ping,
    PixelFormat,
    PlaneLayout,
    PlaneName,
    PlaneOffer,
    Planes,
    PlanesAck,
    Pose,
    Record,
    Reject,
    Release,
    RendererState,
    Reset,
    Result,
    SetControls,
    Status,
    SyncMode,
    Timecode,
    Transport,
    UseModel,
    Welcome,
    World,
    WorldOp,
)

FOLDER = Path(__file__).parent
SESSION = "0123456789abcdef" * 2
COLOR = PlaneLayout(name=PlaneName.COLOR, format=PixelFormat.RGBA16F, width=8, height=4, row_pitch_bytes=64)
DEPTH = PlaneLayout(
    name=PlaneName.DEPTH, format=PixelFormat.R32F, width=8, height=4, row_pitch_bytes=32, offset_bytes=256
)
PLATE = PlaneLayout(
    name=PlaneName.PLATE, format=PixelFormat.RGBA16F, width=8, height=4, row_pitch_bytes=64, offset_bytes=384
)
PROJECTION = (0.97, 0.0, 0.0, 0.0, 0.0, 1.73, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)
OFFER = PlaneOffer(name=PlaneName.COLOR, formats=(PixelFormat.RGBA16F, PixelFormat.RGBA32F))


def camera() -> Camera:
    return Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=PROJECTION)


def filled_camera() -> Camera:
    return Camera(
        world_from_camera=Pose(position_m=(1.0, 2.0, 3.0), orientation=(0.0, 0.6, 0.0, 0.8)),
        previous_world_from_camera=Pose(position_m=(0.9, 2.0, 3.0)),
        projection=PROJECTION,
        jitter_px=(0.25, -0.125),
        near_m=0.05,
        far_m=math.inf,
        lens=Lens(focal_length_mm=35.0, sensor_width_mm=36.0, f_number=2.8, focus_distance_m=4.5),
    )


def far_out_camera() -> Camera:
    """Each number is within the limit of 1e15, though the length of the three is not."""
    pose = Pose(position_m=(9e14, -9e14, 9e14))
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=PROJECTION)


def filled_bodies() -> Bodies:
    poses = np.array([[1, 2, 3, 0, 0, 0, 1], [-4, 5.5, 6, 0, 0.6, 0, 0.8]], "<f8").tobytes()
    return Bodies(
        count=2, ids=np.array([7, 4_000_000_000], "<u4").tobytes(), labels=bytes([6, 10]), poses=poses,
        previous_poses=poses, velocities=np.arange(12, dtype="<f4").tobytes(), contact_count=1,
        contact_ids=np.array([7, 1], "<u4").tobytes(), contact_points=np.array([0, 1, 2, 9.81], "<f4").tobytes(),
    )  # fmt: skip


def messages() -> dict[str, AnyMessage]:
    """One message of every type as small as it may be, and one with everything in it."""
    return {**opening_messages(), **frame_messages(), **other_messages()}


def opening_messages() -> dict[str, AnyMessage]:
    """HELLO to PLANES_ACK."""
    hello = {"token": "t", "client": "conformance", "width": 8, "height": 4, "planes": (OFFER,)}
    welcome = {"session": SESSION, "model": "limn", "runtime": "torch cpu", "planes": (COLOR,), "outputs": (PLATE,)}
    ring = {
        "session": SESSION, "generation": 1, "segment": f"worldplate-{SESSION}", "segment_bytes": 1 << 20,
        "slot_count": 4, "slot_bytes": 640,
    }  # fmt: skip
    control = Control(name="sky", type=ControlType.CHOICE, text="Weather", default="day", choices=("day", "dusk"))
    number = Control(name="sun", type=ControlType.NUMBER, text="Sun", default=1.5, unit="deg", maximum=90.0)
    return {
        "hello": Hello(**hello, transports=(Transport.INLINE,)),  # type: ignore[arg-type]
        "hello-filled": Hello(
            **hello, transports=(Transport.CUDA, Transport.SHM, Transport.INLINE), engine="Godot 4.6", pid=4321,  # type: ignore[arg-type]
            device=SESSION, sync=SyncMode.DELAYED, delay_frames=2, late=LatePolicy.FADE, seed=2**63 - 1,
            protocol=3, protocol_oldest=2,
        ),
        "welcome": Welcome(**welcome, transport=Transport.SHM),  # type: ignore[arg-type]
        "welcome-filled": Welcome(
            **welcome, transport=Transport.INLINE, transport_reason="no shared memory", controls=(control, number),  # type: ignore[arg-type]
            sync=SyncMode.OFFLINE, late=LatePolicy.HOLD, response_window_ms=33.5, licence="Apache-2.0",
            protocol=2, delay_frames=3, limits=Limits(max_objects=100), heartbeat_ms=50, stall_ms=250, chunk_frames=4,
            models=("limn", "sd-turbo_depth"),
        ),
        "reject": Reject(code="bad_token", text="the token is not this renderer's", fix="Read it anew."),
        "planes": Planes(**ring, planes=(COLOR,), outputs=(PLATE,)),  # type: ignore[arg-type]
        "planes-filled": Planes(**ring, planes=(COLOR, DEPTH), outputs=(PLATE,)),  # type: ignore[arg-type]
        "planes_ack": PlanesAck(session=SESSION, generation=1, ok=True),
        "planes_ack-filled": PlanesAck(session=SESSION, generation=2, ok=False, code="ring_corrupt", text="magic"),
    }  # fmt: skip


def frame_messages() -> dict[str, AnyMessage]:
    """FRAME and RESULT."""
    return {
        "frame": Frame(session=SESSION, id=1, capture_ns=1, camera=camera()),
        "frame-filled": Frame(
            session=SESSION, id=2**53, stream="left eye", generation=3, slot=2, planes=(COLOR, DEPTH),
            capture_ns=123_456_789_012, deadline_ns=123_490_000_000, timecode=Timecode(hours=10, minutes=1, frames=23),
            camera=filled_camera(), bodies=filled_bodies(), seed=9, reset=Reset.TELEPORT, ready_value=41,
            controls={"on": True, "steps": 3, "sun": -1.5, "prompt": "Dämmerung 🌇"},
        ),
        "frame-far-out": Frame(session=SESSION, id=1, capture_ns=1, camera=far_out_camera()),
        "result": Result(session=SESSION, id=1, disposition=Disposition.GENERATED),
        "result-filled": Result(
            session=SESSION, id=2, stream="left eye", generation=3, slot=1, disposition=Disposition.DROPPED,
            reason="superseded by frame 3", camera=filled_camera(), capture_ns=5, age_ms=12.25,
            stages_ms={"ingest": 0.5, "generate": 8.0}, outputs=(PLATE,), host_bytes_copied=7, model="limn",
            runtime="torch cpu", done_value=42,
        ),
    }  # fmt: skip


def other_messages() -> dict[str, AnyMessage]:
    """What a session says between frames."""
    return {
        "release": Release(session=SESSION, generation=1),
        "control": SetControls(session=SESSION),
        "control-filled": SetControls(
            session=SESSION, from_id=12, values={"sky": "dusk"}, engine_objects=(1, 2**32 - 1), engine_labels=(0, 255),
            plate_near_m=0.5, plate_far_m=math.inf,
        ),
        "world": World(session=SESSION, op=WorldOp.RESET),
        "world-filled": World(
            session=SESSION, op=WorldOp.FORK, name="before_the-storm", reset=Reset.CUT, stream="main",
            to_stream="what if", nonce=2**63 - 1,
        ),
        "clock": Clock(session=SESSION, t1_ns=1),
        "clock-filled": Clock(session=SESSION, t1_ns=1, t2_ns=2, t3_ns=3),
        "status": Status(session=SESSION, state=RendererState.LOADING),
        "status-filled": Status(
            session=SESSION, state=RendererState.RUNNING, text="all well", model="limn", runtime="torch cpu",
            plates_per_s=24.0, frame_age_ms={"p50": 60.0}, dispositions={"generated": 240}, name="Godot 4.6",
            nonce=7, take="scene-4_take-2", take_missed=3, memory={"fused": 120}, gpu={"frames": 9},
        ),
        "ping": Ping(nonce=1),
        "ping-filled": Ping(nonce=2**63 - 1, answer=True),
        "bye": Bye(session=SESSION),
        "bye-filled": Bye(session=SESSION, reason="the editor was closed"),
        "error": Error(code="malformed_message", text="not msgpack"),
        "error-filled": Error(
            code="limit_exceeded", text="bodies.count is 1e+06", fix="Send less.", frame_id=8, stream="main",
            fatal=True, nonce=9,
        ),
        "operator": OperatorHello(token="t", client="conformance"),
        "operator-filled": OperatorHello(token="t", client="worldplate record", protocol=3, protocol_oldest=2, nonce=5),
        "model": UseModel(model="limn"),
        "model-filled": UseModel(model="sd-turbo_depth", nonce=9),
        "record": Record(session=SESSION, on=False),
        "record-filled": Record(session=SESSION, on=True, name="scene-4_take-2", mark=False, nonce=9),
    }  # fmt: skip


def refused() -> dict[str, tuple[bytes, str]]:
    """Bytes that are no message, with the code of the error."""
    frame = tree_of(messages()["frame-filled"])
    whole = msgpack.packb(frame)
    far_out = {"position_m": [0.0, 0.0, -2e15]}
    return {
        "bad-truncated": (whole[: len(whole) // 2], "malformed_message"),
        "bad-empty": (b"", "malformed_message"),
        "bad-trailing": (whole + b"\xc0", "malformed_message"),
        "bad-not-a-map": (msgpack.packb([1, 2, 3]), "malformed_message"),
        "bad-wrong-type": (msgpack.packb(frame | {"id": "one"}), "malformed_message"),
        "bad-missing-field": (msgpack.packb({k: v for k, v in frame.items() if k != "camera"}), "malformed_message"),
        "bad-unknown-type": (msgpack.packb(frame | {"type": "DREAM"}), "unknown_type"),
        "bad-million-bodies": (msgpack.packb(frame | {"bodies": {"count": 1_000_000}}), "limit_exceeded"),
        "bad-blob-length": (msgpack.packb(frame | {"bodies": {"count": 1, "ids": b"123"}}), "invalid_value"),
        "bad-nan-pose": (
            msgpack.packb(frame | {"camera": frame["camera"] | {"world_from_camera": {"position_m": [math.nan] * 3}}}),
            "invalid_value",
        ),
        "bad-far-out-pose": (
            msgpack.packb(frame | {"camera": frame["camera"] | {"world_from_camera": far_out}}),
            "invalid_value",
        ),
        "bad-singular-projection": (
            msgpack.packb(frame | {"camera": frame["camera"] | {"projection": [0.0] * 16}}), "invalid_value",
        ),
        "bad-size": (msgpack.packb(tree_of(messages()["hello"]) | {"width": 100_000}), "limit_exceeded"),
        "bad-no-pixels": (msgpack.packb(tree_of(messages()["hello"]) | {"height": 0}), "invalid_value"),
        "bad-depth": (b"\x82\xa4type\xa4PING\xa5nonce" + b"\x91" * 100 + b"\xc0", "limit_exceeded"),
        "bad-array-of-maps": (b"\xdc\x10\x00" + b"\x80" * 4096, "limit_exceeded"),
        "bad-key-twice": (b"\x83\xa4type\xa4PING\xa5nonce\x01\xa5nonce\x02", "malformed_message"),
        "bad-extension": (b"\x82\xa4type\xa4PING\xa5nonce\xd4\x01\x00", "malformed_message"),
        "bad-utf-8": (b"\x82\xa4type\xa4PING\xa5nonce\xa2\xff\xfe", "malformed_message"),
        "bad-negative": (msgpack.packb(frame | {"id": -1}), "invalid_value"),
        "bad-newline-in-session": (msgpack.packb(frame | {"session": SESSION + "\n"}), "invalid_value"),
        "bad-id-zero": (msgpack.packb(frame | {"bodies": frame["bodies"] | {"ids": bytes(8)}}), "invalid_value"),
        "bad-huge-array": (b"\xdd\xff\xff\xff\xff", "malformed_message"),
        "bad-path-in-segment": (
            msgpack.packb(tree_of(messages()["planes"]) | {"segment": "../../etc/passwd"}), "invalid_value",
        ),
        "bad-path-in-model": (
            msgpack.packb(tree_of(messages()["model-filled"]) | {"model": "/tmp/own.py:Model"}), "invalid_value",
        ),
        "bad-path-in-snapshot": (
            msgpack.packb(tree_of(messages()["world-filled"]) | {"name": "../storm"}), "invalid_value",
        ),
    }  # fmt: skip


def tree_of(message: AnyMessage) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.to_builtins(message, builtin_types=(bytes,))
    return tree


def as_json(value: Any) -> Any:
    """A tree as JSON can hold it: bytes as {"hex": ...}, infinities as {"float": "inf"}."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, float) and math.isinf(value):
        return {"float": "inf" if value > 0 else "-inf"}
    return value


def vectors() -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Every vector by name: its bytes and its JSON."""
    made = {
        name: (wire.encode(message), {"message": as_json(tree_of(message))}) for name, message in messages().items()
    }
    for name in ("frame", "hello", "result"):
        tree = tree_of(messages()[name])
        later = msgpack.packb(tree | {"a_field_of_tomorrow": {"deep": [1, "two", None, b"3"]}})
        made[f"{name}-unknown-field"] = (later, {"message": as_json(tree)})
    return made | {name: (data, {"error": code}) for name, (data, code) in refused().items()}


def main() -> None:
    for name, (data, twin) in vectors().items():
        (FOLDER / f"{name}.msgpack").write_bytes(data)
        (FOLDER / f"{name}.json").write_text(json.dumps(twin, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
