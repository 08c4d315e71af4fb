"""What the native client does when things go wrong: on the link, in the engine, and in its own process."""

from __future__ import annotations

import contextlib
import ctypes as ct
import functools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import native
import pytest
from native_client import CODES, NativeClient, NativeError, library
from scripted_renderer import PLANES, ScriptedRenderer
from segments import left_behind, mapped_files, unmapped

from bridge import connection
from bridge.link import listen
from bridge.schema import (
    AnyMessage,
    Control,
    ControlType,
    ControlValue,
    Hello,
    Planes,
    PlanesAck,
    Reset,
    SetControls,
    Welcome,
)
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


class Steered(ScriptedRenderer):
    """A renderer whose model has these controls."""

    model_controls: tuple[Control, ...] = ()

    def send(self, message: AnyMessage, parts: tuple[memoryview, ...] = ()) -> None:
        if isinstance(message, Welcome):
            message = msgspec.structs.replace(message, controls=self.model_controls)
        super().send(message, parts)


class Deaf(ScriptedRenderer):
    """A renderer that hears PLANES and does not answer."""

    def send(self, message: AnyMessage, parts: tuple[memoryview, ...] = ()) -> None:
        if not isinstance(message, PlanesAck):
            super().send(message, parts)


@contextlib.contextmanager
def scripted(folder: Path, kind: type[ScriptedRenderer] = ScriptedRenderer) -> Iterator[ScriptedRenderer]:
    renderer = kind(listen(runtime_dir=folder), PLANES)
    try:
        yield renderer
    finally:
        renderer.end.close()


def pump_until(renderer: ScriptedRenderer, done: Callable[[], bool], timeout_s: float = 20.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < end_s, f"it did not come; the renderer has seen {renderer.seen[-3:]}"
        renderer.pump(2.0)


def attach(renderer: ScriptedRenderer, client: NativeClient) -> None:
    pump_until(renderer, lambda: client.state == "attached")


def test_a_renderer_that_never_answers_is_left_with_a_reason_and_asked_again(folder: Path) -> None:
    with scripted(folder) as renderer, NativeClient(folder) as client:
        client.until("greeting")
        client.until("searching")
        assert b"does not answer HELLO" in client.status.error_text
        assert b"worldplate serve" in client.status.error_fix
        assert any("asked again" in line for line in client.log())
        attach(renderer, client)  # it has come to itself
        assert sum(isinstance(message, Hello) for message in renderer.seen) >= 2
        assert client.status.error_text == b""


def test_a_renderer_that_never_maps_the_ring_is_left_with_a_reason(folder: Path) -> None:
    with scripted(folder, Deaf) as renderer, NativeClient(folder) as client:
        pump_until(renderer, lambda: client.state == "opening")
        pump_until(renderer, lambda: b"does not answer PLANES" in client.status.error_text)
        pump_until(renderer, lambda: sum(isinstance(message, Planes) for message in renderer.seen) > 1)


def test_a_process_that_takes_no_connection_is_left_with_a_reason(folder: Path) -> None:
    connection.write(connection.new_connection(f"ipc://{folder}/nobody"), folder / "connection.json")
    with NativeClient(folder) as client:
        client.until("connecting")
        client.until("searching")
        assert b"takes no connection" in client.status.error_text


def told_at_once(folder: Path, client: NativeClient) -> SetControls:
    """The CONTROL that a renderer gets when it is attached to."""
    with scripted(folder, Steered) as renderer:
        attach(renderer, client)
        pump_until(renderer, lambda: bool(renderer.controls()))
        (message,) = renderer.controls()
        renderer.leave()
        return message


def test_a_control_that_the_next_model_has_not_does_not_take_the_ownership_with_it(folder: Path) -> None:
    with NativeClient(folder) as client:
        client.set_number("warp", 0.5)
        client.set_number("steps", 3.0)
        client.set_text("mood", "sinister")
        ids = (ct.c_uint32 * 2)(5, 6)
        client._check(client.lib.wp_set_engine_objects(client.handle, ids, ct.c_uint32(2)))
        steps = Control(name="steps", type=ControlType.INTEGER, text="Steps", default=1, minimum=1, maximum=8)
        mood = Control(name="mood", type=ControlType.CHOICE, text="Mood", default="calm", choices=("calm", "grim"))
        models: list[tuple[tuple[Control, ...], dict[str, ControlValue]]] = [((), {}), ((steps, mood), {"steps": 3})]
        for Steered.model_controls, told in models:
            message = told_at_once(folder, client)
            assert (message.values, message.engine_objects) == (told, (5, 6))
            assert [type(value) for value in message.values.values()] == [int] * len(told)
            client.until("searching")
        log = client.log()
        assert sum("control mood is not told" in line for line in log) == 2
        assert sum("control warp is not told: the model scripted has no such control" in line for line in log) == 2


@pytest.mark.parametrize(
    ("type_", "value", "told"),
    [
        (ControlType.INTEGER, 2.0, 2), (ControlType.INTEGER, 2.5, "whole number from 1 to 8"),
        (ControlType.INTEGER, 9.0, "from 1 to 8"), (ControlType.NUMBER, 2.5, 2.5),
        (ControlType.NUMBER, float("nan"), "from 1 to 8"), (ControlType.TOGGLE, 1.0, True),
        (ControlType.TOGGLE, float("inf"), "use 0 or 1"), (ControlType.TEXT, 1.0, "takes a text"),
    ],
)  # fmt: skip
def test_a_number_is_told_as_it_is_or_refused(
    folder: Path, type_: ControlType, value: float, told: ControlValue
) -> None:
    defaults: dict[ControlType, ControlValue] = {ControlType.TOGGLE: False, ControlType.TEXT: ""}
    default = defaults.get(type_, 1)
    Steered.model_controls = (Control(name="it", type=type_, text="It", default=default, minimum=1, maximum=8),)
    with scripted(folder, Steered) as renderer, NativeClient(folder) as client:
        attach(renderer, client)
        if isinstance(told, str):
            with pytest.raises(NativeError, match=told):
                client.set_number("it", value)
            return
        client.set_number("it", value)
        pump_until(renderer, lambda: bool(renderer.controls()))
        assert [(type(v), v) for v in renderer.controls()[-1].values.values()] == [(type(told), told)]


def test_a_cut_whose_pixels_were_not_sent_is_told_with_the_next_frame(folder: Path) -> None:
    with scripted(folder) as renderer, NativeClient(folder) as client:
        attach(renderer, client)
        client.begin(reset=list(Reset).index(Reset.TELEPORT))
        for expected in (Reset.TELEPORT, Reset.NONE):
            frame_id = client.begin()
            client.submit(frame_id, client.pixels(float(frame_id)))
            pump_until(renderer, functools.partial(renderer.waiting.__contains__, frame_id))
            assert renderer.waiting[frame_id][0].reset is expected
            renderer.paint(frame_id)
            client.wait(frame_id)


def test_closing_ends_a_wait_and_the_worker(folder: Path) -> None:
    with scripted(folder) as renderer:
        client = NativeClient(folder)
        attach(renderer, client)
        frame_id = client.begin()
        client.submit(frame_id, client.pixels(1.0))
        codes: list[int] = []

        def wait() -> None:
            codes.append(client.lib.wp_wait(client.handle, ct.c_uint64(frame_id), ct.c_double(1e6)))

        waiting = threading.Thread(target=wait)
        waiting.start()
        pump_until(renderer, lambda: frame_id in renderer.waiting)
        assert codes == []
        rings, lying = mapped_files(), unmapped()
        client.close()
        assert len(rings - mapped_files()) == 1
        assert not left_behind(lying)
        waiting.join(20.0)
        assert [CODES[code] for code in codes] == ["NO_CLIENT"]
        with pytest.raises(NativeError, match="NO_CLIENT"):
            client.begin()


def test_pixels_are_released_by_the_worker_whatever_came_of_them(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder) as client:
        client.until("attached")
        client.submit(client.begin(), client.pixels(0.5))
        with pytest.raises(NativeError, match="NO_FRAME"):
            client.submit(999, client.pixels(0.5))
        client.size = (8, 8)
        with pytest.raises(NativeError, match="wp_layout"):
            client.submit(client.begin(), client.pixels(0.5))
        client.until_released(3)
        (worker,) = set(client.released_by)
        assert worker != threading.get_native_id()


def test_a_slot_that_was_not_submitted_is_free_at_the_next_frame(passthrough: RendererProcess) -> None:
    with NativeClient(passthrough.folder, slot_count=3) as client:
        client.until("attached")
        for _ in range(10):
            frame_id = client.begin()
            assert None not in client.slot(frame_id)
        client.begin()
        with pytest.raises(NativeError, match="NO_FRAME"):
            client.submit_slot(frame_id)  # its addresses were good until the frame that began after it


def test_the_slot_of_a_frame_that_is_being_copied_is_nobody_elses(passthrough: RendererProcess) -> None:
    assert native.client_tool("copying", str(passthrough.folder)) == ["OK OK NO_SLOT OK"]


@pytest.mark.parametrize("times", ["1", "1000000"])
def test_a_worker_that_has_no_memory_leaves_the_renderer_and_comes_back(
    passthrough: RendererProcess, times: str
) -> None:
    lines = native.client_tool("starved", str(passthrough.folder), times)
    assert sum("Attached to passthrough" in line for line in lines) >= 2
    if times == "1":
        assert any("the client could not go on: std::bad_alloc" in line for line in lines)


def test_a_client_without_sockets_is_refused_with_the_reason() -> None:
    text = "No ZeroMQ socket for a client: Too many open files."
    assert native.client_tool("sockets") == [f"1 0 {text}"] * 2


def test_a_crowd_of_threads_may_call_everything_at_once(passthrough: RendererProcess) -> None:
    before = unmapped()
    (counts,) = native.client_tool("crowd", str(passthrough.folder), "300")
    words = counts.split()
    assert dict(zip(words[::2], map(int, words[1::2]), strict=True))["begun"] == 300
    assert not left_behind(before)
