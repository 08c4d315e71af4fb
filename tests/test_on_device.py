"""The way to a device and back: what is copied and waited for is counted, captures keep what they use, one at a time.

There is no GPU here: the CPU is the device, and streams and graphs are stand-ins that write down what they are told.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from renderer.cuda.counters import Counted, Counters, Tally, per_frame, torch_allocations
from renderer.models.limn.model import Limn
from renderer.report import gpu_share, summary_table
from renderer.runtimes import Loaded, Step, on_device
from renderer.runtimes.on_device import Lane, Tensors, staged
from renderer.runtimes.relay import Relay
from renderer.runtimes.torch import Torch


class Cuda:
    """Streams and graphs of torch, written down."""

    def __init__(self) -> None:
        self.current: list[object] = []  # streams that torch queues to, the innermost last
        self.underway, self.most_underway, self.replays = 0, 0, 0
        self.busy = 0  # how often the stream says that it is
        self.stream = cast(torch.cuda.Stream, SimpleNamespace(query=self._is_idle, cuda_stream=7))

    def _is_idle(self) -> bool:
        self.busy -= 1
        return self.busy < 0

    @contextmanager
    def used(self, stream: object) -> Iterator[None]:
        self.current.append(stream)
        yield
        self.current.pop()

    def graph(self) -> object:
        def begin(capture_error_mode: str) -> None:
            assert (self.current[-1], capture_error_mode) == (self.stream, "thread_local")
            self.underway += 1
            self.most_underway = max(self.most_underway, self.underway)
            time.sleep(0.02)

        def end() -> None:
            self.underway -= 1

        def replay() -> None:
            assert self.current[-1] is self.stream
            self.replays += 1

        return SimpleNamespace(capture_begin=begin, capture_end=end, replay=replay)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    cuda = Cuda()
    monkeypatch.setattr(torch.cuda, "stream", cuda.used)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", cuda.graph)
    return cuda


def doubled(inputs: Tensors, outputs: Tensors) -> Step:
    def step() -> None:
        for x, y in zip(inputs, outputs, strict=True):
            y.copy_(2.0 * x)

    return step


def test_what_a_graph_works_on_lives_as_long_as_the_graph(cuda: Cuda) -> None:
    lane, scratch = Lane("cpu", cuda.stream), torch.zeros(4)
    held = weakref.ref(scratch)

    def step(_alive: torch.Tensor = scratch) -> None: ...

    replay = lane.captured(step)
    del step, scratch
    gc.collect()
    assert held() is not None
    replay()
    assert cuda.replays == 1
    del replay
    gc.collect()
    assert held() is None


def test_two_threads_do_not_capture_at_once(cuda: Cuda) -> None:
    lanes = [Lane("cpu", cuda.stream) for _ in range(3)]
    threads = [threading.Thread(target=lane.captured, args=(lambda: None,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cuda.most_underway == 1


def test_a_queue_that_waits_for_a_dead_engine_holds_up_nobody_for_ever(
    cuda: Cuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, cuda.busy = Lane("cpu", cuda.stream), 3
    lane.captured(lambda: None)
    assert cuda.busy < 0  # it came to rest in time
    monkeypatch.setattr(on_device, "REST_S", 0.01)
    cuda.busy = 10**9
    with pytest.raises(RuntimeError, match="did not come to rest"):
        lane.captured(lambda: None)
    assert (cuda.underway, lane.counters.cpu_waits) == (0, 2)


def test_a_step_that_fails_ends_its_capture(cuda: Cuda) -> None:
    def fail() -> None:
        raise ValueError("no such shape")

    with pytest.raises(ValueError, match="no such shape"):
        Lane("cpu", cuda.stream).captured(fail)
    assert cuda.underway == 0


def test_all_that_is_made_for_a_stream_is_made_on_it(cuda: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    zeros = torch.zeros

    def noted(*arguments: Any, **options: Any) -> torch.Tensor:
        made.append(cuda.current[-1] if cuda.current else None)
        return zeros(*arguments, **options)

    monkeypatch.setattr(torch, "zeros", noted)
    arrays = [np.ones((1, 4), np.float32)]
    staged(arrays, [np.zeros((1, 4), np.float32)], Lane("cpu", cuda.stream), doubled)
    assert made == [cuda.stream] * 2


def test_each_copy_and_each_wait_is_counted() -> None:
    lane = Lane("cpu")
    x, y = np.ones((1, 4), np.float32), np.zeros((1, 4), np.float32)
    more = np.ones((1, 2), np.float32)
    step = staged([x, more], [y, np.zeros((1, 2), np.float32)], lane, doubled)
    assert lane.counters == Counters()
    for _ in range(3):
        step()
    assert y.tolist() == [[2.0] * 4]
    assert lane.counters == Counters(
        frames=3, host_to_device_bytes=3 * 24, device_to_host_bytes=3 * 24, allocations=0, cpu_waits=3
    )
    assert per_frame(lane.counters.figures()) == {
        "host_to_device_bytes_per_frame": 24.0, "device_to_host_bytes_per_frame": 24.0, "allocations_per_frame": 0.0,
        "cpu_waits_per_frame": 1.0,
    }  # fmt: skip
    assert per_frame(Counters(cpu_waits=1).figures()) == {}


def test_torch_says_itself_how_often_it_took_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch_allocations() == 0  # there is no GPU in use here
    taken = {"num_device_alloc": 5}
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda: taken)
    counters = Counters(allocations=1)
    before = counters.so_far()
    assert before.allocations == 6
    taken["num_device_alloc"], counters.frames = 8, 2
    assert counters.since(before) == {
        "frames": 2, "host_to_device_bytes": 0, "device_to_host_bytes": 0, "allocations": 3, "cpu_waits": 0,
    }  # fmt: skip
    monkeypatch.delitem(sys.modules, "torch")
    assert torch_allocations() == 0


class Way:
    """A runtime with a way to a device that it tells of, or none."""

    def __init__(self, name: str, counters: Counters | None) -> None:
        self.name, self.counters = name, counters

    def bind(self, inputs: object, outputs: object) -> Step:
        return lambda: None


def test_a_session_is_told_of_the_way_of_whichever_runtime_served() -> None:
    first, second = Counters(frames=10, cpu_waits=10), Counters()
    relay = Relay(Loaded(Way("torch", first), "asked for"))
    model = SimpleNamespace(counters=lambda: relay.counters)
    tally = Tally(model)
    first.frames += 4
    assert tally.figures()["frames"] == 4
    relay.offer(Loaded(Way("tensorrt", second), "held to torch"))
    relay.settle()
    second.frames, second.host_to_device_bytes = 2, 64
    assert tally.figures() == {
        "frames": 6, "host_to_device_bytes": 64, "device_to_host_bytes": 0, "allocations": 0, "cpu_waits": 0,
    }  # fmt: skip


def test_where_no_gpu_serves_there_is_nothing_to_tell() -> None:
    assert Tally(object()).figures() == {}
    assert Tally(SimpleNamespace(counters=lambda: Relay(Loaded(Way("torch", None), "here")).counters)).figures() == {}
    assert issubclass(Limn, Counted)  # and tells what its runtime does
    assert Torch.counters is None


def test_a_report_says_that_no_gpu_serves_and_takes_it_for_no_cost_of_nothing() -> None:
    assert gpu_share({}, "openvino 2026.4 cpu fp32: the fastest here") == {
        "counted": False, "why": "the network runs on openvino 2026.4 cpu fp32: the fastest here",
    }  # fmt: skip
    told = gpu_share(
        Counters(frames=4, host_to_device_bytes=400, cpu_waits=4).figures(), "torch 2.11 cuda fp16: on the GPU"
    )
    assert told == {
        "counted": True, "host_to_device_bytes_per_frame": 100.0, "device_to_host_bytes_per_frame": 0.0,
        "allocations_per_frame": 0.0, "cpu_waits_per_frame": 1.0,
    }  # fmt: skip
    report: dict[str, Any] = {
        "model": "limn", "size": "64x36", "sync": "freerun", "fps": 25.0, "frame_age_ms": {}, "stages_ms": {},
        "frame_age_frames": {}, "ticks": 1, "engine_fps": 25, "dispositions": {"generated": 1},
        "host_copies_per_frame": 0.0, "engine_owned_pixels": 0, "engine_owned_differences": 0,
    }  # fmt: skip
    for share, words in (
        (told, "GPU: per frame host to device bytes 100, "),
        (gpu_share({}, "none"), "GPU: nothing to count, "),
    ):
        assert words in str(summary_table(report | {"gpu": share}).caption)
