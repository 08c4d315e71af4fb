"""The headless Vulkan engine, a process of its own, on Mesa's driver for the CPU: the loop in which no pixel is copied.

It exports real Vulkan memory; what would be CUDA here maps that memory and runs the kernels' own source on the CPU
(tests/gpu_stand_in.py). Lavapipe exports no semaphores, so each side waits for itself, as the protocol has it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import native
import numpy as np
import pytest
from gpu_stand_in import StandIn

from bridge import link
from bridge.composite import composite
from bridge.errors import DeviceFailed
from bridge.handles import path_beside
from bridge.handles_linux import HandleDoor
from bridge.schema import Limits, PlaneName
from renderer.blend import blend_reference
from renderer.conformance.scene import FILE as SCENE, THINGS, body_pose, camera_pose
from renderer.conformance.shot import rotations
from renderer.conformance.truth import TAN, meet
from renderer.cuda.take import taker_of
from renderer.frame import Ownership
from renderer.models.passthrough import Passthrough
from renderer.serve import Renderer
from renderer.terms import GpuSide

HOME = Path(__file__).parent.parent / "plugins/native/gpu"
WIDTH, HEIGHT = 96, 54
FRAMES = 5


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the engine; what cannot be built here is said."""
    absent = [tool for tool in ("glslangValidator", "cmake") if shutil.which(tool) is None]
    absent += [file for file in ("/usr/include/vulkan/vulkan.h",) if not Path(file).exists()]
    if absent:
        reason = f"THE VULKAN ENGINE WAS NOT RUN: no {', '.join(absent)}: apt-get install glslang-tools libvulkan-dev"
        if os.environ.get("WORLDPLATE_REQUIRE_NATIVE"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("vulkan")
    choice = [f"-DWORLDPLATE_NATIVE={native.build()}", "-DCMAKE_CXX_FLAGS=-Werror", "-DCMAKE_UNITY_BUILD=ON"]
    for command in (
        ["cmake", "-S", str(HOME), "-B", str(folder), "-G", "Ninja", *choice],
        ["cmake", "--build", str(folder), "--parallel", "2"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return folder


@pytest.fixture(scope="module")
def uuid(program: Path) -> str:
    """Of the Vulkan device, told by the engine itself, to a renderer that has no GPU."""
    side = GpuSide(None, "there is no NVIDIA driver on this machine")
    with_none = House(side)
    try:
        told = with_none.run(program)
    finally:
        with_none.close()
    assert (told["transport"], told["generated"], told["frames"]) == ("none", 0, FRAMES)
    assert told["reason"] == side.why_not
    assert told["differing_pixels"] == 0  # its own picture, whole
    return str(told["uuid"])


class House:
    """A renderer on a thread, in a folder of its own."""

    def __init__(self, side: GpuSide) -> None:
        self._folder = tempfile.TemporaryDirectory()  # short: its path is a socket's
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o700)
        self.link = link.listen(None, runtime_dir=self.folder)
        self.renderer = Renderer(self.link, Passthrough(), self.link.connection.token, Limits(), gpu_side=side)
        self.door = HandleDoor(path_beside(self.folder, os.getpid()), taker_of(self.renderer))
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.renderer.run, args=(self.stop,))
        self.thread.start()

    def run(self, program: Path, *options: str) -> dict[str, Any]:
        command = [program / "vulkan_engine", SCENE, program, self.folder / "connection.json"]
        more = ["--frames", str(FRAMES), "--size", f"{WIDTH}x{HEIGHT}", *options]
        done = subprocess.run([*map(str, command), *more], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def close(self) -> None:
        self.stop.set()
        self.thread.join(20)
        self.door.close()
        self.link.close()
        self._folder.cleanup()


@pytest.fixture
def gpu(uuid: str, tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn.or_skip(tmp_path_factory.mktemp("kernels"), uuid, from_mesa=True)


@pytest.fixture
def house(gpu: StandIn) -> Iterator[House]:
    house = House(GpuSide(gpu, ""))
    yield house
    house.close()
    assert [memory.closed for memory in gpu.memories] == [1] * len(gpu.memories)


def planes_of(told: dict[str, Any], dump: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The last slot and the picture, as arrays."""
    content = dump.read_bytes()
    kinds = {"color": ("<f2", 4), "depth": ("<f4", 1), "normal": ("<f2", 4), "motion": ("<f2", 2), "object": ("<u4", 1)}
    kinds["plate"] = ("<f2", 4)
    found = {}
    for name, (dtype, channels) in kinds.items():
        flat = np.frombuffer(content, dtype, WIDTH * HEIGHT * channels, told["offsets"][name])
        found[name] = flat.reshape((HEIGHT, WIDTH, channels) if channels > 1 else (HEIGHT, WIDTH))
    picture = np.frombuffer(content, "<f2", WIDTH * HEIGHT * 4, told["slot_bytes"])
    return found | {"picture": picture.reshape(HEIGHT, WIDTH, 4)}


def test_planes_and_plates_stay_where_the_gpu_has_them(
    house: House, gpu: StandIn, program: Path, tmp_path: Path
) -> None:
    told = house.run(program, "--dump", str(tmp_path / "dump"))
    assert (told["transport"], told["reason"], told["generated"]) == ("cuda", "", FRAMES)
    assert told["differing_pixels"] == 0
    assert told["plate_pixels"] == FRAMES * WIDTH * HEIGHT
    assert told["semaphores"] or told["whole_at_once"] == FRAMES
    waits = 0 if told["semaphores"] else FRAMES
    assert gpu.counters.figures() | {"cpu_waits": 0} == {
        "frames": FRAMES, "host_to_device_bytes": 0, "device_to_host_bytes": 0, "allocations": 0, "cpu_waits": 0,
    }  # fmt: skip
    assert gpu.counters.cpu_waits == waits + 1  # one more when the hand-over is let go of
    found = planes_of(told, tmp_path / "dump")
    depth_m, index, normal = truth(FRAMES)
    agrees = found["object"] == index + 1
    assert agrees.mean() > 0.995  # single pixels on edges may fall to either side
    np.testing.assert_allclose(found["depth"][agrees], depth_m[agrees], rtol=1e-4)
    np.testing.assert_allclose(found["normal"][..., :3][agrees], normal[agrees], atol=2e-3)
    assert np.isfinite(found["motion"].astype(np.float32)).all()
    assert np.abs(found["motion"].astype(np.float32)).max() > 1e-3  # the camera moves


def truth(step: int) -> tuple[Any, Any, Any]:
    """Depth, row of THINGS (-1: sky) and normal of the known scene, ray by ray."""
    camera = camera_pose(step)
    u, v = (np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT
    x, y = np.meshgrid((2 * u - 1) * TAN * WIDTH / HEIGHT, (1 - 2 * v) * TAN)
    rays = np.stack([x, y, np.full(x.shape, -1.0)], -1) @ rotations(camera[3:]).T
    depth, index, normal = np.full(x.shape, np.inf), np.full(x.shape, -1), np.zeros(rays.shape)
    for number, thing in enumerate(THINGS):
        hit_m, facing = meet(camera[:3], rays, thing, body_pose(thing, step))
        nearer = hit_m < depth
        depth[nearer], index[nearer], normal[nearer] = hit_m[nearer], number, facing[nearer]
    return depth, index, normal


def test_what_is_the_engines_own_is_left_to_it_on_the_gpu_too(house: House, program: Path, tmp_path: Path) -> None:
    told = house.run(program, "--own", "1", "--own", "7", "--dump", str(tmp_path / "dump"))
    assert told["generated"] == FRAMES
    assert told["differing_pixels"] == 0
    found = planes_of(told, tmp_path / "dump")
    owned = np.isin(found["object"], [1, 7])
    assert 0 < owned.sum() < owned.size
    planes = {PlaneName.OBJECT: found["object"]}
    wanted = blend_reference(found["color"].copy(), planes, Ownership(objects=frozenset({1, 7})))
    assert np.array_equal(found["plate"].view(np.uint16), wanted.view(np.uint16))
    assert np.array_equal(found["picture"].view(np.uint16), composite(found["color"], wanted).view(np.uint16))


def test_who_looks_at_some_pictures_counts_those_alone(house: House, program: Path) -> None:
    told = house.run(program, "--look", "3")
    assert (told["generated"], told["own_from"]) == (FRAMES, 0)
    assert told["plate_pixels"] == 2 * WIDTH * HEIGHT  # of the third picture and of the last


def test_an_engine_on_another_gpu_shows_its_own_picture_and_says_why(house: House, program: Path) -> None:
    told = house.run(program, "--device", "f" * 32)
    assert (told["transport"], told["generated"], told["differing_pixels"]) == ("none", 0, 0)
    assert "the engine's planes are on GPU " + "f" * 32 in told["reason"]


def test_a_renderer_that_goes_leaves_the_engine_its_own_picture(
    house: House, gpu: StandIn, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = gpu.run

    def stop_after_two(*arguments: Any) -> None:
        run(*arguments)
        if gpu.counters.frames == 1:
            house.stop.set()

    monkeypatch.setattr(gpu, "run", stop_after_two)
    told = house.run(program, "--frames", "30")
    assert told["frames"] == 30
    assert 1 <= told["generated"] <= 3
    assert told["own_from"] == told["generated"] + 1  # from the next picture on
    assert told["shown_ns"] == sorted(told["shown_ns"])
    assert len(told["shown_ns"]) == 30
    assert told["differing_pixels"] == 0
    assert told["reason"] == "the renderer does not answer"


def test_an_engine_whose_planes_leave_the_gpu_shows_its_own_picture_and_says_to_what_it_was_moved(
    house: House, gpu: StandIn, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = gpu.run

    def lost_after_two(*arguments: Any) -> None:
        if gpu.counters.frames == 2:
            raise DeviceFailed("cuLaunchKernel failed with CUDA_ERROR_LAUNCH_FAILED", fix="None.")
        run(*arguments)

    monkeypatch.setattr(gpu, "run", lost_after_two)
    told = house.run(program)
    assert (told["frames"], told["generated"], told["own_from"]) == (FRAMES, 2, 3)
    assert (told["transport"], told["moved_to"], told["differing_pixels"]) == ("none", "shm", 0)
    assert told["reason"] == "planes left the GPU: cuLaunchKernel failed with CUDA_ERROR_LAUNCH_FAILED"


def test_an_engine_goes_on_when_the_model_is_changed(
    house: House, gpu: StandIn, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WELCOME comes then too, between two frames."""
    run = gpu.run

    def and_welcome(*arguments: Any) -> None:
        run(*arguments)
        (session,) = house.renderer.sessions
        house.link.send(session.peer, session.welcome)

    monkeypatch.setattr(gpu, "run", and_welcome)
    told = house.run(program)
    assert (told["transport"], told["generated"], told["moved_to"]) == ("cuda", FRAMES, "")
