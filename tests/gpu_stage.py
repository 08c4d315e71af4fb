"""A renderer with a stand-in for a GPU, and an engine that speaks the protocol by hand."""

from __future__ import annotations

import mmap
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gpu_stand_in import UUID, StandIn

from bridge import handles
from bridge.handles import Offer
from bridge.handles_linux import HandleDoor, send
from bridge.link import memory_pair
from bridge.planes import payload_bytes, place
from bridge.schema import (
    AnyMessage,
    Camera,
    Frame,
    HandleKind,
    Hello,
    Limits,
    PixelFormat,
    PlaneName,
    PlaneOffer,
    PlanesAck,
    Pose,
    Status,
    Transport,
    Welcome,
)
from renderer.cuda.take import taker_of
from renderer.models import WorldModel
from renderer.models.passthrough import Passthrough
from renderer.serve import Renderer
from renderer.terms import GpuSide

WIDTH, HEIGHT, SLOTS = 16, 8, 3
FORMATS = {
    PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.DEPTH: PixelFormat.R32F, PlaneName.OBJECT: PixelFormat.R32UI,
}  # fmt: skip
PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.2, 0.0, 0.0, -1.0, 0.0)
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=PROJECTION)
BOTH = (Transport.CUDA, Transport.SHM)


class Stage:
    """A renderer with a stand-in for a GPU, and an engine that speaks the protocol by hand."""

    def __init__(self, gpu: StandIn, folder: Path, model: WorldModel | None = None) -> None:
        """Without a model it serves passthrough."""
        self.gpu = gpu
        self.end, self.link = memory_pair()
        self.renderer = Renderer(self.link, model or Passthrough(), "token", Limits(), gpu_side=GpuSide(gpu, ""))
        self.door = HandleDoor(handles.path_beside(folder, os.getpid()), taker_of(self.renderer))
        self.memory: mmap.mmap | None = None

    def hello(self, **changes: Any) -> AnyMessage:
        offers = tuple(PlaneOffer(name=name, formats=(form,)) for name, form in FORMATS.items())
        hello = Hello(
            token="token", client="test", pid=os.getpid(), width=WIDTH, height=HEIGHT, planes=offers, transports=BOTH,
            device=UUID,
        )  # fmt: skip
        return self.ask(msgspec.structs.replace(hello, **changes))

    def ask(self, message: AnyMessage) -> AnyMessage:
        """What answers it, STATUS aside."""
        assert self.end.send(message)
        self.renderer.step(0.0)
        return self.next()

    def next(self) -> AnyMessage:
        for _ in range(2000):
            received = self.end.receive()
            if received is None:
                self.renderer.step(0.0)
                time.sleep(0.001)
            elif not isinstance(received[0], Status):
                return received[0]
        pytest.fail("no answer")

    def offer(self, welcome: Welcome, **changes: Any) -> Offer:
        inputs = place(welcome.planes, 0)
        outputs = place(welcome.outputs, payload_bytes(inputs))
        slot_bytes = payload_bytes((*inputs, *outputs))
        offer = Offer(
            HandleKind.VULKAN_FD, welcome.session, UUID, 1, SLOTS * slot_bytes, slot_bytes, SLOTS, inputs, outputs
        )
        return replace(offer, **changes)

    def send(self, offer: Offer, *, like: str = "memfd") -> None:
        """Hands it over, with real file descriptors."""
        memory = os.memfd_create("planes") if like == "memfd" else os.open(__file__, os.O_RDONLY)
        if like == "memfd":
            os.ftruncate(memory, max(offer.memory_bytes, 1))
            self.memory = mmap.mmap(memory, 0)
        fds = [memory, *(os.memfd_create("semaphore") for _ in range(offer.semaphores))]
        send(self.door.path, offer, fds)
        for fd in fds:
            os.close(fd)

    def handed_over(self, **changes: Any) -> tuple[Welcome, Offer]:
        welcome = self.hello()
        assert isinstance(welcome, Welcome)
        assert welcome.transport is Transport.CUDA
        offer = self.offer(welcome, **changes)
        self.send(offer)
        assert self.next() == PlanesAck(session=welcome.session, generation=offer.generation, ok=True)
        return welcome, offer

    def close(self) -> None:
        stop = threading.Event()
        stop.set()
        self.renderer.run(stop)
        self.door.close()
        self.end.close()
        assert [memory.closed for memory in self.gpu.memories] == [1] * len(self.gpu.memories)
        assert [timeline.closed for timeline in self.gpu.timelines] == [1] * len(self.gpu.timelines)


def frame_of(welcome: Welcome, number: int, slot: int, **changes: Any) -> Frame:
    frame = Frame(session=welcome.session, id=number, generation=1, slot=slot, capture_ns=1, camera=CAMERA)
    return msgspec.structs.replace(frame, **({"ready_value": number} | changes))
