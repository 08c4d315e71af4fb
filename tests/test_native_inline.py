"""The native client without shared memory: planes and plates inside messages, against the real renderer."""

from __future__ import annotations

import ctypes as ct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from native_client import NativeClient, library
from scripted_renderer import ScriptedRenderer, plate_value
from test_native_client import disposition, serving, show
from test_native_life import attach, pump_until, scripted

from bridge.schema import AnyMessage, Disposition, Hello, PlanesAck, Result, Transport
from renderer.process import RendererProcess


@pytest.fixture(scope="module")
def passthrough() -> Iterator[RendererProcess]:
    library()
    with RendererProcess("passthrough") as renderer:
        renderer.wait_until_ready()
        yield renderer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def transport_of(client: NativeClient) -> Transport:
    return list(Transport)[int(client.status.transport)]


@pytest.mark.parametrize(("width", "height"), [(61, 35), (640, 360)])
def test_plates_come_back_bit_for_bit(passthrough: RendererProcess, width: int, height: int) -> None:
    rng = np.random.default_rng(2)
    with NativeClient(passthrough.folder, width, height, inline_only=1) as client:
        client.until("attached")
        assert transport_of(client) is Transport.INLINE
        for _ in range(12):  # more than slots
            pixels = client.pixels(0.0)
            color = rng.gamma(1.0, 1.0, (height, width, 4)).astype(np.float16)
            pixels[: color.nbytes] = color.view(np.uint8).ravel()
            frame_id = client.begin()
            client.submit(frame_id, pixels)
            client.wait(frame_id)
            picture = client.present()
            assert (picture.plate_id, disposition(picture)) == (frame_id, Disposition.GENERATED)
            np.testing.assert_array_equal(client.plate(picture)[..., :3], color[..., :3])
        assert client.status.host_bytes_copied >= 2 * color.nbytes  # into the message, and out of it


def test_a_frame_may_be_written_where_it_leaves_from(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder, inline_only=1) as client:
        client.until("attached")
        for value in (0.25, 0.75):
            frame_id = client.begin()
            address, pixels = client.slot(frame_id)[0], client.pixels(value)
            ct.memmove(ct.c_void_p(address), pixels.ctypes.data, 64 * 36 * 8)
            client.submit_slot(frame_id)
            client.wait(frame_id)
            assert (client.plate(client.present())[..., 0] == value).all()


def test_a_resize_changes_the_planes_in_the_messages(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder, inline_only=1) as client:
        client.until("attached")
        client._check(client.lib.wp_resize(client.handle, 33, 17))
        client.size = (33, 17)
        client.until_sessions(2)
        _, picture = show(client, 0.25)
        assert (picture.width, picture.height) == (33, 17)
        assert (client.plate(picture)[..., 0] == 0.25).all()


def test_a_killed_renderer_is_left_and_the_next_one_found() -> None:
    with tempfile.TemporaryDirectory(prefix="wp-") as name:
        folder = Path(name)
        folder.chmod(0o700)
        with NativeClient(folder, inline_only=1) as client:
            for value in (0.5, 0.25):
                with serving(folder) as renderer:
                    client.until("attached")
                    assert disposition(show(client, value)[1]) is Disposition.GENERATED
                    renderer.kill()
                    renderer.wait()
                    client.until("searching")
            assert client.status.session_count == 2


class Unmapping(ScriptedRenderer):
    """A renderer that cannot map a ring."""

    def send(self, message: AnyMessage, parts: tuple[memoryview, ...] = ()) -> None:
        if isinstance(message, PlanesAck):
            message = msgspec.structs.replace(message, ok=False, code="transport", text="no such memory here")
        super().send(message, parts)


class Clipping(ScriptedRenderer):
    """A renderer that sends plates with a byte too few."""

    def send(self, message: AnyMessage, parts: tuple[memoryview, ...] = ()) -> None:
        clipped = isinstance(message, Result) and parts
        super().send(message, tuple(part[:-1] for part in parts) if clipped else parts)


def test_without_a_ring_that_both_have_planes_travel_inside_messages(folder: Path) -> None:
    with scripted(folder, Unmapping) as renderer, NativeClient(folder) as client:
        attach(renderer, client)
        offers = [message.transports for message in renderer.seen if isinstance(message, Hello)]
        assert offers == [(Transport.SHM, Transport.INLINE), (Transport.INLINE,)]
        assert transport_of(client) is Transport.INLINE
        assert any("travel inside messages" in line and "no such memory here" in line for line in client.log())
        frame_id = client.begin()
        client.submit(frame_id, client.pixels(float(frame_id)))
        pump_until(renderer, lambda: frame_id in renderer.waiting)
        renderer.paint(frame_id)
        client.wait(frame_id)
        assert (client.plate(client.present())[..., 0] == plate_value(frame_id)).all()


def test_a_plate_of_another_size_is_none(folder: Path) -> None:
    with scripted(folder, Clipping) as renderer, NativeClient(folder, inline_only=1) as client:
        attach(renderer, client)
        frame_id = client.begin()
        client.submit(frame_id, client.pixels(float(frame_id)))
        pump_until(renderer, lambda: frame_id in renderer.waiting)
        renderer.paint(frame_id)
        pump_until(renderer, lambda: client.status.answered == 1)
        picture = client.present()
        assert (picture.plate_id, disposition(picture)) == (0, Disposition.PASSTHROUGH)


def test_the_plate_on_the_screen_stays_readable_when_its_slot_has_another_frame(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder, inline_only=1) as client:
        client.until("attached")
        _, picture = show(client, 0.5)
        for _ in range(70):  # beyond the history, without a present
            client.begin()
        for _ in range(5):  # in each slot
            frame_id = client.begin()
            client.submit(frame_id, client.pixels(0.25))
            client.wait(frame_id)
        assert ct.string_at(picture.plate, picture.height * picture.row_pitch_bytes)
        assert client.lib.wp_plate_whole(client.handle) == 0
