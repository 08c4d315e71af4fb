"""The options of Wan's families, and what of a manifest they can use.

A block is what is painted at once: latents, the first of a stream standing for one picture and each other for four. A
causal model goes on from block to block by what it remembers; any other paints each chunk as a film of its own.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from msgspec import Meta, Struct

from bridge.errors import ManifestInvalid
from renderer.adapters.condition import channels_of
from renderer.adapters.folder import MANIFEST, ModelFolder, options_of
from renderer.adapters.manifest import Manifest, Map, Range, Unit

START = "start"  # the tensor that painting starts from
CELL = 16  # pixels that sides are a multiple of: two latents, which are a token
PER_LATENT = 4
Latents = Annotated[int, Meta(ge=0, le=64)]


class Sampler(StrEnum):
    """How one step leads to the next."""

    RENOISE = "renoise"  # the picture as it is thought to be, with fresh noise: what was distilled to few steps
    EULER = "euler"  # straight on along the velocity


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[options]` of `wan_causal` and `wan_gbuffer`."""

    transformer: tuple[str, ...] = ()  # files of the folder; several are parts of one
    coder: tuple[str, ...] = ()
    text_encoder: tuple[str, ...] = ()
    text_encoder_sha256: str = ""  # whose kept prompts are used where the folder has no text encoder
    causal: bool = True
    block_latents: Annotated[int, Meta(ge=1, le=21)] = 3
    window_latents: Latents = 18  # that a block sees of those before it
    sink_latents: Latents = 3  # of the window: the stream's first, which are always seen
    steps: Annotated[tuple[Annotated[float, Meta(gt=0.0, le=1000.0)], ...], Meta(min_length=1, max_length=100)] = (
        1000.0, 750.0, 500.0, 250.0,
    )  # fmt: skip
    shift: Annotated[float, Meta(ge=1.0, le=20.0)] = 5.0  # of the schedule, towards noise
    sampler: Sampler = Sampler.RENOISE
    guidance: Annotated[float, Meta(ge=1.0, le=20.0)] = 1.0  # away from `negative_prompt`; 1 is without it
    negative_prompt: str = ""
    prompt: str = "a photograph"  # until a person writes another
    strength: Unit = 0.5  # how much is painted anew: of the steps, those that are taken; 1 starts from noise alone

    @property
    def redraws(self) -> bool:
        """Whether each step takes noise of its own."""
        return self.sampler is Sampler.RENOISE

    @property
    def pictures(self) -> int:
        """Of a whole block, behind others or alone."""
        return PER_LATENT * self.block_latents - (0 if self.causal else PER_LATENT - 1)


def sigmas_of(options: Options) -> tuple[float, ...]:
    """The share of noise at each step: s t / (1 + (s - 1) t), as flow matching's shifted schedules have it."""
    unit = [step / 1000.0 for step in options.steps]
    return tuple(options.shift * t / (1.0 + (options.shift - 1.0) * t) for t in unit)


def first_step(options: Options, strength: float) -> int:
    """Of the steps, the one that painting starts at."""
    taken = max(1, round(strength * len(options.steps)))
    return len(options.steps) - min(taken, len(options.steps))


def conditions_of(manifest: Manifest) -> tuple[str, ...]:
    """The tensors that go into the network beside its noise, in the order of the maps."""
    return tuple(dict.fromkeys(map_.into for map_ in manifest.maps if map_.into != START))


def checked_options(folder: ModelFolder) -> Options:
    """Raises ManifestInvalid for what these families cannot use, naming the key."""
    options, manifest = options_of(folder, Options), folder.manifest
    for wrong, fix in _faults(options, manifest):
        if wrong:
            raise ManifestInvalid(f"{folder.path / MANIFEST}: {wrong}", fix=fix)
    return options


def _faults(options: Options, manifest: Manifest) -> list[tuple[str, str]]:
    """What is wrong, "" for each that is not, with the remedy."""
    size, block = manifest.size, options.block_latents
    kept = options.window_latents, options.sink_latents
    fits = all(count % block == 0 for count in kept) and (kept[1] < kept[0] or kept == (0, 0))
    names = dict.fromkeys(map_.into for map_ in manifest.maps)
    odd = [name for name in names if not _is_picture(tuple(m for m in manifest.maps if m.into == name))]
    falling = all(a > b for a, b in pairwise(options.steps))
    return [
        (f"size is {size.width}x{size.height}" if size.width % CELL or size.height % CELL else "",
         f"Use multiples of {CELL}."),
        (f"chunk_frames is {manifest.chunk_frames}" if manifest.chunk_frames != options.pictures else "",
         f"A block of {block} latents is {options.pictures} pictures: say that, or another block_latents."),
        (f"window_latents are {kept[0]} and sink_latents {kept[1]}" if options.causal and not fits else "",
         f"Use multiples of block_latents, {block}, the sink smaller than the window."),
        ("guidance needs causal = false" if options.causal and options.guidance != 1.0 else "",
         "What a causal model remembers is of one prompt: set guidance to 1."),
        (f"steps are {list(options.steps)}" if not falling else "", "Let each be smaller than the one before."),
        (f"the maps of '{odd[0]}' are no picture 0..1 of three channels" if odd else "",
         'Give each tensor one map of 3 channels with range "0..1" and without a mask: the coder takes pictures.'),
        (f"output range is '{manifest.output.range}'" if manifest.output.range is not Range.UNIT else "",
         'The coder answers "0..1".'),
        ("there is no map to paint from" if not names else "", f"Let color go into '{START}'."),
    ]  # fmt: skip


def _is_picture(maps: tuple[Map, ...]) -> bool:
    return len(maps) == 1 and channels_of(maps) == 3 and maps[0].range is Range.UNIT
