"""What a session's world remembers between frames, what it says of the one at hand, and when it must forget.

A world belongs to one stream of one session. A reset starts it anew, so that nothing of the shot before can reach a
plate after it. The session's streams share its long memory, since they look at one world: after a cut or a teleport its
places are still known, and a reset of the kind `new`, of any stream, forgets them for all. A fork is another world from
the fork on, and has a long memory of its own.
"""

from __future__ import annotations

import importlib
import logging
import zlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bridge.errors import MissingDependency
from bridge.reproject import View, compiled, widened
from bridge.schema import Control, ControlType, ControlValue, Frame, PlaneName, Reset, SyncMode, Welcome
from renderer.memory.prior import Prior, ShortMemory, prior_of
from renderer.memory.sight import Lit, Sight, lit_of, stride_of, thinned, usable_depth
from renderer.models import ModelCard, Recall

if TYPE_CHECKING:
    from renderer.frame import RenderFrame
    from renderer.memory.world import WorldMemory

REMEMBER = Control(
    name="remember",
    type=ControlType.NUMBER,
    text="How far a place that was seen before keeps the look it had: 0 as the model paints it anew, 1 as remembered.",
    default=0.8,
)
FUSE_EVERY_S = 0.2  # of a model whose plates are held to the memory
KEEP_EVERY_S = 1.0  # of a model whose plates are only kept, for snapshots and exports
log = logging.getLogger("worldplate.memory")


@dataclass
class World:
    """The persistent state of one stream: the seed, how far it has come, and which frame it saw last."""

    seed: int
    epoch: int = 0  # counts resets
    steps: int = 0  # frames seen since the reset
    last: Frame | None = None  # header of the frame before; None right after a reset
    latents: object = None  # the model's own, which it alone reads; None right after a reset
    memory: WorldMemory | None = None  # the session's, or a fork's own; the session closes it; None without
    forked: bool = False  # whether it is a fork, which shares its long memory with none
    short: ShortMemory = field(default_factory=ShortMemory)
    prior: Prior | None = None  # of the frame at hand, for a model that takes one; None where nothing can be said
    sight: Sight | None = None  # the memory's view of the frame at hand
    due: bool = False  # whether its plate is to be remembered for long

    def reset(self, kind: Reset = Reset.NEW) -> None:
        """Forget what is of this shot; after `new` the world's places too."""
        self.epoch += 1
        self.steps = 0
        self.last = None
        self.latents = None
        self.prior = self.sight = None
        self.short.forget()
        if self.memory is not None and kind is Reset.NEW:
            self.memory.clear()


def memory_for(card: ModelCard, welcome: Welcome, memory_mb: int) -> WorldMemory | None:
    """The long memory of a session, whose process is started; the session closes it. None where it is not wanted, or
    cannot be; then the log says why."""
    if memory_mb == 0 or card.recall is Recall.NONE:
        return None
    absent = {PlaneName.DEPTH, PlaneName.OBJECT} - {layout.name for layout in welcome.planes}
    if absent:
        log.info("this world has its short memory alone: the engine sends no %s plane", " and no ".join(sorted(absent)))
        return None
    from renderer.memory.world import WorldMemory

    try:
        return WorldMemory(memory_mb, patient=welcome.sync is SyncMode.OFFLINE)
    except MissingDependency as error:
        log.info("this world has its short memory alone: %s", error)
        return None


def warm_up(card: ModelCard) -> None:
    """Compile what the memory does in a frame of that model, or load it from where it was kept: before a show."""
    if card.recall in (Recall.MIXED, Recall.TAKEN):
        compiled()
    if card.recall is Recall.MIXED:
        importlib.import_module("renderer.memory.mix")


def controls_of(card: ModelCard) -> tuple[Control, ...]:
    """The model's controls, and that of the memory where plates are held to it."""
    return (*card.controls, REMEMBER) if card.recall is Recall.MIXED else card.controls


def arrive(world: World, header: Frame) -> None:
    """Bring the world up to this frame: forget on a reset, and count the step."""
    if header.reset is not Reset.NONE:
        world.reset(header.reset)
    world.steps += 1


def recall(world: World, frame: RenderFrame, card: ModelCard) -> None:
    """Bring the world up to this frame, and ask the memory what it knows."""
    header = frame.header
    arrive(world, header)
    world.prior, world.sight, world.due = None, None, False
    reminds = card.recall in (Recall.MIXED, Recall.TAKEN)
    if not reminds and (world.memory is None or card.recall is Recall.NONE):
        return
    if world.memory is not None:
        world.due = world.memory.is_due(world.steps, FUSE_EVERY_S if reminds else KEEP_EVERY_S)
    if PlaneName.DEPTH not in frame.planes or not (reminds or world.due):
        return
    world.sight = sight_of(frame, _lit_for(card))
    if world.memory is not None and world.sight.view.objects is not None:
        world.memory.look(world.sight, header.capture_ns, due=world.due, wanted=reminds)
    if card.recall is Recall.TAKEN:
        world.prior = _prior(world, header, frame)


def hold(world: World, frame: RenderFrame, card: ModelCard) -> None:
    """Hold the plate to what is remembered, for a model that could not itself: in place, before the matte is set."""
    if card.recall is not Recall.MIXED or world.sight is None:
        return
    from renderer.memory.mix import mix  # compiled

    strength = float(frame.controls[REMEMBER.name])
    if strength > 0.0:
        world.prior = _prior(world, frame.header, frame)
        mix(frame.plate, world.prior, strength)


def remember(world: World, frame: RenderFrame, card: ModelCard) -> None:
    """Keep what later frames may ask for."""
    world.last = frame.header
    if world.sight is None:
        return
    stride = stride_of(frame.height, frame.width)
    plate = frame.plate[::stride, ::stride]
    if card.recall is not Recall.KEPT:
        world.short.keep(world.sight.view, plate, frame.header.capture_ns, world.sight.look)
    if world.memory is not None and world.due:
        world.memory.fuse(world.sight.view, plate)


def _prior(world: World, header: Frame, frame: RenderFrame) -> Prior:
    assert world.sight is not None
    long = None
    if world.memory is not None:
        world.memory.await_recalled()
        long = world.memory.latest
    stride = stride_of(frame.height, frame.width)
    return prior_of(world.sight.view, stride, world.sight.look, header.capture_ns, long, world.short)


def _lit_for(card: ModelCard) -> Lit:
    """How the engine's light is read for that model: compiled where it is in every frame, and not once a second."""
    if card.recall is Recall.MIXED:
        from renderer.memory.mix import lit_of_halves

        return lit_of_halves
    return partial(lit_of, singles=widened) if card.recall is Recall.TAKEN else lit_of


def sight_of(frame: RenderFrame, lit: Lit = lit_of) -> Sight:
    """What the memory sees of a frame that has a depth plane: every n-th pixel, in arrays of its own."""
    stride, header, planes = stride_of(frame.height, frame.width), frame.header, frame.planes
    thin = {name: plane[::stride, ::stride] for name, plane in planes.items()}
    depth = usable_depth(thin[PlaneName.DEPTH])
    objects, labels, motion = (thin.get(p) for p in (PlaneName.OBJECT, PlaneName.LABEL, PlaneName.MOTION))
    shape = (int(depth.shape[0]), int(depth.shape[1]))
    view = View(
        header.id, thinned(header.camera, frame.height, frame.width, stride), header.bodies, depth,
        None if objects is None else objects.astype(np.uint32), motion,
    )  # fmt: skip
    seen = np.zeros(shape, np.uint8) if labels is None else labels.astype(np.uint8)
    return Sight(view, seen, lit(thin.get(PlaneName.COLOR), shape), look_of(frame.controls), 0)


def look_of(controls: dict[str, ControlValue]) -> int:
    """A number for the controls that a plate is made under; the memory's own strength is none of them."""
    told = {name: value for name, value in sorted(controls.items()) if name != REMEMBER.name}
    return zlib.crc32(msgspec.json.encode(told)) or 1  # 0 is a voxel that was never seen
