"""The native client against the real renderer: what is shown, what it is called, and what survives."""

from __future__ import annotations

import contextlib
import ctypes as ct
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import native_client
import numpy as np
import pytest
from native_client import (
    PLATE_ARRIVED,
    STRUCTS,
    BodyMotion,
    BodyStruct,
    ContactStruct,
    NativeClient,
    NativeError,
    Picture,
    Reprojection,
    TimecodeStruct,
    library,
    pose,
)
from segments import left_behind, mapped, unmapped

from bridge.poses import pose_matrix
from bridge.schema import Disposition, LatePolicy, SyncMode
from renderer.process import RendererProcess

HEADER = Path(__file__).parent.parent / "plugins/native/include/worldplate.h"


@pytest.fixture(scope="module")
def passthrough() -> Iterator[RendererProcess]:
    library()
    with RendererProcess("passthrough") as renderer:
        renderer.wait_until_ready()
        yield renderer


def disposition(picture: Picture) -> Disposition:
    return list(Disposition)[int(picture.disposition)]


def show(client: NativeClient, value: float) -> tuple[int, Picture]:
    """A frame that is submitted, waited for and presented."""
    frame_id = client.begin()
    client.submit(frame_id, client.pixels(value))
    client.wait(frame_id)
    return frame_id, client.present()


def test_the_mirror_of_the_structs_is_that_of_the_header(tmp_path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    bodies = dict(re.findall(r"typedef struct (wp_\w+) \{(.*?)\}", text, re.DOTALL))
    assert bodies.keys() == STRUCTS.keys()
    places: dict[str, str] = {}
    for name, body in bodies.items():
        fields = [word for line in body.split(";") for word in re.findall(r"(\w+)(?:\[.*?\])*(?=\s*,|\s*$)", line)]
        places |= {f"{name}.{field}": f"offsetof({name}, {field})" for field in fields} | {name: f"sizeof({name})"}
    prints = "".join(f'printf("{name} %zu\\n", {place});' for name, place in places.items())
    source = f'#include <stdio.h>\n#include "{HEADER}"\nint main(void) {{ {prints} return 0; }}'
    subprocess.run(["gcc", "-x", "c", "-", "-o", tmp_path / "places"], input=source, text=True, check=True)
    printed = subprocess.run([tmp_path / "places"], capture_output=True, text=True, check=True).stdout
    mirror = {name: ct.sizeof(kind) for name, kind in STRUCTS.items()}
    mirror |= {
        f"{n}.{field[0]}": getattr(kind, field[0]).offset for n, kind in STRUCTS.items() for field in kind._fields_
    }
    assert {name: int(place) for name, place in map(str.split, printed.splitlines())} == mirror
    codes = re.findall(r"X\((\w+), \"", HEADER.read_text())
    assert tuple(codes) == native_client.CODES


def test_a_plate_of_passthrough_is_the_color_bit_for_bit(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder, 61, 35) as client:
        client.until("attached")
        pixels = client.pixels(0.0)
        rng = np.random.default_rng(1)
        color = rng.gamma(1.0, 1.0, (35, 61, 4)).astype(np.float16)
        pixels[: color.nbytes] = color.view(np.uint8).ravel()
        frame_id = client.begin()
        client.submit(frame_id, pixels)
        client.wait(frame_id)
        picture = client.present()
        assert (picture.target_id, picture.plate_id) == (frame_id, frame_id)
        assert disposition(picture) is Disposition.GENERATED
        np.testing.assert_array_equal(client.plate(picture)[..., :3], color[..., :3])
        assert client.status.model == b"passthrough"


def test_a_plate_is_handed_over_before_it_can_be_shown(passthrough: RendererProcess) -> None:
    """On the worker's thread, whole, once for every plate."""
    arrived: dict[int, bytes] = {}
    threads = set()

    def take(_: int, frame_id: int, pixels: int, width: int, height: int, pitch_bytes: int) -> None:
        assert (width, height, pitch_bytes) == (61, 35, 61 * 8)
        threads.add(threading.get_native_id())
        arrived[frame_id] = ct.string_at(pixels, height * pitch_bytes)

    callback = PLATE_ARRIVED(take)  # as long as the client
    with NativeClient(passthrough.folder, 61, 35, plate_arrived=callback) as client:
        client.until("attached")
        for level in range(1, 6):
            pixels = client.pixels(float(level))
            frame_id = client.begin()
            client.submit(frame_id, pixels)
            client.wait(frame_id)
            picture = client.present()
            assert arrived[picture.plate_id] == client.plate(picture).tobytes()
        assert len(arrived) == 5
    assert len(threads) == 1
    assert threading.get_native_id() not in threads


def test_a_frame_written_into_its_slot_is_not_copied(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder) as client:
        client.until("attached")
        frame_id = client.begin()
        address, pixels = client.slot(frame_id)[0], client.pixels(0.75)
        ct.memmove(ct.c_void_p(address), pixels.ctypes.data, 64 * 36 * 8)
        client.submit_slot(frame_id)
        client.wait(frame_id)
        assert (client.plate(client.present())[..., 0] == 0.75).all()
        assert client.status.host_bytes_copied == 0


def test_freerun_carries_the_newest_plate_to_the_frame_on_the_screen(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder) as client:
        client.until("attached")
        first, _ = show(client, 0.5)
        later = client.begin((0.1, 0.0, 0.0))
        picture = client.present()
        assert (picture.target_id, picture.plate_id) == (later, first)
        assert disposition(picture) is Disposition.REPROJECTED
        assert picture.age_ms >= picture.state_age_ms
        assert (client.plate(picture)[..., 0] == 0.5).all()


def test_nothing_from_before_a_reset_is_shown_after_it(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder) as client:
        client.until("attached")
        show(client, 0.5)
        cut = client.begin(reset=1)
        picture = client.present()
        assert (picture.target_id, picture.plate_id) == (cut, 0)
        assert disposition(picture) is Disposition.PASSTHROUGH
        assert b"since the last reset" in picture.reason


def test_delayed_shows_whole_frames_of_before(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder, sync=SyncMode.DELAYED, delay_frames=2) as client:
        client.until("attached")
        shown = []
        for number in range(1, 8):
            frame_id = client.begin()
            client.submit(frame_id, client.pixels(number / 8))
            client.wait(frame_id)
            picture = client.present()
            if picture.target_id:
                shown.append((picture.target_id, float(client.plate(picture)[0, 0, 0])))
        assert shown == [(frame_id, frame_id / 8) for frame_id in range(1, 6)]
        assert client.counts()[Disposition.GENERATED] == 5


def test_hold_lets_the_older_picture_stay(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder, late=LatePolicy.HOLD) as client:
        client.until("attached")
        show(client, 0.5)
        client.begin()
        assert client.present().target_id == 0
        assert client.status.repeated == 1


def test_fade_goes_to_the_engines_own_picture(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder, late=LatePolicy.FADE) as client:
        client.until("attached")
        show(client, 0.5)
        strengths = []
        for _ in range(11):
            client.begin()
            strengths.append(round(client.present().strength, 3))
        assert strengths == [1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0, 0.0]


def test_without_a_renderer_the_engines_own_picture_is_shown_and_every_frame_counted(tmp_path: Path) -> None:
    with NativeClient(tmp_path) as client:
        for _ in range(100):
            client.begin()
            assert disposition(client.present()) is Disposition.PASSTHROUGH
        assert client.counts()[Disposition.PASSTHROUGH] == 100
        with pytest.raises(NativeError, match="NO_RENDERER"):
            client.submit(client.begin(), client.pixels(0.0))


def test_a_killed_renderer_is_left_at_once_and_the_next_one_attached_to() -> None:
    with tempfile.TemporaryDirectory(prefix="wp-") as name:
        folder = Path(name)
        folder.chmod(0o700)
        with serving(folder) as first, NativeClient(folder) as client:
            client.until("attached")
            show(client, 0.5)
            first.send_signal(signal.SIGKILL)
            first.wait()
            client.until("searching", 2.0)
            client.begin()
            assert disposition(client.present()) is Disposition.PASSTHROUGH
            with serving(folder):
                client.until("attached")
                assert disposition(show(client, 0.25)[1]) is Disposition.GENERATED
                assert client.status.session_count == 2
            assert sum(client.counts().values()) == client.status.begun


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A renderer in a folder that outlives it."""
    command = [sys.executable, "-m", "renderer.cli", "serve", "--model", "passthrough", "--runtime-dir", str(folder)]
    renderer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield renderer
    finally:
        renderer.kill()
        renderer.wait()


def test_a_resize_opens_a_ring_of_the_new_size(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder) as client:
        client.until("attached")
        show(client, 0.5)
        client._check(client.lib.wp_resize(client.handle, 33, 17))
        client.size = (33, 17)
        end_s = time.monotonic() + 10
        while client.status.session_count < 2 and time.monotonic() < end_s:
            time.sleep(0.002)
        _, picture = show(client, 0.25)
        assert (picture.width, picture.height) == (33, 17)
        assert (client.plate(picture)[..., 0] == 0.25).all()


def test_what_is_wrong_is_refused_with_the_value(passthrough: RendererProcess) -> None:
    lib = library()
    assert lib.wp_present(ct.c_uint32(12345), ct.byref(Picture())) == native_client.CODES.index("NO_CLIENT")
    wrong: tuple[tuple[str, Any, str], ...] = (
        ("width", 0, "0x36"), ("height", 9000, "9000"), ("slot_count", 2, "2"), ("delay_frames", 9, "9"),
        ("frames_in_flight", 5, "5"), ("abi_version", 99, "header"),
        ("sync", SyncMode.GENLOCKED, "genlocked"),
    )  # fmt: skip
    for setting, value, text in wrong:
        with pytest.raises(NativeError, match=text):
            NativeClient(passthrough.folder, **{setting: value})
    with NativeClient(passthrough.folder) as client:
        client.until("attached")
        with pytest.raises(NativeError, match=r"BAD_ARGUMENT.*finite"):
            client.begin((float("nan"), 0.0, 0.0))
        with pytest.raises(NativeError, match="wp_layout"):
            client.submit(client.begin(), np.zeros(10, np.uint8))
        with pytest.raises(NativeError, match="NO_FRAME"):
            client.submit(999, client.pixels(0.0))
        with pytest.raises(NativeError, match="NO_CONTROL"):
            client.set_number("nonsense", 1.0)


def test_a_frame_that_the_renderer_would_refuse_is_refused_by_name(tmp_path: Path) -> None:
    nan, still = float("nan"), {"world_from_body": pose(), "previous_world_from_body": pose()}
    one = BodyStruct(id=1, **still)
    bodies: tuple[tuple[BodyStruct, str], ...] = (
        (BodyStruct(id=0, **still), r"bodies\[1\] has the id 0"),
        (BodyStruct(id=1, **still), "bodies has the id 1 twice"),
        (
            BodyStruct(**{**still, "world_from_body": pose((0, nan, 0))}, id=2),
            r"bodies\[1\].world_from_body.position_m",
        ),
        (BodyStruct(**{**still, "previous_world_from_body": pose(turn=(0, 0, 0, 2))}, id=2), "of length 2"),
        (BodyStruct(id=2, **still, velocity_m_s=(0, 0, nan)), r"bodies\[1\].velocity_m_s"),
        (
            BodyStruct(id=2, **still, angular_velocity_rad_s=(float("inf"), 0, 0)),
            "angular_velocity_rad_s has the value inf",
        ),
    )
    contacts = (
        (ContactStruct((1, 2), (0, nan, 0), 1), r"contacts\[0\].point_m"),
        (ContactStruct((1, 2), (0, 0, 0), -1), r"contacts\[0\].normal_force_n is -1"),
        (ContactStruct((1, 2), (0, 0, 0), nan), r"contacts\[0\].normal_force_n is nan"),
    )
    times = (
        (TimecodeStruct(24, 0, 0, 0, 0, 24, 1), "timecode.hours is 24: use 0..23"),
        (TimecodeStruct(0, 0, 0, 0, 0, 24, 0), "timecode.rate_denominator is 0"),
    )
    with NativeClient(tmp_path) as client:
        for body, text in bodies:
            with pytest.raises(NativeError, match=text):
                client.begin(bodies=(one, body))
        for contact, text in contacts:
            with pytest.raises(NativeError, match=text):
                client.begin(contacts=ct.pointer(contact), contact_count=1)
        for timecode, text in times:
            with pytest.raises(NativeError, match=text):
                client.begin(timecode=ct.pointer(timecode))
        wrong: dict[str, Any] = {"seed": 2**63, "capture_ns": 2**63, "reset": 9}
        for name, value in wrong.items():
            with pytest.raises(NativeError, match=name):
                client.begin(**{name: value})
        singular = native_client.CameraStruct(pose(), pose(), (0.0,) * 16, (0, 0), 0.1, 100.0)
        with pytest.raises(NativeError, match="projection is singular"):
            client.begin(camera=singular)
        assert client.begin() == 1  # what was refused has no id


def test_points_are_carried_as_the_poses_say(tmp_path: Path) -> None:
    half = 0.5**0.5
    with NativeClient(tmp_path) as client:
        there = BodyStruct(id=7, world_from_body=pose((1, 2, 3)), previous_world_from_body=pose((1, 2, 3)))
        source = client.begin((1000.0, 2.0, 0.0), bodies=(there,))
        turned = pose((4, 2, 3), (0, half, 0, half))
        new = BodyStruct(id=9, world_from_body=pose(), previous_world_from_body=pose())
        here = BodyStruct(id=7, world_from_body=turned, previous_world_from_body=turned)
        target = client.begin((1000.5, 2.0, 0.0), bodies=(new, here))
        data, motions, count = Reprojection(), (BodyMotion * 4)(), ct.c_uint32(4)
        ids = ct.c_uint64(target), ct.c_uint64(source)
        client._check(client.lib.wp_reprojection(client.handle, *ids, ct.byref(data)))
        client._check(client.lib.wp_body_motions(client.handle, *ids, motions, ct.byref(count)))
        static = np.array(data.source_view_from_target_view).reshape(4, 4)
        np.testing.assert_allclose(static @ [0, 0, -5, 1], [0.5, 0, -5, 1], atol=1e-6)
        assert [(m.id, m.known) for m in motions[: count.value]] == [(7, 1), (9, 0)]
        view = np.linalg.inv(pose_matrix(np.array([1000.0, 2, 0, 0, 0, 0, 1])))
        before, now = (1.0, 2, 3, 0, 0, 0, 1), (4.0, 2, 3, 0, half, 0, half)
        back = pose_matrix(np.array(before)) @ np.linalg.inv(pose_matrix(np.array(now)))
        expected = view @ back @ pose_matrix(np.array([1000.5, 2, 0, 0, 0, 0, 1]))
        np.testing.assert_allclose(np.array(motions[0].source_view_from_target_view).reshape(4, 4), expected, atol=1e-4)


def test_a_hundred_clients_leave_nothing_behind(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder) as client:
        client.until("attached")
    before, lying = leftovers(), unmapped()
    for _ in range(100):
        with NativeClient(passthrough.folder) as client:
            client.until("attached")
            client.submit(client.begin(), client.pixels(0.5))
    assert leftovers() == before
    assert not left_behind(lying)


def leftovers() -> tuple[int, int, int]:
    return len(mapped()), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
