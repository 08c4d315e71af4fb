"""What a session's world remembers between frames, and when it must forget.

A world belongs to one stream of one session. A reset (cut, teleport, or the engine's own request) starts it anew, so
nothing from before the break can reach a plate after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.schema import Frame, Reset


@dataclass
class World:
    """The persistent state of one stream: the seed, how far it has come, and which frame it saw last."""

    seed: int
    epoch: int = 0  # counts resets
    steps: int = 0  # frames seen since the reset
    last: Frame | None = None  # header of the frame before; None right after a reset
    latents: object = None  # the model's own, which it alone reads; None right after a reset

    def reset(self) -> None:
        self.epoch += 1
        self.steps = 0
        self.last = None
        self.latents = None


def recall(world: World, frame: Frame) -> None:
    """Bring the world up to this frame: forget on a reset, and count the step."""
    if frame.reset is not Reset.NONE:
        world.reset()
    world.steps += 1


def remember(world: World, frame: Frame) -> None:
    """Keep what the next frame may ask for."""
    world.last = frame
