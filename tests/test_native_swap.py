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
from test_swap import Grey, broken

from bridge.link import listen
from bridge.operator import Operator
from bridge.schema import AnyMessage, Disposition, Error, Limits, SyncMode, UseModel, Welcome
from renderer.serve import Renderer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def models(folder: Path) -> Iterator[dict[str, Grey]]:
    """A renderer that serves `old`, and the models that it can be asked for."""
    models = {"old": Grey("old", 0.25), "new": Grey("new", 0.75, licence="MIT"), "bad": Grey("bad", 0.5)}
    models["bad"].step_does = broken
    link, stop = listen(None, Limits(), folder), threading.Event()
    renderer = Renderer(
        link, models["old"], link.connection.token, Limits(), load=models.__getitem__, names=lambda: tuple(models)
    )
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


def test_the_engine_asks_for_a_model_itself_and_frames_go_on(folder: Path, models: dict[str, Grey]) -> None:
    with NativeClient(folder, sync=SyncMode.OFFLINE) as client:
        with pytest.raises(NativeError, match="NO_RENDERER"):
            client.use_model("new")
        client.until("attached")
        assert (client.models(), client.progress) == (["old", "new", "bad"], "unasked")
        greys = [shown(client)]
        for wrong in ("", "../own.py", "a" * 65):
            with pytest.raises(NativeError, match="BAD_ARGUMENT: This is no name of a model"):
                client.use_model(wrong)
        client.use_model("new")
        with pytest.raises(NativeError, match="NOT_SUPPORTED: The model new is being loaded"):
            client.use_model("old")
        while client.progress == "loading":
            greys.append(shown(client))
        assert (client.progress, client.status.model, shown(client)) == ("serves", b"new", 0.75)
        assert client.counts()[Disposition.GENERATED] == len(greys) + 1


def test_a_model_that_cannot_serve_is_told_by_name_and_the_session_goes_on(
    folder: Path, models: dict[str, Grey]
) -> None:
    with NativeClient(folder, sync=SyncMode.OFFLINE) as client:
        client.until("attached")
        client.use_model("bad")
        while client.progress == "loading":
            shown(client)
        change = client.model_change
        assert (client.progress, change.name, change.error_code) == ("refused", b"bad", b"model_failed")
        assert change.error_text == b"'bad' was loaded and broke on its first frames: no such operator"
        assert change.error_fix == b"Run `worldplate models check bad`."
        assert (client.state, client.status.model, client.status.error_code) == ("attached", b"old", b"")
        assert shown(client) == 0.25
        assert any("The model bad does not take over" in line for line in client.log())
        client.use_model("new")
        while client.progress == "loading":
            shown(client)
        assert (client.progress, client.model_change.error_text) == ("serves", b"")


def asked_of(renderer: ScriptedRenderer) -> UseModel:
    """The MODEL that comes next."""
    renderer.seen.clear()
    pump_until(renderer, lambda: any(isinstance(message, UseModel) for message in renderer.seen))
    return next(message for message in renderer.seen if isinstance(message, UseModel))


def test_an_answer_outlives_a_resize_and_none_comes_from_a_renderer_that_is_gone(folder: Path) -> None:
    with scripted(folder) as renderer, NativeClient(folder) as client:
        attach(renderer, client)
        assert client.models() == []
        client.use_model("new")
        asked = asked_of(renderer)
        client._check(client.lib.wp_resize(client.handle, 33, 17))
        pump_until(renderer, lambda: client.status.session_count == 2)
        renderer.send(Error(code="model_not_found", text="there is no model 'new'", fix="Choose.", nonce=asked.nonce))
        pump_until(renderer, lambda: client.progress == "refused")
        assert (client.state, client.model_change.error_code) == ("attached", b"model_not_found")
        client.use_model("old")
        assert asked_of(renderer).model == "old"
        renderer.leave("power cut")
        pump_until(renderer, lambda: client.progress == "refused")
        assert (client.model_change.error_code, client.model_change.error_text) == (b"no_renderer", b"power cut")


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
