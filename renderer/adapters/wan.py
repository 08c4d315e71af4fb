"""Wan's transformers on the engine's planes, a block of pictures at a time: what `wan_causal` and `wan_gbuffer` load.

A folder holds one transformer and the tiny coder of its latents, as safetensors; umT5's encoder and tokenizer for
prompts that were not used before. Each tensor of the manifest's maps is a picture: `start` is what painting starts
from, every other goes into the network beside its noise, in the maps' order.

A block is always as long as the network was trained on. Frames that are missing stand before those that came, as the
oldest of them; after a reset the first latent is of one picture, which the coder takes four times. The schedule is that
of Self-Forcing (2506.08009) where `sampler` is "renoise": x = (1 - s) z + s n, z = x - s v, and a last pass over the
finished latents, whose keys and values the next block sees. That pass comes after the last plate is published.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import SnapshotCorrupt
from bridge.schema import Control, ControlType, PlaneName
from renderer.adapters.condition import Span
from renderer.adapters.encoder import Encoder
from renderer.adapters.families import card_of
from renderer.adapters.fitting import Fitting
from renderer.adapters.folder import ModelFolder
from renderer.adapters.wan_coder import PER_LATENT, UNSEEN, Memory
from renderer.adapters.wan_options import START, Options, conditions_of, first_step
from renderer.adapters.wan_stages import Reel, Stages
from renderer.adapters.wan_words import Words

if TYPE_CHECKING:
    from renderer.frame import RenderFrame
    from renderer.recall import World

F32 = NDArray[np.float32]


@dataclass(eq=False)
class Film:
    """A stream's state, the same object from chunk to chunk: nothing of a chunk counts in it until that is finished.
    Its reel goes back to the model when the stream forgets it."""

    reel: Reel
    span: Span | None = None
    goes_on: bool = False  # whether the next block follows on what was painted


class Wan:
    """A folder's networks, loaded. It is used from one thread. Equal planes, controls and seed give equal plates."""

    def __init__(self, folder: ModelFolder, stages: Stages, words: Words, options: Options, title: str) -> None:
        self._manifest, self.networks, self._words, self._options = folder.manifest, stages, words, options
        self._encoder = Encoder(self._manifest)
        self._beside = conditions_of(self._manifest)
        self._free: list[Reel] = []  # of streams that are over; their memory and graphs serve the next
        card = card_of(folder, title)
        optional = card.optional | {PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.MOTION}  # late frames are warped by
        controls = controls_of(options, starts=START in self._encoder.tensors)
        self.card = replace(card, optional=optional - card.needs, controls=controls)

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        """A chunk of one: it takes as long as a whole one."""
        for _ in self.steps([frame], world):
            pass

    def steps(self, frames: Sequence[RenderFrame], world: World) -> Iterator[None]:
        """Write each frame's plate, scene-linear, alpha 1. Raises MissingPlane, ModelFailed."""
        film = world.latents if isinstance(world.latents, Film) else self._film()
        reel, controls = film.reel, frames[-1].controls
        if not film.goes_on:
            reel.forget()
        pictures, span = self._pictures(frames, film)
        latents, coded = self.networks.condition(reel, pictures)
        beside = [latents[name] for name in self._beside]
        first = first_step(self._options, float(controls.get("strength", 1.0)))
        words = self._words.of(str(controls["prompt"]))
        noise = self._noise(world, reel, int(float(controls["seed"])), first)
        clean = self.networks.denoise(reel, latents.get(START), beside, noise, first, words)
        decoded: Memory = ()
        for at, (made, memory) in enumerate(self.networks.decode(reel, clean)):
            decoded = memory
            for number, picture in enumerate(made):
                for frame in shown_at(at * PER_LATENT + number, frames, self._options, goes_on=film.goes_on):
                    self._encoder.into_plate(self._fitting(frame).back(picture), frame.plate)
                    yield
        if self._options.causal:
            self.networks.finish(reel, clean, beside, words[0])
        reel.coded, reel.decoded, film.span, film.goes_on = coded, decoded, span, self._options.causal
        world.latents = film

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        if not isinstance(latents, Film) or latents.span is None:
            return {}
        span_m = np.array([latents.span.near_m, latents.span.far_m], np.float64)
        return {"span_m": span_m, "goes_on": np.array([latents.goes_on]), **latents.reel.arrays()}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        if not arrays:
            return None
        span_m, goes_on = arrays.get("span_m"), arrays.get("goes_on")
        if span_m is None or goes_on is None or span_m.shape != (2,) or not 0.0 < span_m[0] < span_m[1] < np.inf:
            raise SnapshotCorrupt(
                f"the snapshot's latents are not of {self.card.name}", fix="It was altered; take another snapshot."
            )
        film = self._film()
        film.span, film.goes_on = Span(float(span_m[0]), float(span_m[1])), bool(goes_on.all())
        if film.goes_on:
            self.networks.take(film.reel, arrays, tuple(self._encoder.tensors), self._manifest.size)
        return film

    def close(self) -> None:
        """Nothing is held beyond memory."""
        self._free.clear()

    def _film(self) -> Film:
        """Of a stream that begins."""
        film = Film(self._free.pop() if self._free else self.networks.reel())
        film.reel.forget()
        weakref.finalize(film, self._free.append, film.reel)
        return film

    def _pictures(self, frames: Sequence[RenderFrame], film: Film) -> tuple[dict[str, F32], Span]:
        """What the network sees of the frames: of each tensor the block's pictures [T, 3, H, W]."""
        size, span = self._manifest.size, film.span
        slots = slots_of(len(frames), self._options, goes_on=film.goes_on)
        pictures = {name: np.empty((len(slots), 3, size.height, size.width), np.float32)
                    for name in self._encoder.tensors}  # fmt: skip
        for slot, number in enumerate(slots):
            if slot and slots[slot - 1] == number:
                for each in pictures.values():
                    each[slot] = each[slot - 1]
                continue
            frame = frames[number]
            tensors, span = self._encoder.encode(frame.planes, frame.header.camera, span)
            for name, tensor in tensors.items():
                self._fitting(frame).into(tensor, pictures[name][slot])
        assert span is not None
        return pictures, span

    def _fitting(self, frame: RenderFrame) -> Fitting:
        return Fitting(self._manifest.size, frame.width, frame.height)

    def _noise(self, world: World, reel: Reel, seed: int, first: int) -> F32:
        """Of each step that is taken [steps, C, T, h, w]: another for each block, and the same in each run."""
        size, cell, options = self._manifest.size, self.networks.cell, self._options
        count = len(options.steps) - first if options.redraws else 1
        shape = count, self.networks.channels, options.block_latents, size.height // cell, size.width // cell
        rng = np.random.default_rng([world.seed % (1 << 63), seed % (1 << 63), world.epoch, reel.context.position])
        return rng.standard_normal(shape, np.float32)


def slots_of(frames: int, options: Options, *, goes_on: bool) -> list[int]:
    """Which of so many frames is each picture of the block that the coder takes."""
    count, first = PER_LATENT * options.block_latents, 0 if goes_on else UNSEEN
    return [max(0, max(slot, first) - count + frames) for slot in range(count)]


def shown_at(slot: int, frames: Sequence[RenderFrame], options: Options, *, goes_on: bool) -> list[RenderFrame]:
    """The frames whose plate is that picture of the block. A first block has three pictures less to show: of a chunk
    that is too long for it the oldest frames get one plate together."""
    count, first = PER_LATENT * options.block_latents, 0 if goes_on else UNSEEN
    return [frame for number, frame in enumerate(frames) if max(number + count - len(frames), first) == slot]


def controls_of(options: Options, *, starts: bool) -> tuple[Control, ...]:
    """What a person can turn: the prompt, the seed, and how much is painted anew where there is something to start
    from."""
    strength = Control(name="strength", type=ControlType.NUMBER, default=options.strength, minimum=0.05,
                       text="How much of each picture is painted anew; 1 forgets what was there.")  # fmt: skip
    return (
        Control(name="prompt", type=ControlType.TEXT, text="What the picture shows, and how.", default=options.prompt),
        Control(name="seed", type=ControlType.INTEGER, default=0, maximum=2**31 - 1, step=1.0,
                text="Another number, another noise to paint from."),
        *((strength,) if starts else ()),
    )  # fmt: skip
