"""Messages survive the wire, and whatever is not a message is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgpack
import msgspec
import numpy as np
import pytest

from bridge import wire
from bridge.errors import InvalidValue, LimitExceeded, MalformedMessage, ProtocolError, UnknownType
from bridge.schema import (
    AnyMessage,
    Bodies,
    Camera,
    Frame,
    Hello,
    Limits,
    PixelFormat,
    PlaneName,
    PlaneOffer,
    Pose,
    SetControls,
    Transport,
)

SESSION = "0" * 32
PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.7, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)
LIMITS = Limits()


def camera(**changes: object) -> Camera:
    values = {"world_from_camera": Pose(), "previous_world_from_camera": Pose(), "projection": PROJECTION} | changes
    return Camera(**values)  # type: ignore[arg-type]


def bodies(count: int, **changes: object) -> Bodies:
    poses = np.tile(np.array([0, 0, 0, 0, 0, 0, 1], "<f8"), (count, 1)).tobytes()
    values = {
        "count": count, "ids": np.arange(1, count + 1, dtype="<u4").tobytes(), "labels": bytes(count),
        "poses": poses, "previous_poses": poses, "velocities": bytes(24 * count),
    } | changes  # fmt: skip
    return Bodies(**values)  # type: ignore[arg-type]


def frame(**changes: object) -> Frame:
    values = {"session": SESSION, "id": 1, "capture_ns": 1, "camera": camera()} | changes
    return Frame(**values)  # type: ignore[arg-type]


def hello(**changes: object) -> Hello:
    offers = (PlaneOffer(name=PlaneName.COLOR, formats=(PixelFormat.RGBA16F,)),)
    values = {
        "token": "t", "client": "c", "width": 4, "height": 4, "planes": offers, "transports": (Transport.SHM,)
    } | changes  # fmt: skip
    return Hello(**values)  # type: ignore[arg-type]


def tree_of(message: AnyMessage) -> dict[str, object]:
    tree: dict[str, object] = msgspec.to_builtins(message, builtin_types=(bytes,))
    return tree


@pytest.mark.parametrize("message", [frame(), frame(bodies=bodies(44), controls={"a": 1, "b": "x"}), hello()])
def test_a_message_comes_back_as_it_was(message: AnyMessage) -> None:
    assert wire.decode(wire.encode(message), LIMITS) == message


def test_fields_of_a_later_version_are_ignored() -> None:
    tree = tree_of(frame()) | {"a_field_of_tomorrow": [1, 2, {"x": None}]}
    assert wire.decode(msgpack.packb(tree), LIMITS) == frame()


@pytest.mark.parametrize(
    ("message", "error", "named"),
    [
        (frame(bodies=Bodies(count=1_000_000)), LimitExceeded, "max_objects"),
        (frame(bodies=bodies(2, labels=b"\0")), InvalidValue, "labels"),
        (frame(bodies=bodies(2, ids=bytes(8))), InvalidValue, "id twice"),
        (frame(bodies=bodies(1, poses=b"\xff" * 56)), InvalidValue, "poses"),
        (frame(camera=camera(world_from_camera=Pose(position_m=(math.nan, 0.0, 0.0)))), InvalidValue, "position_m"),
        (frame(camera=camera(world_from_camera=Pose(orientation=(0.0, 0.0, 0.0, 0.0)))), InvalidValue, "unit length"),
        (frame(camera=camera(projection=(0.0,) * 16)), InvalidValue, "singular"),
        (frame(camera=camera(near_m=2.0, far_m=1.0)), InvalidValue, "near"),
        (frame(controls={f"c{n}": 0 for n in range(65)}), LimitExceeded, "max_controls"),
        (frame(controls={"prompt": "x" * 1025}), LimitExceeded, "max_text"),
        (frame(controls={"sun": math.inf}), InvalidValue, "sun"),
        (hello(width=0), InvalidValue, "width"),
        (hello(width=100_000, height=100_000), LimitExceeded, "max_side_px"),
        (SetControls(session=SESSION, plate_near_m=math.nan), InvalidValue, "plate_near_m"),
    ],
)
def test_values_out_of_range_are_refused_by_name(message: AnyMessage, error: type[ProtocolError], named: str) -> None:
    with pytest.raises(error, match=named):
        wire.decode(wire.encode(message), LIMITS)


def test_infinite_far_planes_are_allowed() -> None:
    message = frame(camera=camera(far_m=math.inf))
    assert wire.decode(wire.encode(message), LIMITS) == message


def nested(depth: int) -> bytes:
    head: bytes = msgpack.packb({"type": "PING", "nonce": 1, "x": None})[:-1]
    return head + b"\x91" * depth + b"\xc0"


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (b"", MalformedMessage),
        (b"\xc1", MalformedMessage),
        (msgpack.packb([1, 2]), MalformedMessage),
        (msgpack.packb({"type": "NONSENSE"}), UnknownType),
        (msgpack.packb({"no": "type"}), UnknownType),
        (msgpack.packb({"type": ["FRAME"]}), UnknownType),
        (msgpack.packb({"type": "PING"}), MalformedMessage),
        (msgpack.packb({"type": "PING", "nonce": "one"}), MalformedMessage),
        (msgpack.packb({"type": "PING", "nonce": 2**64 - 1}), MalformedMessage),
        (wire.encode(frame())[:-3], MalformedMessage),
        (wire.encode(frame()) + b"\0", MalformedMessage),
        (b"\xdd\xff\xff\xff\xff", MalformedMessage),
        (b"\xdf\xff\xff\xff\xff", MalformedMessage),
        (b"\x91" * 5000, MalformedMessage),
        (msgpack.packb({"type": msgpack.ExtType(1, b"x")}), MalformedMessage),
        (nested(16), LimitExceeded),
        (bytes(LIMITS.max_message_bytes + 1), LimitExceeded),
    ],
)
def test_what_is_not_a_message_is_refused(part: bytes, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        wire.decode(part, LIMITS)


def test_nesting_up_to_the_limit_passes() -> None:
    assert wire.decode(nested(15), LIMITS)


@pytest.mark.parametrize(
    ("parts", "error"),
    [([], MalformedMessage), ([b""] * 17, LimitExceeded), ([b"", bytes(11)], LimitExceeded)],
)
def test_parts_are_bounded_in_number_and_in_all(parts: list[bytes], error: type[ProtocolError]) -> None:
    limits = Limits(max_frame_bytes=10)
    with pytest.raises(error):
        wire.check_parts(parts, limits)
    wire.check_parts([b"header", bytes(10)], limits)


def test_every_refusal_says_what_to_do() -> None:
    refusals: list[Callable[[], object]] = [
        lambda: wire.decode(b"", LIMITS),
        lambda: wire.decode(wire.encode(hello(width=0)), LIMITS),
        lambda: wire.check_parts([], LIMITS),
    ]
    for refuse in refusals:
        with pytest.raises(ProtocolError) as caught:
            refuse()
        assert caught.value.fix
