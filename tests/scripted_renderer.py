"""A renderer that does what a test tells it, frame by frame, over any link, in the test's own thread."""

from __future__ import annotations

import time

from bridge.door import Opened
from bridge.ends import RendererEnd, memory_pair
from bridge.errors import InvalidValue, RingCorrupt
from bridge.inline import InlineRendererBuffers
from bridge.planes import RendererBuffers, pack_layouts
from bridge.ring import RingReader
from bridge.schema import (
    AnyMessage,
    Bye,
    Camera,
    Disposition,
    Error,
    Frame,
    Hello,
    Limits,
    PixelFormat,
    PlaneName,
    Planes,
    PlanesAck,
    Pose,
    Result,
    SetControls,
    Transport,
    Welcome,
)

Formats = dict[PlaneName, tuple[PixelFormat, ...]]

PLANES: Formats = {
    PlaneName.COLOR: (PixelFormat.RGBA16F,),
    PlaneName.DEPTH: (PixelFormat.R32F,),
    PlaneName.OBJECT: (PixelFormat.R32UI,),
}
SESSION = "5" * 32
PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2002, 0.0, 0.0, -1.0, 0.0)
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=PROJECTION)


def color_value(frame_id: int) -> float:
    """What a test's engine fills the picture with: exact as a half float."""
    return float(frame_id % 512)


def plate_value(frame_id: int) -> float:
    """What `paint` fills a plate with: no engine picture of a test has it."""
    return color_value(frame_id) + 0.5


class ScriptedRenderer:
    """`pump` answers what opens a session; frames wait in `waiting` until the test says what becomes of them."""

    def __init__(self, end: RendererEnd, wanted: Formats = PLANES) -> None:
        self.end = end
        self.peer = b""
        self.session = SESSION  # the next one for each HELLO
        self.waiting: dict[int, tuple[Frame, tuple[memoryview, ...]]] = {}
        self.seen: list[AnyMessage] = []
        self.buffers: RendererBuffers | None = None
        self._wanted = wanted

    def pump(self, timeout_ms: float = 0.0) -> None:
        """Takes in all that has come."""
        while (arrived := self.end.receive(timeout_ms)) is not None:
            timeout_ms = 0.0
            self.peer = arrived.peer
            self.seen.append(arrived.message)
            match arrived.message:
                case Hello() as hello:
                    self._welcome(hello)
                case Planes() as planes:
                    self.buffers = RingReader.attach(planes, Limits())
                    self.send(PlanesAck(session=self.session, generation=planes.generation, ok=True))
                case Frame() as frame:
                    self.waiting[frame.id] = (frame, arrived.parts)
                case _:
                    pass
        self.beat()

    def beat(self) -> None:
        if self.buffers is not None:
            self.buffers.beat(time.monotonic_ns())

    def send(self, message: AnyMessage, parts: tuple[memoryview, ...] = ()) -> None:
        self.end.send(self.peer, message, parts)

    def paint(self, frame_id: int, matte: float = 1.0, *, warped_ms: float = 0.0) -> None:
        """The plate of that frame: `plate_value` everywhere. With `warped_ms` it is told as made of plates so old."""
        frame, parts = self.waiting.pop(frame_id)
        assert self.buffers is not None
        read = float(self.buffers.inputs(frame, parts)[PlaneName.COLOR][0, 0, 0])
        plate = self.buffers.begin_plate(frame)[PlaneName.PLATE]
        plate[...] = plate_value(frame_id)
        plate[..., 3] = matte
        done = self.buffers.commit_plate(frame)  # raises when the slot was taken back while it was read
        assert read == color_value(frame_id)
        how = (Disposition.REPROJECTED, "the model is behind") if warped_ms else (Disposition.GENERATED, "")
        self.send(result(frame, *how, outputs=self.buffers.part_layouts, age_ms=warped_ms), done)

    def paint_if_there(self, frame_id: int) -> bool:
        """False when the engine has given the frame's slot to another meanwhile."""
        waiting = self.waiting[frame_id]
        try:
            self.paint(frame_id)
        except (RingCorrupt, InvalidValue):
            self.waiting[frame_id] = waiting
            return False
        return True

    def drop(self, frame_id: int, disposition: Disposition = Disposition.DROPPED, reason: str = "told to") -> None:
        frame, _ = self.waiting.pop(frame_id)
        self.send(result(frame, disposition, reason))

    def fail(self, frame_id: int) -> None:
        frame, _ = self.waiting.pop(frame_id)
        self.send(Error(code="model_failed", text="told to fail", fix="Nothing.", frame_id=frame.id))

    def controls(self) -> list[SetControls]:
        return [message for message in self.seen if isinstance(message, SetControls)]

    def frames(self) -> list[Frame]:
        return [message for message in self.seen if isinstance(message, Frame)]

    def leave(self, reason: str = "told to") -> None:
        self.send(Bye(session=self.session, reason=reason))

    def _welcome(self, hello: Hello) -> None:
        formats = {p.name: p.formats[0] for p in hello.planes if p.name in self._wanted}
        inputs = pack_layouts(formats, hello.width, hello.height)
        outputs = pack_layouts({PlaneName.PLATE: PixelFormat.RGBA16F}, hello.width, hello.height)
        transport = hello.transports[0]
        if transport is Transport.INLINE:
            self.buffers = InlineRendererBuffers(inputs, outputs, Limits())
        self.session = f"{int(self.session, 16) + 1:032x}"
        self.send(
            Welcome(
                session=self.session,
                model="scripted",
                runtime="none",
                planes=inputs,
                outputs=outputs,
                transport=transport,
                stall_ms=50,
            )
        )


def result(frame: Frame, disposition: Disposition, reason: str = "", **fields: object) -> Result:
    return Result(
        session=frame.session,
        id=frame.id,
        generation=frame.generation,
        slot=frame.slot,
        disposition=disposition,
        reason=reason,
        capture_ns=frame.capture_ns,
        **fields,  # type: ignore[arg-type]
    )


class Hotel:
    """A door behind which one scripted renderer after the other lives, each over a pair of its own."""

    def __init__(self) -> None:
        self.renderer: ScriptedRenderer | None = None
        self._new: Opened | None = None

    def move_in(self, wanted: Formats = PLANES) -> ScriptedRenderer:
        engine_end, renderer_end = memory_pair()
        self._new = Opened(engine_end, "")
        self.renderer = ScriptedRenderer(renderer_end, wanted)
        return self.renderer

    def kill(self) -> None:
        if self.renderer is not None:
            self.renderer.end.close()
            self.renderer = None

    def open(self) -> Opened | None:
        opened, self._new = self._new, None
        return opened

    def moved(self) -> bool:
        return self._new is not None
