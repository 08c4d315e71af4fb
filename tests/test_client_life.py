"""The client and its renderer: found, refused, killed, stalled, replaced; and what it is told besides frames."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scripted_renderer import CAMERA, PLANES, Hotel, ScriptedRenderer, color_value, plate_value
from stage import HEIGHT, WIDTH, D, G, Make, P, R, check_picture, ends, stages, until

from bridge import connection as connections, link
from bridge.attachment import State
from bridge.client import Client
from bridge.errors import BadToken, NoRenderer, NotSupported, TransportError
from bridge.ring import Ring
from bridge.schema import (
    LatePolicy,
    PixelFormat,
    PlaneName,
    Reject,
    Release,
    SyncMode,
    Transport,
)


@pytest.fixture(params=[Transport.SHM, Transport.INLINE])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    with stages(request.param) as build:
        yield build


# The renderer's life and death.


@pytest.mark.parametrize("sync", [SyncMode.LOCKSTEP, SyncMode.OFFLINE, SyncMode.FREERUN])
def test_without_a_renderer_the_engines_own_picture_is_shown(sync: SyncMode) -> None:
    with Client(
        WIDTH, HEIGHT, PLANES, sync=sync, connection=Hotel(), frame_period_ms=1e6, offline_wait_s=1e6
    ) as client:
        for _ in range(10):
            slot = client.begin()
            slot.inputs[PlaneName.COLOR][...] = color_value(slot.frame_id)
            client.submit(slot, CAMERA)
            shown = client.present()
            assert shown is not None
            check_picture(shown)
            assert (shown.frame_id, shown.disposition) == (slot.frame_id, P)
        assert client.state is State.SEARCHING


def test_a_renderer_that_dies_while_it_is_waited_for_is_not_waited_for(make: Make) -> None:
    stage = make(SyncMode.OFFLINE)
    stage.client._offline_wait_s = 1e6
    stage.submit()
    stage.hotel.kill()
    shown = stage.show()
    assert shown is not None
    assert (shown.disposition, shown.reason) == (P, "the connection to the renderer was lost")


@pytest.mark.parametrize("sync", [SyncMode.OFFLINE, SyncMode.FREERUN])
def test_a_plate_that_comes_just_before_its_renderer_leaves_is_shown(make: Make, sync: SyncMode) -> None:
    stage = make(sync)
    frame_id = stage.generated()
    stage.renderer.leave()
    shown = stage.show()
    assert shown is not None
    assert (shown.frame_id, shown.disposition) == (frame_id, G)


def test_the_last_plate_outlives_its_renderer_and_the_next_takes_over(make: Make) -> None:
    stage = make(SyncMode.FREERUN, LatePolicy.REPROJECT)
    first = stage.generated()
    stage.show()
    in_flight = stage.submit()
    stage.hotel.kill()
    shown = stage.show()
    assert shown is not None
    assert (shown.frame_id, shown.disposition) == (in_flight, R)
    assert shown.picture()[1, 1, 0] == plate_value(first)
    stage.renderer = stage.hotel.move_in()
    stage.attach()
    again = stage.generated()
    shown = stage.show()
    assert shown is not None
    assert (shown.frame_id, shown.disposition) == (again, G)
    assert again > in_flight
    stage.client.begin()
    assert not stage.client._traffic._retired


def test_a_goodbye_detaches(make: Make) -> None:
    stage = make(SyncMode.FREERUN)
    stage.submit()
    stage.renderer.leave("going home")
    shown = stage.show()
    assert not stage.client.attached
    assert shown is not None
    assert (shown.disposition, shown.reason) == (P, "going home")


def test_a_render_loop_that_hangs_counts_as_stalled_until_it_moves(make: Make) -> None:
    stage = make(SyncMode.FREERUN)
    stage.submit()
    until(lambda: stage.client.state is State.STALLED, stage.client.tick)
    newest = stage.submit()
    stage.renderer.buffers, moving = None, stage.renderer.buffers  # pump beats otherwise
    until(lambda: stage.client.state is State.STALLED, stage.client.tick)
    shown = stage.show()
    assert shown is not None
    assert (shown.frame_id, shown.disposition, shown.reason) == (newest, P, "the render loop has stalled")
    stage.renderer.buffers = moving
    stage.generated()
    shown = stage.show()
    assert shown is not None
    assert shown.disposition is G
    assert stage.client.state is State.ATTACHED


def test_a_refusal_is_kept_and_not_asked_again() -> None:
    hotel = Hotel()
    renderer = hotel.move_in()
    renderer._welcome = lambda hello: renderer.send(Reject(code="bad_token", text="No.", fix="Look."))  # type: ignore[method-assign]
    with Client(WIDTH, HEIGHT, PLANES, connection=hotel) as client:
        until(lambda: client.refusal, client.tick, renderer.pump)
        refusal = client.refusal
        assert isinstance(refusal, BadToken)
        assert refusal.fix == "Look."
        with pytest.raises(BadToken):
            client.connect(1)
        assert client.state == "refused"
        hotel.kill()
        good = hotel.move_in()
        until(lambda: client.attached, client.tick, good.pump)
        assert client.refusal is None
        hotel.kill()


def test_a_ring_that_the_renderer_cannot_map_makes_planes_travel_inline(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hotel = Hotel()
    renderer = hotel.move_in()
    with Client(WIDTH, HEIGHT, PLANES, connection=hotel) as client, caplog.at_level(logging.WARNING):

        def no_memory(*_: object) -> Ring:
            raise TransportError("No shared memory", fix="Buy some.")

        monkeypatch.setattr(Ring, "create", no_memory)
        until(lambda: client.attached, client.tick, renderer.pump)
        assert client.welcome is not None
        assert client.welcome.transport is Transport.INLINE
        assert "inline in place of shm, which is faster" in caplog.text
    hotel.kill()


def test_nothing_can_be_begun_after_close() -> None:
    client = Client(WIDTH, HEIGHT, PLANES, connection=Hotel())
    client.close()
    client.close()
    with pytest.raises(NoRenderer, match="closed"):
        client.begin()


def test_genlocked_is_refused_by_name() -> None:
    with pytest.raises(NotSupported, match="genlocked"):
        Client(WIDTH, HEIGHT, PLANES, sync=SyncMode.GENLOCKED, connection=Hotel())


def test_connect_says_how_to_start_a_renderer(tmp_path: Path) -> None:
    with (
        Client(WIDTH, HEIGHT, PLANES, connection=tmp_path / "connection.json") as client,
        pytest.raises(NoRenderer, match="worldplate serve"),
    ):
        client.connect(0.02)


# What else the engine may say.


def test_controls_are_told_before_the_next_frame_and_to_every_renderer(make: Make) -> None:
    stage = make(SyncMode.FREERUN)
    stage.client.set_controls({"sun": 3}, engine_objects=(4, 5))
    stage.client.set_controls({"prompt": "dusk"}, plate_far_m=50.0)
    stage.submit()
    (told,) = stage.renderer.controls()
    assert (told.values, told.engine_objects, told.plate_far_m) == ({"sun": 3, "prompt": "dusk"}, (4, 5), 50.0)
    assert told.engine_labels is None
    assert stage.renderer.seen.index(told) < stage.renderer.seen.index(stage.renderer.frames()[0])
    stage.replace_renderer()
    stage.submit()
    assert stage.renderer.controls() == [told]


def test_a_resize_takes_a_new_ring_and_gives_the_old_one_back(make: Make) -> None:
    stage = make(SyncMode.FREERUN, LatePolicy.REPROJECT)
    stage.generated()
    stage.show()
    pending = stage.submit()
    old = stage.renderer.buffers
    stage.client.resize(16, 6)
    assert ends(stage.client)[pending] is D
    slot = stage.client.begin()  # at once, while the session is agreed anew
    assert slot.inputs[PlaneName.COLOR].shape == (6, 16, 4)
    stage.attach()
    stage.generated()
    shown = stage.show()
    assert shown is not None
    assert shown.disposition is G
    assert shown.picture().shape == (6, 16, 4)
    if old is not None and old.generation:
        assert any(isinstance(m, Release) and m.generation == old.generation for m in stage.renderer.seen)
        assert stage.renderer.buffers is not None
        assert stage.renderer.buffers.generation > old.generation


def test_the_clock_is_asked_without_waiting(make: Make) -> None:
    stage = make(SyncMode.FREERUN)
    until(lambda: stage.client.clock() is not None, stage.client.tick)
    clock = stage.client.clock()
    assert clock is not None
    offset_ns, round_trip_ns = clock
    assert abs(offset_ns) <= round_trip_ns < 1e9  # one clock, so the offset is half the error at most


# Over real sockets, against a process that can be killed.

RENDERER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from scripted_renderer import ScriptedRenderer
from bridge import link
end = link.listen(None, runtime_dir=Path(sys.argv[1]))
renderer = ScriptedRenderer(end)
while True:
    renderer.pump(5)
    for frame_id in list(renderer.waiting):
        if not renderer.paint_if_there(frame_id):
            renderer.drop(frame_id)
"""


def serve(folder: Path) -> subprocess.Popen[bytes]:
    here = Path(__file__).parent
    return subprocess.Popen([sys.executable, "-c", RENDERER, str(folder), str(here)], cwd=here.parent)


@pytest.mark.parametrize("late", [LatePolicy.REPROJECT, LatePolicy.HOLD])
def test_renderers_that_are_killed_under_load_leave_no_torn_lost_or_backward_frame(
    tmp_path: Path, late: LatePolicy
) -> None:
    folder = connections.private_dir(tmp_path / "r")
    client = Client(WIDTH, HEIGHT, PLANES, late=late, connection=folder / connections.FILE_NAME)
    last_id, generated, submitted = 0, 0, 0
    for _ in range(3):
        with serve(folder) as process:
            good = 0
            while good < 20:
                assert process.poll() is None
                slot = client.begin()
                slot.inputs[PlaneName.COLOR][...] = color_value(slot.frame_id)
                slot.inputs[PlaneName.DEPTH][...] = 3.0
                slot.inputs[PlaneName.OBJECT][...] = 1
                client.submit(slot, CAMERA)
                submitted += 1
                time.sleep(0.002)
                shown = client.present()
                if shown is not None:
                    check_picture(shown)
                    assert shown.frame_id > last_id
                    last_id, good = shown.frame_id, good + (shown.disposition is G)
            generated += good
            process.kill()
            until(lambda: not client.attached, client.tick)
    client.close()
    assert sum(client.ledger.counts.values()) == submitted
    assert client.ledger.counts[G] == generated


def test_a_renderer_that_closes_takes_its_leave(tmp_path: Path) -> None:
    folder = connections.private_dir(tmp_path / "r")
    renderer = ScriptedRenderer(link.listen(None, runtime_dir=folder))
    with Client(WIDTH, HEIGHT, PLANES, connection=folder / connections.FILE_NAME) as client:
        until(lambda: client.attached, client.tick, renderer.pump)
        renderer.leave("done")
        renderer.end.close()
        until(lambda: not client.attached, client.tick)
        slot = client.begin()
        slot.inputs[PlaneName.COLOR][...] = 1
        client.submit(slot, CAMERA)
        shown = client.present()
        assert shown is not None
        assert shown.reason.startswith("done")
        assert np.all(shown.picture() == 1)


def test_formats_are_those_that_were_offered_first() -> None:
    planes = {PlaneName.COLOR: (PixelFormat.RGBA32F, PixelFormat.RGBA16F)}
    with Client(WIDTH, HEIGHT, planes, connection=Hotel()) as client:
        assert client.begin().inputs[PlaneName.COLOR].dtype == np.float32
