"""An engine that comes late takes over between two frames, only when its plates are torch's, and hands back when it
breaks; ONNX Runtime stands for TensorRT, all else is as it is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from late_engine import LateOrt
from test_limn_fused import court
from test_runtimes import LIGHTS

from bridge.errors import ConfigError, ModelFailed
from renderer.models.limn.held import profile, shapes_of
from renderer.models.limn.model import FOLDER, ONNX, Limn
from renderer.runtimes import F32, Loaded, Step
from renderer.runtimes.engine_build import Building, make
from renderer.runtimes.engine_cache import EngineCache
from renderer.runtimes.engines import Order
from renderer.runtimes.relay import Relay

ROOT = FOLDER.parents[2]
LIMIT_S = 120.0  # of a busy machine


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineCache:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))  # for the process that builds
    return EngineCache(tmp_path / "engines", tmp_path / "engines.key")


def shown_until(limn: Limn, wanted: Callable[[], bool], *, steady: bool = False) -> list[str]:
    """What the runtime is called from frame to frame, each name once, until `wanted`, and one frame more."""
    frame, names, limit_s = court(64, 36), [limn.card.runtime], time.monotonic() + LIMIT_S
    over = False
    while not over:
        assert time.monotonic() < limit_s
        over = wanted()
        plate = limn.paint(*frame, LIGHTS[0], steady=steady)
        assert np.isfinite(plate).all()
        names += [limn.card.runtime] if limn.card.runtime != names[-1] else []
    return names


@pytest.fixture
def serve(cache: EngineCache) -> Iterator[Callable[[LateOrt], Limn]]:
    limns: list[Limn] = []

    def start(maker: LateOrt) -> Limn:
        limns.append(Limn(runtime="torch", maker=maker, engines=cache))
        return limns[-1]

    yield start
    for limn in limns:
        limn.close()
        limn.close()


def done(limn: Limn) -> Callable[[], bool]:
    late = limn.late
    assert late is not None
    return lambda: late.done


def test_torch_serves_at_once_and_the_engine_takes_over_when_it_is_held_to_it(
    serve: Callable[[LateOrt], Limn], caplog: pytest.LogCaptureFixture
) -> None:
    limn = serve(LateOrt())
    assert limn.card.runtime.startswith("torch")
    names = shown_until(limn, done(limn))
    assert names[1].startswith("torch")
    assert names[1].endswith("is being built")
    assert names[-1].startswith("onnxruntime")
    assert "held to torch" in names[-1]
    again = shown_until(serve(LateOrt()), done(limn))  # from the cache: nothing is built
    assert not any("built" in name for name in again)


def test_nothing_takes_over_while_a_take_is_recorded_or_the_engine_renders_offline(
    serve: Callable[[LateOrt], Limn],
) -> None:
    limn = serve(LateOrt())
    before = limn.card.runtime
    assert shown_until(limn, done(limn), steady=True) == [before]
    assert shown_until(limn, lambda: True)[-1].startswith("onnxruntime")
    assert limn.card.runtime_why.startswith("limn: held to torch, ")


def test_an_engine_that_differs_is_not_taken_and_the_difference_is_told(serve: Callable[[LateOrt], Limn]) -> None:
    limn = serve(LateOrt(louder=1.5))
    names = shown_until(limn, done(limn))
    assert all(name.startswith("torch") for name in names)
    assert "differs, " in names[-1]
    assert names[-1].endswith("dB of 50")


def test_a_process_that_dies_while_it_builds_costs_no_frame(serve: Callable[[LateOrt], Limn]) -> None:
    limn = serve(LateOrt(dies=True))
    names = shown_until(limn, done(limn))
    assert names[-1].startswith("torch")
    assert "no late ort" in names[-1]


def test_an_engine_that_was_tampered_with_is_built_anew(
    serve: Callable[[LateOrt], Limn], cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    order = Order(LateOrt(), FOLDER / ONNX, profile())
    make(order, cache)
    path = cache.path_of(order.identity())
    path.write_bytes(path.read_bytes()[:-1] + b"\0\1")
    limn = serve(LateOrt())
    assert shown_until(limn, done(limn))[-1].startswith("onnxruntime")
    assert "was altered" in caplog.text
    assert cache.find(order.identity()) is not None


def test_an_engine_that_the_library_does_not_take_any_more_is_built_anew(
    serve: Callable[[LateOrt], Limn], cache: EngineCache, caplog: pytest.LogCaptureFixture
) -> None:
    order = Order(LateOrt(), FOLDER / ONNX, profile())
    cache.keep(order.identity(), b"of another release")
    limn = serve(LateOrt())
    assert shown_until(limn, done(limn))[-1].startswith("onnxruntime")
    assert "none of ONNX Runtime's; it is built anew" in caplog.text


def test_closing_ends_the_process_that_builds(serve: Callable[[LateOrt], Limn]) -> None:
    limn = serve(LateOrt(pause_s=LIMIT_S))
    shown_until(limn, lambda: limn.card.runtime.endswith("is being built"))
    assert limn.late is not None
    started_s = time.monotonic()
    limn.close()
    while not limn.late.done:
        assert time.monotonic() - started_s < LIMIT_S / 2
        time.sleep(0.01)
    assert time.monotonic() - started_s < LIMIT_S / 2
    assert limn.card.runtime.startswith("torch")


OWNER = """
import sys, time
from pathlib import Path
from late_engine import LateOrt
from renderer.models.limn.held import profile
from renderer.runtimes.engine_build import Building
from renderer.runtimes.engine_cache import EngineCache
from renderer.runtimes.engines import Order

folder = Path(sys.argv[1])
order = Order(LateOrt(pause_s=600.0), folder / "network.onnx", profile())
print(Building(order, EngineCache(folder, folder / "key")).pid, flush=True)
time.sleep(600.0)
"""


@pytest.mark.usefixtures("cache")  # for its environment
def test_the_process_that_builds_ends_with_its_owner_however_that_ends(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        os.kill(child, 0)  # it is there
        owner.kill()
    limit_s = time.monotonic() + LIMIT_S
    while Path(f"/proc/{child}/cmdline").exists() and b"engine_build" in Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < limit_s
        time.sleep(0.05)


class Plus:
    """A runtime that adds `step`, and breaks when it is told to."""

    counters = None

    def __init__(self, name: str, step: float, *, sizes: Sequence[int] = (4, 8)) -> None:
        self.name, self.step, self.sizes, self.breaks = name, step, sizes, False

    def bind(self, inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        if inputs[0].size not in self.sizes:
            raise ModelFailed(f"{self.name} takes no {inputs[0].size}", fix="Send another.")

        def step() -> None:
            if self.breaks:
                raise RuntimeError("the device is lost")
            outputs[0][:] = inputs[0] + self.step

        return step


def arrays(size: int = 4) -> tuple[list[F32], list[F32]]:
    return [np.zeros(size, np.float32)], [np.zeros(size, np.float32)]


def test_the_change_comes_between_two_frames_and_to_every_size() -> None:
    relay, second = Relay(Loaded(Plus("first", 1.0), "asked for")), Plus("second", 2.0)
    small, large = arrays(), arrays(8)
    step = relay.bind(*small)
    relay.offer(Loaded(second, "held"))
    late = relay.bind(*large)  # after the offer was bound to what was there
    step()
    assert small[1][0][0] == 1.0  # it was offered, and nobody has said that a frame has ended
    assert relay.settle()
    assert relay.label == "second: held"
    step(), late()
    assert (small[1][0][0], large[1][0][0]) == (2.0, 2.0)
    newest = arrays()
    relay.bind(*newest)()
    assert newest[1][0][0] == 2.0
    assert not relay.settle()


def test_an_engine_that_breaks_while_it_serves_costs_no_frame(caplog: pytest.LogCaptureFixture) -> None:
    relay, second, buffers = Relay(Loaded(Plus("first", 1.0), "asked for")), Plus("second", 2.0), arrays()
    step = relay.bind(*buffers)
    relay.offer(Loaded(second, "held"))
    relay.settle()
    second.breaks = True
    step()
    assert buffers[1][0][0] == 1.0  # of the same call
    assert relay.settle()
    assert relay.label == "first: second broke: the device is lost"
    assert "the device is lost" in caplog.text
    second.breaks = False
    step()
    assert buffers[1][0][0] == 1.0


def test_an_engine_that_does_not_take_a_size_hands_back() -> None:
    relay, second, buffers = Relay(Loaded(Plus("first", 1.0), "")), Plus("second", 2.0, sizes=[4]), arrays(8)
    relay.offer(Loaded(second, "held"))
    relay.settle()
    relay.bind(*buffers)()
    assert buffers[1][0][0] == 1.0
    assert relay.name == "first"


def test_bindings_of_pictures_that_are_gone_are_let_go() -> None:
    relay = Relay(Loaded(Plus("first", 1.0), ""))
    step = relay.bind(*arrays())
    bound: list[int] = []
    second = Plus("second", 2.0)
    del step
    original = second.bind

    def counting(inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        bound.append(inputs[0].size)
        return original(inputs, outputs)

    second.bind = counting  # type: ignore[method-assign]
    relay.offer(Loaded(second, ""))
    assert bound == []


def test_what_building_raises_is_raised_by_name_on_this_side(cache: EngineCache, tmp_path: Path) -> None:
    missing = Order(LateOrt(), tmp_path / "network.onnx", profile())
    (tmp_path / "network.onnx").write_bytes(b"no network")
    with pytest.raises(ModelFailed, match="the engine"):
        Building(missing, cache).wait()
    cache.key_file.write_text("no key")
    cache.key_file.chmod(0o600)
    with pytest.raises(ConfigError, match=r"engines\.key"):
        Building(Order(LateOrt(), FOLDER / ONNX, profile()), cache).wait()


@pytest.mark.parametrize("size", [(1, 1), (64, 36), (500, 333), (1280, 720), (1080, 1920), (3840, 2160)])
def test_the_profile_takes_every_picture_up_to_4k_in_the_shapes_that_it_has(size: tuple[int, int]) -> None:
    shapes = shapes_of(*size)
    assert profile().takes(shapes)
    assert not profile().takes(shapes_of(7680, 4320))
    if size[0] <= 500:
        inputs = Limn(runtime="torch").canvas(*size).inputs()
        assert {name: array.shape for name, array in inputs.items()} == shapes
