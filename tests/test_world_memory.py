"""The memory's own process: fed beside the show, killed, hung, restarted, saved and loaded."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np
import psutil
import pytest
from memory_scene import WALL_ID, Scene

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.engine.embedded import FORMATS
from bridge.errors import InvalidValue, WorldMemoryLost
from bridge.schema import Disposition, Limits, PlaneName, RendererState, SyncMode, Transport
from renderer.bench.drifting import Drifting
from renderer.memory import world as world_module
from renderer.memory.model_files import glb, ply
from renderer.memory.world import WorldMemory
from renderer.serve import Renderer

BUDGET_MB = 150


@pytest.fixture
def memory() -> Iterator[WorldMemory]:
    """One that waits for its answers, so that the tests need no clock."""
    made = WorldMemory(BUDGET_MB, patient=True)
    yield made
    made.close()


def show(memory: WorldMemory, scene: Scene, gain: float = 1.0) -> None:
    """One frame that is due."""
    sight = scene.sight()
    memory.look(sight, scene.frame * 40_000_000, due=True, wanted=True)
    memory.await_recalled()
    memory.fuse(sight.view, scene.plate(gain))


def confidence(memory: WorldMemory, scene: Scene) -> float:
    """Of what the memory says of a view, on average."""
    sight = scene.sight()
    memory.look(sight, scene.frame * 40_000_000, due=False, wanted=True)
    memory.await_recalled()
    assert memory.latest is not None
    assert memory.latest.view is sight.view
    return float(memory.latest.source.colors[..., 3].mean())


def until(memory: WorldMemory, condition: str, value: int, limit_s: float = 120.0) -> None:
    end_s = time.monotonic() + limit_s
    while memory.counts[condition] < value:
        assert time.monotonic() < end_s, f"{condition} never came to {value}: {memory.counts}"
        memory.tick()
        time.sleep(0.005)


def test_a_place_comes_back_from_the_process_in_its_colours(memory: WorldMemory) -> None:
    for n in range(4):
        show(memory, Scene(frame=n + 1))
    assert confidence(memory, Scene(eye_x=0.2, frame=9)) > 0.4
    assert memory.latest is not None
    colors, trust = memory.latest.source.colors[..., :3], memory.latest.source.colors[..., 3:]
    sure = trust[..., 0] > 0.3
    truth = Scene(eye_x=0.2).paint()
    assert np.abs(colors / np.maximum(trust, 1e-6) - truth)[sure].mean() < 0.02
    assert memory.figures()["fused"] == 4
    assert memory.figures()["missed"] == memory.figures()["restarts"] == 0
    assert 0 < memory.figures()["bytes"] < BUDGET_MB * 1_000_000


def test_what_is_saved_and_loaded_is_the_same_and_a_clear_forgets_it(memory: WorldMemory) -> None:
    for n in range(3):
        show(memory, Scene(frame=n + 1, box_moves=True))
    arrays = memory.save()
    sure = confidence(memory, Scene(frame=5, box_moves=True))
    memory.clear()
    assert confidence(memory, Scene(frame=6, box_moves=True)) == 0.0
    memory.load(arrays)
    again = memory.save()
    assert arrays.keys() == again.keys()
    assert all(arrays[name].tobytes() == again[name].tobytes() for name in arrays)
    assert confidence(memory, Scene(frame=7, box_moves=True)) == sure
    with pytest.raises(InvalidValue, match=r"grid\.tsdf"):
        memory.load({**arrays, "grid.tsdf": arrays["grid.tsdf"][1:]})
    assert confidence(memory, Scene(frame=8, box_moves=True)) == sure  # and nothing has changed


def test_clears_at_every_frame_forget_every_time_and_cost_nothing(memory: WorldMemory) -> None:
    for n in range(5):
        memory.clear()
        assert confidence(memory, Scene(frame=2 * n + 1)) == 0.0
        show(memory, Scene(frame=2 * n + 2))
    assert memory.figures()["restarts"] == 0


def test_a_projection_that_cannot_be_remembered_is_said_and_the_show_goes_on(
    memory: WorldMemory, caplog: pytest.LogCaptureFixture
) -> None:
    flat = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    sight = Scene().sight()
    camera = msgspec.structs.replace(sight.view.camera, projection=flat)
    sight = replace(sight, view=replace(sight.view, camera=camera))
    for _ in range(2):
        memory.look(sight, 0, due=True, wanted=True)
        memory.fuse(sight.view, Scene().plate())
    show(memory, Scene(frame=3))
    memory.save()
    assert sum("perspective" in message for message in caplog.messages) == 1
    assert memory.figures()["fused"] == 1


def test_a_process_that_is_killed_is_replaced_counted_and_gets_the_last_checkpoint(
    memory: WorldMemory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(3):
        show(memory, Scene(frame=n + 1))
    memory.save()
    monkeypatch.setattr(memory, "_checkpoint_due_s", 0.0)
    before = confidence(memory, Scene(frame=4))  # after the checkpoint, which comes first
    first = memory.pid
    os.kill(first, signal.SIGKILL)
    show(memory, Scene(frame=5, eye_x=40.0))  # noticed here or at the next
    assert confidence(memory, Scene(frame=6)) == pytest.approx(before, rel=0.01)
    assert memory.pid != first
    assert memory.figures()["restarts"] == 1
    assert any("checkpoint" in message for message in caplog.messages)


def test_kills_at_random_while_fusing_never_stop_the_show() -> None:
    memory = WorldMemory(BUDGET_MB)
    try:
        draw, kills = random.Random(7), 0
        for n in range(60):
            sight = Scene(frame=n + 1, eye_x=0.01 * n).sight()
            memory.look(sight, n * 40_000_000, due=True, wanted=True)
            memory.await_recalled()
            memory.fuse(sight.view, Scene().plate())
            if n in (20, 40):
                os.kill(memory.pid, signal.SIGKILL)
                kills += 1
            time.sleep(draw.uniform(0.0, 0.02))
        until(memory, "restarts", 1)
        assert memory.figures()["restarts"] <= kills
        assert memory.figures()["missed"] > 0
        assert not memory.gone
    finally:
        memory.close()


def test_a_process_that_hangs_is_replaced(memory: WorldMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    show(memory, Scene())
    memory.save()
    memory.patient = False
    monkeypatch.setattr(world_module, "HUNG_S", 0.3)
    os.kill(memory.pid, signal.SIGSTOP)
    started_s = time.monotonic()
    sight = Scene(frame=2).sight()
    memory.look(sight, 0, due=True, wanted=True)
    assert time.monotonic() - started_s < 5.0  # it waited for nothing
    until(memory, "restarts", 1)


def test_processes_that_die_at_their_start_are_given_up_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    memory = WorldMemory(BUDGET_MB)
    try:
        until_s = time.monotonic() + 60.0
        while not memory.gone and time.monotonic() < until_s:
            sight = Scene().sight()
            memory.look(sight, 0, due=True, wanted=True)
            time.sleep(0.01)
        assert memory.gone
        assert memory.figures()["missed"] > 0
        with pytest.raises(WorldMemoryLost):
            memory.save()
        assert any("goes on without" in message for message in caplog.messages)
    finally:
        memory.close()


def test_a_session_has_its_memory_tells_its_figures_and_takes_it_along_when_it_ends() -> None:
    engine_end, renderer_end = memory_pair()
    renderer = Renderer(renderer_end, Drifting(), "", Limits(), memory_mb=BUDGET_MB)
    stop = threading.Event()
    loop = threading.Thread(target=renderer.run, args=(stop,))
    loop.start()
    try:
        formats = {p: (FORMATS[p],) for p in (PlaneName.COLOR, PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.LABEL)}
        client = Client(64, 40, formats, sync=SyncMode.OFFLINE, transports=(Transport.INLINE,), connection=engine_end)
        client.connect()
        for n in range(5):
            slot, scene = client.begin(), Scene(frame=n + 1)
            slot.inputs[PlaneName.COLOR][...], slot.inputs[PlaneName.DEPTH][...] = scene.color(), scene.depth_m()
            slot.inputs[PlaneName.OBJECT][...], slot.inputs[PlaneName.LABEL][...] = scene.objects(), scene.labels()
            client.submit(slot, scene.camera())
            shown = client.present()
            assert shown is not None
            assert shown.disposition is Disposition.GENERATED
        (status,) = renderer.ask(lambda r: [s.status(RendererState.RUNNING, "") for s in r.sessions]).result(60.0)
        assert status.memory["fused"] >= 1
        assert status.memory["missed"] == status.memory["restarts"] == 0
        (names,) = renderer.ask(lambda r: [[c.name for c in s.welcome.controls] for s in r.sessions]).result(60.0)
        assert names == ["warmth", "remember"]
        client.close()
    finally:
        stop.set()
        loop.join(60.0)
    assert not any("renderer.memory.worker" in " ".join(c.cmdline()) for c in psutil.Process().children())


def test_closing_leaves_no_process(memory: WorldMemory) -> None:
    pid = memory.pid
    memory.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_world_is_exported_as_a_mesh_and_as_points(memory: WorldMemory) -> None:
    wall = Scene(box_x=None)
    for n in range(3):
        show(memory, replace(wall, frame=n + 1))
    mesh, points = memory.arrays("mesh"), memory.arrays("points")
    assert len(mesh["triangles"]) > 500
    np.testing.assert_allclose(mesh["vertices_m"][:, 2], -3.0, atol=0.05)
    corner = mesh["vertices_m"][mesh["triangles"]]
    facing = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 2]
    assert (facing >= 0).mean() > 0.99  # towards the camera
    x, y = mesh["vertices_m"][:, 0], mesh["vertices_m"][:, 1]
    painted = np.stack([0.5 + 0.2 * np.sin(2 * x), 0.5 + 0.2 * np.cos(2 * y), np.full_like(x, 0.3)], axis=-1)
    assert np.abs(mesh["colors"] - painted).mean() < 0.03
    assert WALL_ID in set(wall.objects().ravel().tolist())

    binary = glb(mesh)
    assert binary[:4] == b"glTF"
    told = json.loads(binary[20 : 20 + struct.unpack("<I", binary[12:16])[0]])
    assert told["accessors"][0]["count"] == len(mesh["vertices_m"])
    assert told["accessors"][2]["count"] == mesh["triangles"].size
    assert all(view["byteOffset"] % 4 == 0 for view in told["bufferViews"])
    assert len(binary) == struct.unpack("<I", binary[8:12])[0]

    cloud = ply(points)
    header, _, body = cloud.partition(b"end_header\n")
    count = len(points["points_m"])
    assert f"element vertex {count}".encode() in header
    assert len(body) == count * (24 + 12 + 3)
    np.testing.assert_array_equal(np.frombuffer(body, "<f8", 3), points["points_m"][0])


def test_a_world_without_anything_is_exported_too() -> None:
    nothing = np.zeros((0, 3))
    assert glb({"vertices_m": nothing, "triangles": nothing.astype(np.int32), "colors": nothing})[:4] == b"glTF"
    assert b"element vertex 0\n" in ply({"points_m": nothing, "normals": nothing, "colors": nothing})


def test_a_fork_goes_on_from_the_same_places_and_neither_sees_what_the_other_is_shown(memory: WorldMemory) -> None:
    for n in range(3):
        show(memory, Scene(frame=n + 1))
    before = told(memory)
    twin = memory.fork()
    try:
        show(memory, Scene(eye_x=4.0, frame=4), 0.3)  # at once: before the twin has loaded anything
        assert told(twin) == before
        changed = told(memory)
        assert changed != before
        show(twin, Scene(eye_x=-4.0, frame=5), 0.7)
        assert told(twin) not in (before, changed)
        assert told(memory) == changed
        later = twin.fork()
        twin.clear()  # asked after the fork, and done before: what was forked stays
        memory.clear()
        try:
            assert confidence(later, Scene(frame=6)) > 0.3
            assert confidence(twin, Scene(frame=6)) == 0.0
        finally:
            later.close()
    finally:
        twin.close()


def test_a_fork_of_what_is_gone_begins_empty_and_says_so(memory: WorldMemory, caplog: pytest.LogCaptureFixture) -> None:
    show(memory, Scene())
    twin = memory.fork()
    try:
        memory.close()
        show(twin, Scene(frame=2))
        twin.await_recalled()
        assert twin.figures()["fused"] == 1
        assert "begins empty" in caplog.text
    finally:
        twin.close()


def told(memory: WorldMemory) -> dict[str, bytes]:
    """All that is remembered, but for the time."""
    return {name: array.tobytes() for name, array in memory.save().items() if name != "now_ms"}
