"""Another model takes over under the native client: it learns model and controls, and loses no frame."""

from __future__ import annotations

import ctypes as ct
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from native_client import ControlStruct, NativeClient, NativeError
from scripted_renderer import ScriptedRenderer
from test_native_client import disposition
from test_native_life import attach, pump_until, scripted
from test_swap import Grey

from bridge.link import listen
from bridge.operator import Operator
from bridge.schema import AnyMessage, Disposition, Limits, SyncMode, UseModel, Welcome
from renderer.serve import Renderer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def models(folder: Path) -> Iterator[dict[str, Grey]]:
    """A renderer that serves `old`, and the models that it can be asked for."""
    models = {"old": Grey("old", 0.25), "new": Grey("new", 0.75, licence="MIT")}
    link, stop = listen(None, Limits(), folder), threading.Event()
    renderer = Renderer(link, models["old"], link.connection.token, Limits(), load=models.__getitem__)
    thread = threading.Thread(target=renderer.run, args=(stop,))
    thread.start()
    yield models
    stop.set()
    thread.join(30.0)
    assert not thread.is_alive()
    link.close()


def controls(client: NativeClient) -> list[str]:
    names: list[str] = []
    control = ControlStruct()
    while client.lib.wp_control_at(client.handle, ct.c_uint32(len(names)), ct.byref(control)) == 0:
        names.append(control.name.decode())
    return names


def shown(client: NativeClient) -> float:
    """The grey of the next frame's own plate."""
    frame_id = client.begin()
    client.submit(frame_id, client.pixels(0.0))
    client.wait(frame_id)
    picture = client.present()
    assert (picture.target_id, picture.plate_id, disposition(picture)) == (frame_id, frame_id, Disposition.GENERATED)
    return float(client.plate(picture)[0, 0, 0])


def ask_for(name: str, folder: Path, told: list[str]) -> None:
    with Operator("test", folder / "connection.json", timeout_s=30.0) as operator:
        told.append(operator.ask(UseModel(model=name)).text)


@pytest.mark.parametrize("inline_only", [0, 1])
def test_a_model_takes_over_and_no_frame_is_lost(folder: Path, models: dict[str, Grey], inline_only: int) -> None:
    with NativeClient(folder, sync=SyncMode.OFFLINE, inline_only=inline_only) as client:
        client.set_number("new_level", 0.5)  # for whichever model has it
        client.set_number("both", 0.125)
        client.until("attached")
        greys = [shown(client)]
        assert controls(client) == ["old_level", "both"]
        told: list[str] = []
        asking = threading.Thread(target=ask_for, args=("new", folder, told))
        asking.start()
        while asking.is_alive():
            greys.append(shown(client))
        asking.join()
        greys += [shown(client), shown(client)]
        assert told == ["new serves 1 engines in place of old"]
        assert greys == sorted(greys)
        assert (greys[0], greys[-1]) == (0.25, 0.75)
        status = client.status
        assert (status.model, status.licence, status.session_count) == (b"new", b"MIT", 1)
        assert (status.begun, client.counts()[Disposition.GENERATED]) == (len(greys), len(greys))
        assert controls(client) == ["new_level", "both"]
        assert models["new"].seen[-1] == {"new_level": 0.5, "both": 0.125}
        with pytest.raises(NativeError, match="NO_CONTROL"):
            client.set_number("old_level", 0.5)
        assert any("Another model makes the plates: new" in line for line in client.log())


class Overtaken(ScriptedRenderer):
    """A renderer whose model changes at the moment at which the engine's HELLO for another size is on its way."""

    welcome: Welcome | None = None

    def send(self, message: AnyMessage, parts: tuple[memoryview, ...] = ()) -> None:
        if isinstance(message, Welcome):
            if self.welcome is not None:
                super().send(msgspec.structs.replace(self.welcome, model="of the size before"))
            self.welcome = message
        super().send(message, parts)


def test_news_of_the_session_before_a_resize_is_not_taken_for_the_answer(folder: Path) -> None:
    with scripted(folder, Overtaken) as renderer, NativeClient(folder) as client:
        attach(renderer, client)
        client._check(client.lib.wp_resize(client.handle, 33, 17))
        pump_until(renderer, lambda: client.status.session_count == 2)
        assert (client.state, client.status.model) == ("attached", b"scripted")
