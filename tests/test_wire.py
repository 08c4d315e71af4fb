"""Messages survive the wire, and whatever is not a message is refused by name."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgpack
import msgspec
import numpy as np
import pytest

from bridge import wire
from bridge.errors import InvalidValue, LimitExceeded, MalformedMessage, ProtocolError, UnknownType
from bridge.schema import (
    AnyMessage,
    Bodies,
    Bye,
    Camera,
    Control,
    ControlType,
    Disposition,
    Frame,
    Hello,
    Lens,
    Limits,
    PixelFormat,
    PlaneLayout,
    PlaneName,
    PlaneOffer,
    Planes,
    Pose,
    RendererState,
    Result,
    SetControls,
    Status,
    Transport,
    Welcome,
    World,
    WorldOp,
)  # fmt: skip

ROOT = Path(__file__).parent.parent
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


def layout(**changes: object) -> PlaneLayout:
    values = {
        "name": PlaneName.COLOR, "format": PixelFormat.RGBA16F, "width": 8, "height": 4, "row_pitch_bytes": 64
    } | changes  # fmt: skip
    return PlaneLayout(**values)  # type: ignore[arg-type]


def planes(**changes: object) -> Planes:
    values = {
        "session": SESSION, "generation": 1, "segment": f"worldplate-{SESSION}", "segment_bytes": 4096,
        "slot_count": 4, "slot_bytes": 256, "planes": (layout(),), "outputs": (layout(name=PlaneName.PLATE),),
    } | changes  # fmt: skip
    return Planes(**values)  # type: ignore[arg-type]


def control(**changes: object) -> Control:
    values = {
        "name": "sky", "type": ControlType.CHOICE, "text": "Weather", "default": "day", "choices": ("day", "dusk")
    } | changes  # fmt: skip
    return Control(**values)  # type: ignore[arg-type]


def welcome(**changes: object) -> Welcome:
    values = {
        "session": SESSION, "model": "limn", "runtime": "torch cpu", "planes": (layout(),),
        "outputs": (layout(name=PlaneName.PLATE),), "transport": Transport.SHM, "controls": (control(),),
    } | changes  # fmt: skip
    return Welcome(**values)  # type: ignore[arg-type]


def tree_of(message: AnyMessage) -> dict[str, object]:
    tree: dict[str, object] = msgspec.to_builtins(message, builtin_types=(bytes,))
    return tree


@pytest.mark.parametrize(
    "message",
    [frame(), frame(bodies=bodies(44), controls={"a": 1, "b": "x"}), hello(), planes(), welcome()],
)
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
        (frame(bodies=bodies(2, ids=b"\1\0\0\0" * 2)), InvalidValue, "id twice"),
        (frame(bodies=bodies(1, ids=bytes(4))), InvalidValue, "id 0"),
        (frame(bodies=bodies(1, poses=b"\xff" * 56)), InvalidValue, "poses"),
        (frame(bodies=bodies(2, previous_poses=bytes(112))), InvalidValue, "previous_poses: .* row 0"),
        (frame(bodies=bodies(1, velocities=np.full(6, np.inf, "<f4").tobytes())), InvalidValue, "velocities"),
        (frame(bodies=bodies(1, velocities=np.full(6, 2e15, "<f4").tobytes())), InvalidValue, "velocities"),
        (
            frame(bodies=Bodies(contact_count=1, contact_ids=bytes(8), contact_points=b"\xff" * 16)),
            InvalidValue,
            "cont",
        ),
        (frame(bodies=Bodies(contact_count=2, contact_ids=bytes(8), contact_points=bytes(16))), InvalidValue, "16"),
        (frame(id=0), InvalidValue, "id is 0"),
        (frame(camera=camera(world_from_camera=Pose(position_m=(math.nan, 0.0, 0.0)))), InvalidValue, "position_m"),
        (
            frame(camera=camera(world_from_camera=Pose(orientation=(0.0, 0.0, 0.0, 0.0)))),
            InvalidValue,
            "orientation is of length 0",
        ),
        (frame(camera=camera(world_from_camera=Pose(orientation=(math.nan,) * 4))), InvalidValue, "orientation"),
        (frame(camera=camera(projection=(math.inf, *PROJECTION[1:]))), InvalidValue, "projection has the value inf"),
        (frame(camera=camera(projection=PROJECTION[:12] + PROJECTION[8:12])), InvalidValue, "singular"),
        (frame(camera=camera(jitter_px=(0.0, -math.inf))), InvalidValue, "jitter_px has the value -inf"),
        (frame(camera=camera(far_m=math.nan)), InvalidValue, "far_m nan"),
        (frame(camera=camera(lens=Lens(f_number=-1.0))), InvalidValue, "negative value -1"),
        (frame(planes=(layout(), layout())), InvalidValue, "'color' is there twice"),
        (frame(planes=(layout(width=0),)), InvalidValue, "color.width is 0"),
        (frame(controls={"": 1}), InvalidValue, "0 characters"),
        (frame(controls={"x" * 65: 1}), InvalidValue, "65 characters"),
        (frame(controls={"big": 2**63}), InvalidValue, "big"),
        (frame(camera=camera(projection=(0.0,) * 16)), InvalidValue, "singular"),
        (frame(camera=camera(near_m=2.0, far_m=1.0)), InvalidValue, "near"),
        (frame(controls={f"c{n}": 0 for n in range(65)}), LimitExceeded, "max_controls"),
        (frame(controls={"prompt": "x" * 1025}), LimitExceeded, "max_text"),
        (frame(controls={"sun": math.inf}), InvalidValue, "sun"),
        (hello(width=0), InvalidValue, "max_side_px"),
        (hello(width=100_000, height=100_000), LimitExceeded, "max_side_px"),
        (SetControls(session=SESSION, plate_near_m=math.nan), InvalidValue, "plate_near_m"),
        (SetControls(session=SESSION, plate_near_m=3.0, plate_far_m=2.0), InvalidValue, "near <= far"),
        (planes(slot_count=9), LimitExceeded, "max_slots"),
        (planes(segment_bytes=2**40), LimitExceeded, "max_shared_bytes"),
        (planes(segment_bytes=0), InvalidValue, "segment_bytes"),
        (planes(segment=f"worldplate-{SESSION}\n"), InvalidValue, r"\$.segment"),
        (planes(segment="../../etc/passwd"), InvalidValue, r"\$.segment"),
        (World(session=SESSION, op=WorldOp.SNAPSHOT, name="a\n"), InvalidValue, r"\$.name"),
        (Bye(session=SESSION + "\n"), InvalidValue, r"\$.session"),
        (welcome(limits=Limits(max_parts=0)), InvalidValue, r"\$.limits.max_parts"),
        (welcome(response_window_ms=math.nan), InvalidValue, "response_window_ms"),
        (welcome(controls=(control(),) * 65), LimitExceeded, "max_controls"),
        (welcome(controls=(control(), control())), InvalidValue, "control 'sky' is there twice"),
        (welcome(controls=(control(default="night"),)), InvalidValue, "none of its choices"),
        (welcome(controls=(control(minimum=2.0),)), InvalidValue, "minimum <= maximum"),
        (Result(session=SESSION, id=1, disposition=Disposition.DROPPED, age_ms=math.nan), InvalidValue, "age_ms"),
        (Status(session=SESSION, state=RendererState.READY, frame_age_ms={"p50": math.inf}), InvalidValue, "frame_age"),
    ],
)
def test_values_out_of_range_are_refused_by_name(message: AnyMessage, error: type[ProtocolError], named: str) -> None:
    with pytest.raises(error, match=named):
        wire.decode(wire.encode(message), LIMITS)


@pytest.mark.parametrize(
    "projection",
    [
        (2e-4, 0.0, 0.0, 0.0, 0.0, 2e-4, 0.0, 0.0, 0.0, 0.0, -2e-5, -1.0, 0.0, 0.0, 0.0, 1.0),  # orthographic, 10 km
        (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -2e-6, 0.0, 0.0, -1.0, 0.0),  # near 1 um, far infinite
        (1e4, 0.0, 0.1, 0.0, 0.0, 1e4, -0.1, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0),  # off axis, very long
    ],
)
def test_real_projections_are_not_taken_for_singular(projection: tuple[float, ...]) -> None:
    message = frame(camera=camera(projection=projection))
    assert wire.decode(wire.encode(message), LIMITS) == message


def test_as_many_bodies_as_the_limit_says_fit_into_a_message() -> None:
    full = bodies(
        LIMITS.max_objects,
        contact_count=LIMITS.max_objects,
        contact_ids=bytes(8 * LIMITS.max_objects),
        contact_points=bytes(16 * LIMITS.max_objects),
    )
    assert wire.decode(wire.encode(frame(bodies=full)), LIMITS) == frame(bodies=full)


def test_large_but_real_values_pass() -> None:
    poses = np.array([[9e14, 0, 9e14, 0, 0, 0, 1]], "<f8").tobytes()
    message = frame(bodies=bodies(1, poses=poses, previous_poses=poses))
    assert wire.decode(wire.encode(message), LIMITS) == message


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
        (msgpack.packb({"type": "PING", "nonce": 2**64 - 1}), InvalidValue),
        (msgpack.packb({b"type": "PING", "nonce": 1}), UnknownType),
        (msgpack.packb({1: "PING"}), MalformedMessage),
        (b"\x83\xa4type\xa4PING\xa5nonce\x01\xa5nonce\x02", MalformedMessage),  # a key twice
        (b"\x82\xa4type\xa4PING\xa5nonce\xc7\x00\x05", MalformedMessage),  # an empty extension
        (b"\x82\xa4type\xa4PING\xa5nonce\xd6\xff\x00\x00\x00\x00", MalformedMessage),  # a time stamp
        (b"\x81\xa4type\xa2\xff\xfe", MalformedMessage),  # not UTF-8
        (b"\xdc\x10\x00" + b"\x80" * 4096, LimitExceeded),  # a thousand maps
        (wire.encode(frame())[:-3], MalformedMessage),
        (wire.encode(frame()) + b"\0", MalformedMessage),
        (b"\xdd\xff\xff\xff\xff", MalformedMessage),
        (b"\xdf\xff\xff\xff\xff", MalformedMessage),
        (b"\x91" * 5000, LimitExceeded),
        (msgpack.packb({"type": msgpack.ExtType(1, b"x")}), MalformedMessage),
        (nested(16), LimitExceeded),
        (bytes(LIMITS.max_message_bytes + 1), LimitExceeded),
    ],
)
def test_what_is_not_a_message_is_refused(part: bytes, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        wire.decode(part, LIMITS)


def test_a_refusal_names_the_path_and_repeats_little_of_the_message() -> None:
    tree = tree_of(frame()) | {"reset": "\n\x1b[31m" + "x" * 5000}
    with pytest.raises(InvalidValue) as caught:
        wire.decode(msgpack.packb(tree), LIMITS)
    assert "$.reset" in caught.value.what
    assert len(caught.value.what) < 150
    assert caught.value.what.isprintable()


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


@pytest.mark.parametrize("change", [{"MSGPACK_PUREPYTHON": "1"}, {"WP_OLD": "1"}])
def test_a_slow_or_old_msgpack_is_refused_at_the_start(change: dict[str, str]) -> None:
    code = (
        "import os, msgpack\n"
        "msgpack.version = (1, 2, 3) if os.environ.get('WP_OLD') else msgpack.version\n"
        "from bridge.errors import MissingDependency\n"
        "try:\n    import bridge.wire\n"
        "except MissingDependency as error:\n    assert 'pip install' in error.fix\n    raise SystemExit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | change, check=False)
    assert done.returncode == 7


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
