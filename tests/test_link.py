"""The link: over real sockets and in memory, the same messages, refusals and losses."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
from scripted_renderer import CAMERA, SESSION, result

from bridge import connection as connections, link
from bridge.ends import EngineEnd, RendererEnd, memory_pair
from bridge.errors import EndpointInUse, NotLoopback, TransportError
from bridge.intake import NO_SESSION
from bridge.mailbox import Arrived
from bridge.schema import AnyMessage, Bye, Clock, Disposition, Error, Frame, Limits, Ping, Release, Result

FRAME = Frame(session=SESSION, id=1, capture_ns=1, camera=CAMERA)
LIMITS = Limits(max_requests_per_s=200)

Pair = tuple[EngineEnd, RendererEnd]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return connections.private_dir(tmp_path / "r")


@pytest.fixture(params=["ipc", "tcp", "memory"])
def pair(request: pytest.FixtureRequest, folder: Path) -> Iterator[Pair]:
    engine, renderer = memory_pair(LIMITS) if request.param == "memory" else socket_pair(request.param, folder)
    until(lambda: engine.connected)
    yield engine, renderer
    engine.close()
    renderer.close()


def socket_pair(scheme: str, folder: Path) -> Pair:
    renderer = link.listen(None if scheme == "ipc" else "tcp://127.0.0.1:*", LIMITS, folder)
    assert renderer.connection.endpoint.startswith(scheme)
    return link.connect(renderer.connection.endpoint), renderer


def until(condition: Callable[[], object]) -> None:
    for _ in range(5000):
        if condition():
            return
        time.sleep(0.001)
    pytest.fail("it never came to be")


def arrive(renderer: RendererEnd) -> Arrived:
    arrived = renderer.receive(5000)
    assert arrived is not None
    return arrived


def answer(engine: EngineEnd) -> AnyMessage:
    received = engine.receive(5000)
    assert received is not None
    return received[0]


def frame(frame_id: int) -> Frame:
    return msgspec.structs.replace(FRAME, id=frame_id)


def test_messages_and_planes_arrive_as_they_were_sent(pair: Pair) -> None:
    engine, renderer = pair
    planes = [bytes([n]) * size for n, size in enumerate((3, 200_000, 0))]
    assert engine.send(FRAME, tuple(map(memoryview, planes)))
    peer, message, parts = arrive(renderer)
    assert message == FRAME
    assert [bytes(part) for part in parts] == planes
    reply = result(FRAME, Disposition.GENERATED)
    assert renderer.send(peer, reply, (memoryview(planes[1]),))
    received = engine.receive(5000)
    assert received is not None
    assert received[0] == reply
    assert [bytes(part) for part in received[1]] == [planes[1]]


def test_messages_stay_in_order_both_ways(pair: Pair) -> None:
    engine, renderer = pair
    for number in range(1, 51):
        assert engine.send(Release(session=SESSION, generation=number))
    arrived = [arrive(renderer) for _ in range(50)]
    assert [a.message for a in arrived] == [Release(session=SESSION, generation=n) for n in range(1, 51)]
    for number in range(50):
        assert renderer.send(arrived[0].peer, Ping(nonce=number))
    assert [answer(engine) for _ in range(50)] == [Ping(nonce=n) for n in range(50)]


def test_nothing_comes_of_nothing(pair: Pair) -> None:
    engine, renderer = pair
    assert engine.receive() is None
    assert engine.receive(1) is None
    assert renderer.receive(0) is None
    assert renderer.receive(1) is None


def test_a_superseded_frame_is_answered_while_the_render_loop_is_away(pair: Pair) -> None:
    engine, renderer = pair
    assert engine.send(frame(1))
    assert arrive(renderer).message == frame(1)
    for frame_id in (2, 3):  # the render loop does not receive now
        assert engine.send(frame(frame_id))
    dropped = answer(engine)
    assert isinstance(dropped, Result)
    assert (dropped.id, dropped.disposition, dropped.reason) == (2, Disposition.DROPPED, "superseded by frame 3")
    assert arrive(renderer).message == frame(3)


def test_pings_and_clocks_are_answered_while_the_render_loop_is_away(pair: Pair) -> None:
    engine, renderer = pair
    engine.send(Ping(nonce=7))
    assert answer(engine) == Ping(nonce=7, answer=True)
    engine.send(Clock(session=SESSION, t1_ns=5))
    clock = answer(engine)
    assert isinstance(clock, Clock)
    assert clock.t1_ns == 5
    assert 0 < clock.t2_ns <= clock.t3_ns <= time.monotonic_ns()
    assert renderer.receive(0) is None


def test_what_cannot_be_taken_is_answered_by_name_and_the_rest_goes_on(pair: Pair) -> None:
    engine, renderer = pair
    broken = msgspec.structs.replace(FRAME, id=4, camera=msgspec.structs.replace(CAMERA, near_m=-1.0))
    engine.send(broken)
    error = answer(engine)
    assert isinstance(error, Error)
    assert (error.code, error.frame_id, error.stream) == ("invalid_value", 4, "main")
    engine.send(FRAME, tuple(memoryview(b"x") for _ in range(LIMITS.max_parts)))
    error = answer(engine)
    assert isinstance(error, Error)
    assert error.code == "limit_exceeded"
    assert error.frame_id == 1
    engine.send(frame(5))
    assert arrive(renderer).message == frame(5)


def test_an_older_frame_is_refused_by_id(pair: Pair) -> None:
    engine, renderer = pair
    engine.send(frame(3))
    engine.send(frame(2))
    error = answer(engine)
    assert isinstance(error, Error)
    assert (error.code, error.frame_id) == ("out_of_order", 2)
    assert arrive(renderer).message == frame(3)


def test_a_flood_is_limited_and_then_taken_again(pair: Pair) -> None:
    engine, renderer = pair
    codes: set[str] = set()

    def flood() -> bool:
        engine.send(Ping(nonce=1))
        while (received := engine.receive()) is not None:
            if isinstance(received[0], Error):
                codes.add(f"{received[0].code}: {received[0].fix}")
        return bool(codes)

    until(flood)
    assert "max_requests_per_s" in codes.pop()
    time.sleep(0.1)
    while engine.receive() is not None:
        pass
    engine.send(frame(1))
    assert arrive(renderer).message == frame(1)


def test_a_stuck_engine_does_not_block_the_renderer(pair: Pair) -> None:
    engine, renderer = pair
    engine.send(FRAME)
    peer = arrive(renderer).peer
    big = memoryview(bytes(1_000_000))
    sent = sum(renderer.send(peer, result(FRAME, Disposition.GENERATED), (big,)) for _ in range(400))
    assert 0 < sent < 400
    assert isinstance(answer(engine), Result)


def test_a_stuck_renderer_does_not_block_the_engine(folder: Path) -> None:
    router = zmq.Context().socket(zmq.ROUTER)  # accepts, and never reads
    router.setsockopt(zmq.RCVHWM, 2)
    router.bind(f"ipc://{folder}/stuck")
    engine = link.connect(f"ipc://{folder}/stuck")
    until(lambda: engine.connected)
    planes = (memoryview(bytes(2_000_000)),)
    frames = [engine.send(frame(n), planes) for n in range(1, 40)]
    assert frames[0]
    assert not frames[-1]
    assert engine.parts_on_their_way
    until(lambda: not all(engine.send(Ping(nonce=n)) for n in range(400)))  # the system's own buffers fill first
    engine.close()
    router.close(linger=0)
    router.context.term()


def test_a_gone_engine_is_told_as_a_bye_of_no_session(pair: Pair) -> None:
    engine, renderer = pair
    engine.send(FRAME)
    peer = arrive(renderer).peer
    engine.close()
    gone = arrive(renderer)
    assert gone.peer == peer
    assert isinstance(gone.message, Bye)
    assert gone.message.session == NO_SESSION
    assert not renderer.send(peer, Ping(nonce=1))
    assert renderer.receive(0) is None


def test_an_engine_that_said_bye_is_not_told_gone_again(pair: Pair) -> None:
    engine, renderer = pair
    engine.send(Bye(session=SESSION))
    assert arrive(renderer).message == Bye(session=SESSION)
    engine.close()
    assert renderer.receive(300) is None


def test_the_engine_notices_that_the_renderer_closed(pair: Pair) -> None:
    engine, renderer = pair
    engine.send(FRAME)
    renderer.send(arrive(renderer).peer, Bye(session=SESSION))
    renderer.close()
    assert answer(engine) == Bye(session=SESSION)  # the last word arrives all the same
    until(lambda: not engine.connected)
    assert not engine.send(FRAME)


def test_closing_twice_and_using_a_closed_end_does_nothing(pair: Pair) -> None:
    engine, renderer = pair
    for _ in range(2):
        engine.close()
        renderer.close()
    assert not engine.connected
    assert not engine.send(FRAME)
    assert engine.receive(1) is None
    assert renderer.receive(1) is None
    assert not renderer.send(b"x", FRAME)


def test_a_renderer_that_waits_is_closed_from_another_thread(folder: Path) -> None:
    renderer = link.listen(None, LIMITS, folder)
    waiter = threading.Thread(target=renderer.receive, args=(60_000,))
    waiter.start()
    time.sleep(0.02)
    renderer.close()
    waiter.join(5)
    assert not waiter.is_alive()


def test_rubbish_on_the_wire_becomes_an_error_for_the_engine(folder: Path) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(f"ipc://{folder}/raw")
        engine = link.connect(f"ipc://{folder}/raw")
        until(lambda: engine.connected)
        until(lambda: engine.send(Ping(nonce=1)))
        peer = router.recv_multipart()[0]
        router.send_multipart([peer, b"rubbish"])
        error = answer(engine)
        assert isinstance(error, Error)
        assert error.code == "malformed_message"
        engine.close()


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://*:5555", "tcp://0.0.0.0:5555", "tcp://192.168.1.2:5555", "tcp://eth0:5555", "tcp://[::]:1", "tcp://a.b:1"],
)
def test_addresses_that_other_machines_reach_are_refused(endpoint: str, folder: Path) -> None:
    with pytest.raises(NotLoopback, match="one machine only"):
        link.listen(endpoint, LIMITS, folder)
    with pytest.raises(NotLoopback):
        link.connect(endpoint)
    assert not (folder / connections.FILE_NAME).exists()


@pytest.mark.parametrize("endpoint", ["udp://127.0.0.1:5", "pgm://x", "nonsense", "ipc:///" + "x" * 120])
def test_what_is_not_an_endpoint_is_refused(endpoint: str, folder: Path) -> None:
    with pytest.raises(TransportError):
        link.listen(endpoint.replace("ipc:///", f"ipc://{folder}/"), LIMITS, folder)


@pytest.mark.parametrize("endpoint", ["tcp://localhost:*", "tcp://127.0.0.7:*", "tcp://[::1]:*"])
def test_every_name_of_loopback_is_taken(endpoint: str, folder: Path) -> None:
    renderer = link.listen(endpoint, LIMITS, folder)
    engine = link.connect(renderer.connection.endpoint)
    until(lambda: engine.connected)
    engine.close()
    renderer.close()


def test_a_socket_in_a_folder_that_is_not_private_is_refused(tmp_path: Path, folder: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(TransportError, match="chmod 700"):
        link.listen(f"ipc://{tmp_path}/socket", LIMITS, folder)


def test_a_path_that_is_too_long_falls_back_to_loopback(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    renderer = link.listen(None, LIMITS, connections.private_dir(deep))
    assert renderer.connection.endpoint.startswith("tcp://127.0.0.1:")
    renderer.close()


def test_a_live_renderer_is_not_robbed_of_its_place(folder: Path) -> None:
    renderer = link.listen(None, LIMITS, folder)
    with pytest.raises(EndpointInUse, match="stop it first"):
        link.listen(None, LIMITS, folder)
    assert connections.find(folder / connections.FILE_NAME) == renderer.connection
    renderer.close()
    assert sorted(path.name for path in folder.iterdir()) == ["lock"]


def test_a_port_that_is_taken_is_named(folder: Path, tmp_path: Path) -> None:
    renderer = link.listen("tcp://127.0.0.1:*", LIMITS, folder)
    with pytest.raises(EndpointInUse, match="is taken"):
        link.listen(renderer.connection.endpoint, LIMITS, connections.private_dir(tmp_path / "other"))
    renderer.close()


SERVE = """
import sys, time
from pathlib import Path
from bridge import link
end = link.listen(None, runtime_dir=Path(sys.argv[1]))
print("ready", flush=True)
while True:
    end.receive(1000)
"""


def serve(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder)], stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_killed_renderer_is_noticed_and_its_place_is_free(folder: Path) -> None:
    with serve(folder) as process:
        engine = link.connect(connections.find(folder / connections.FILE_NAME).endpoint)
        until(lambda: engine.connected)
        process.kill()
        until(lambda: not engine.connected)
        engine.close()
    renderer = link.listen(None, LIMITS, folder)  # over its stale file and socket
    assert len(list(folder.glob("renderer-*"))) == 1
    renderer.close()


def test_the_interpreter_ends_with_the_link_still_open(folder: Path) -> None:
    code = SERVE.replace("while True:\n    end.receive(1000)", "end.receive(1)")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(folder)],
        capture_output=True,
        timeout=30,
        cwd=Path(__file__).parent.parent,
    )
    assert (done.returncode, done.stderr) == (0, b"")
