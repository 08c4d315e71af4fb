"""A person's tool at a renderer's loop, over a real link: what it sees, what it may do, and how it is refused."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from scripted_renderer import CAMERA, PLANES

from bridge import connection as connections, link
from bridge.client import Client
from bridge.door import FileDoor, Opened
from bridge.errors import (
    BadToken,
    InvalidValue,
    LimitExceeded,
    NoRenderer,
    OutOfOrder,
    SeveralSessions,
    UnknownSession,
)
from bridge.operator import Operator
from bridge.schema import (
    Disposition,
    Limits,
    PlaneName,
    Release,
    RendererState,
    SetControls,
    SyncMode,
    World,
    WorldOp,
)
from renderer.models.passthrough import Passthrough
from renderer.serve import Renderer

LIMITS = Limits(max_operators=2)


class Served:
    """A renderer's loop behind a connection file of its own."""

    def __init__(self, folder: Path, limits: Limits = LIMITS) -> None:
        self.link = link.listen(None, limits, folder)
        self.file = folder / connections.FILE_NAME
        self.renderer = Renderer(self.link, Passthrough(), self.link.connection.token, limits)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.renderer.run, args=(self._stop,))
        self._thread.start()
        self._clients: list[Client] = []

    def engine(self, name: str) -> Client:
        client = Client(8, 4, PLANES, sync=SyncMode.OFFLINE, connection=self.file, name=name)
        self._clients.append(client)
        client.connect()
        return client

    def operator(self, name: str = "test tool") -> Operator:
        return Operator(name, self.file)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._stop.set()
        self._thread.join(10.0)
        self.link.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return connections.private_dir(tmp_path / "rt")


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    opened = Served(folder)
    yield opened
    opened.close()


def show(client: Client, **more: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    slot = client.begin()
    slot.inputs[PlaneName.COLOR][...] = 1.0
    slot.inputs[PlaneName.DEPTH][...] = 3.0
    slot.inputs[PlaneName.OBJECT][...] = 1
    client.submit(slot, CAMERA, **more)  # type: ignore[arg-type]
    shown = client.present()
    assert shown is not None
    assert shown.disposition is Disposition.GENERATED
    return np.array(shown.plate)


def test_an_operator_sees_every_session_by_its_name(served: Served) -> None:
    served.engine("stage left")
    served.engine("stage right")
    with served.operator() as operator:
        assert [s.name for s in operator.sessions()] == ["stage left", "stage right"]
        assert operator.session("stage right").name == "stage right"
        first = operator.sessions()[0]
        assert operator.session(first.session[:8]).session == operator.session(first.session).session
        assert (operator.renderer().model, operator.renderer().state) == ("passthrough", RendererState.RUNNING)


def test_what_an_operator_asks_is_done_and_answered(served: Served) -> None:
    client = served.engine("stage")
    show(client)
    with served.operator() as operator:
        session = operator.session().session
        assert "reset" in operator.ask(World(session=session, op=WorldOp.RESET)).text
        assert operator.ask(SetControls(session=session, engine_objects=(1,))).session == session
    assert show(client)[0, 0, 3] == 0.0  # the object is the engine's now


def test_an_operators_mistake_is_told_to_it_and_not_to_the_engine(served: Served) -> None:
    client = served.engine("stage")
    with served.operator() as operator:
        with pytest.raises(InvalidValue, match="haze"):
            operator.ask(SetControls(session=operator.session().session, values={"haze": 1.0}))
        assert operator.session().name == "stage"  # and it goes on
    show(client)
    assert client.errors == []


def test_without_engines_there_is_no_session_to_choose(served: Served) -> None:
    with served.operator() as operator, pytest.raises(UnknownSession, match="No engine"):
        operator.session()


def test_among_several_sessions_one_must_be_named(served: Served) -> None:
    served.engine("stage left")
    served.engine("stage right")
    with served.operator() as operator:
        with pytest.raises(SeveralSessions, match=r"stage left.*stage right"):
            operator.session()
        with pytest.raises(UnknownSession, match="stage left"):
            operator.session("balcony")
        with pytest.raises(UnknownSession):
            operator.ask(World(session="e" * 32, op=WorldOp.RESET))


def test_no_renderer_is_told_as_that(folder: Path) -> None:
    with pytest.raises(NoRenderer, match="worldplate serve"):
        Operator("test tool", folder / connections.FILE_NAME)


def test_a_renderer_that_ends_meanwhile_is_told_as_that(served: Served) -> None:
    with served.operator() as operator:
        served.close()
        with pytest.raises(NoRenderer):
            operator.sessions()


def test_a_wrong_token_is_refused(served: Served, folder: Path) -> None:
    file = connections.private_dir(folder.parent / "forged") / connections.FILE_NAME
    connections.write(replace(served.link.connection, token="0" * 32, pid=os.getpid()), file)
    with pytest.raises(BadToken):
        Operator("test tool", file)
    with served.operator() as operator:
        assert operator.sessions() == []


def test_who_never_showed_the_token_steers_nobody(served: Served) -> None:
    session = served.engine("stage")
    assert session.welcome is not None
    opened = FileDoor(served.file).open()
    assert isinstance(opened, Opened)
    while not opened.end.connected:
        pass
    opened.end.send(World(session=session.welcome.session, op=WorldOp.RESET, nonce=3))
    received = opened.end.receive(5000.0)
    assert received is not None
    assert (received[0].code, received[0].nonce) == ("out_of_order", 3)  # type: ignore[union-attr]
    opened.end.close()


def test_operators_are_counted(served: Served) -> None:
    with served.operator("one"), served.operator("two"), pytest.raises(LimitExceeded, match="max_operators"):
        served.operator("three")
    for _ in range(100):  # a tool that has left is counted no more, once the loop has read its BYE
        if served.renderer.ask(lambda renderer: len(renderer._operators)).result(5.0) == 0:
            break
    with served.operator("three"):
        pass


def test_an_operator_cannot_send_what_is_an_engines(served: Served) -> None:
    served.engine("stage")
    with served.operator() as operator, pytest.raises(OutOfOrder):
        operator.ask(Release(session=operator.session().session, generation=1))
