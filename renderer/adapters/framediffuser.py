"""The family `framediffuser`: Stable Diffusion 1.5 on ten channels of G-buffer and the frame before, for one scene.

A folder holds diffusers' components of Stable Diffusion 1.5 (`unet`, `vae`, `scheduler`, `text_encoder`, `tokenizer`)
and what was trained for the scene: `controlnet`, which looks at the manifest's maps, and a LoRA by which the UNet takes
the frame before. One map of color goes into `start`, the picture that stands for the frame before where there is none;
all others go into `controlnet`.

What its networks were trained on is kept (cgtuebingen/FrameDiffuser, 2512.16670): the irradiance of a frame is the luma
of the last picture over that of the last base colour, neither of them moved; and where there is nothing but sky, base
colour is the engine's own picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from bridge.errors import ManifestInvalid, SnapshotCorrupt
from bridge.schema import Control, ControlType
from renderer.adapters.condition import Span, channels_of, finished
from renderer.adapters.encoder import Encoder
from renderer.adapters.families import Proposal, card_of
from renderer.adapters.fitting import Fitting
from renderer.adapters.folder import MANIFEST, ModelFolder, options_of
from renderer.adapters.framediffuser_folder import MAPS, proposed
from renderer.adapters.manifest import Manifest, Map, Range, Source
from renderer.adapters.past import fresh_noise
from renderer.adapters.turbo_folder import CELL, START

if TYPE_CHECKING:
    from torch import nn

    from renderer.adapters.framediffuser_networks import Networks
    from renderer.adapters.graphs import Graph
    from renderer.frame import RenderFrame
    from renderer.recall import World

F32 = NDArray[np.float32]
REC601 = np.array([0.299, 0.587, 0.114], np.float32)  # luma of coded red, green and blue
DARK = 0.01  # luma of base colour, below which the light on it cannot be told
BRIGHTEST = 2.0  # of irradiance
BLACK = 10.0 / 255.0  # below which base colour and depth are sky


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[options]` of this family."""

    lora: str = "controllora.safetensors"  # the file by which the frame before comes in
    prompt: str = "a photograph"  # until a person writes another; the scene's own is best
    steps: Annotated[int, Meta(ge=1, le=50)] = 20  # of the sampler, for each frame
    text_encoder_sha256: str = ""  # whose kept prompts are used where the folder has no text encoder


@dataclass(frozen=True)
class Before:
    """What a stream's next frame builds on; arrays are its own."""

    latent: F32  # [C, H/8, W/8], of the last picture
    light: F32  # [H, W] of the engine's size, 0..1: its irradiance
    span: Span


class FrameDiffuser:
    """A folder's networks, loaded. It is used from one thread. Equal planes, controls and seed give equal plates."""

    def __init__(self, folder: ModelFolder, networks: Networks, options: Options) -> None:
        self._manifest, self.networks = folder.manifest, networks
        self._encoder = Encoder(self._manifest)
        self.card = replace(card_of(folder, networks.title), controls=controls_of(options))
        size = self._manifest.size
        self._cells = networks.latent_channels, size.height // CELL, size.width // CELL
        self._inputs = {name: np.zeros((channels_of(maps), size.height, size.width), np.float32)
                        for name, maps in self._encoder.tensors.items()}  # fmt: skip
        self._rows = rows_of(self._manifest)

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        """Write the plate, float16 [H, W, 4], scene-linear, alpha 1. Raises MissingPlane, ModelFailed."""
        before = world.latents if isinstance(world.latents, Before) else None
        if before is not None and before.light.shape != (frame.height, frame.width):
            before = None
        tensors, span, albedo = self._seen(frame, before)
        fitting = Fitting(self._manifest.size, frame.width, frame.height)
        for name, tensor in tensors.items():
            fitting.into(tensor, self._inputs[name])
        controls = frame.controls
        latent = self.networks.latents(self._inputs[START]) if before is None else before.latent
        answer = self.networks.paint(
            self._inputs[MAPS], latent, fresh_noise(world, int(float(controls["seed"])), self._cells),
            str(controls["prompt"]), int(float(controls["steps"])), float(controls["controlnet"]),
        )  # fmt: skip
        picture = fitting.back(answer)
        light = irradiance(picture * np.float32(0.5) + np.float32(0.5), albedo)
        world.latents = Before(self.networks.latents(answer), light, span)
        self._encoder.into_plate(picture, plate)

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        if not isinstance(latents, Before):
            return {}
        span_m = np.array([latents.span.near_m, latents.span.far_m], np.float64)
        return {"latent": latents.latent, "light": latents.light, "span_m": span_m}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        if not arrays:
            return None
        told = {name: (array.dtype, array.ndim) for name, array in arrays.items()}
        kinds = {"latent": (np.dtype(np.float32), 3), "light": (np.dtype(np.float32), 2),
                 "span_m": (np.dtype(np.float64), 1)}  # fmt: skip
        if (
            told != kinds or arrays["latent"].shape != self._cells or arrays["span_m"].shape != (2,)
            or not all(np.isfinite(array).all() for array in arrays.values())
            or not 0.0 < arrays["span_m"][0] < arrays["span_m"][1]
        ):  # fmt: skip
            raise SnapshotCorrupt(
                f"the snapshot's latents are not of {self.card.name}", fix="It was altered; take another snapshot."
            )
        near_m, far_m = (float(v) for v in arrays["span_m"])
        return Before(arrays["latent"], arrays["light"], Span(near_m, far_m))

    def stages(self) -> dict[str, list[nn.Module]]:
        """Its networks by what they do, for whoever measures them."""
        return self.networks.stages()

    def close(self) -> None:
        """Nothing is held beyond memory."""

    def _seen(self, frame: RenderFrame, before: Before | None) -> tuple[dict[str, F32], Span, F32]:
        """The tensors, the span of depths, and base colour as it is coded, 0..1 [3, H, W], before the sky is filled."""
        last, camera = None if before is None else before.span, frame.header.camera
        light = np.zeros((frame.height, frame.width), np.float32) if before is None else before.light
        tensors, span = self._encoder.encode(frame.planes, camera, last, {Source.IRRADIANCE: light})
        albedo = self._unit(tensors, Source.ALBEDO)
        if before is None:
            light = irradiance(self._unit(tensors, Source.COLOR), albedo)
            tensors, span = self._encoder.encode(frame.planes, camera, last, {Source.IRRADIANCE: light})
        self._fill_sky(tensors, albedo)
        return tensors, span, albedo

    def _fill_sky(self, tensors: Mapping[str, F32], albedo: F32) -> None:
        """Where both base colour and depth are black, the engine's own picture is the base colour."""
        if Source.DEPTH not in self._rows:
            return
        sky = (self._unit(tensors, Source.DEPTH)[0] < BLACK) & (albedo < BLACK).all(axis=0)
        map_, rows = self._rows[Source.ALBEDO]
        tensors[map_.into][rows][:, sky] = finished(self._unit(tensors, Source.COLOR)[:, sky], map_)

    def _unit(self, tensors: Mapping[str, F32], source: Source) -> F32:
        """One map [channels, H, W] in 0..1, in memory of its own."""
        map_, rows = self._rows[source]
        made = tensors[map_.into][rows]
        return made * np.float32(0.5) + np.float32(0.5) if map_.range is Range.SIGNED else made.copy()


def irradiance(picture: F32, albedo: F32) -> F32:
    """How bright a picture [3, H, W] is for its base colour [3, H, W], both coded 0..1, in 256 steps of 0..1; 1 is
    twice as bright, and whatever cannot be told."""
    shown, base = (np.tensordot(REC601, np.clip(each, 0.0, 1.0), 1) for each in (picture, albedo))
    ratio = np.where(base > DARK, shown / (base + 1e-6), BRIGHTEST)
    return np.asarray(np.floor(np.clip(ratio / BRIGHTEST, 0.0, 1.0) * 255.0) / 255.0, np.float32)


def rows_of(manifest: Manifest) -> dict[Source, tuple[Map, slice]]:
    """Where each source's map lies in its tensor; of two the first."""
    rows: dict[Source, tuple[Map, slice]] = {}
    filled: dict[str, int] = {}
    for map_ in manifest.maps:
        first = filled.get(map_.into, 0)
        rows.setdefault(map_.source, (map_, slice(first, first + map_.channels)))
        filled[map_.into] = first + map_.planes_wide
    return rows


def controls_of(options: Options) -> tuple[Control, ...]:
    """What a person can turn: the prompt, the sampler's steps, how far the G-buffer holds, and the seed."""
    return (
        Control(name="prompt", type=ControlType.TEXT, text="What the picture shows, and how.", default=options.prompt),
        Control(name="steps", type=ControlType.INTEGER, default=options.steps, minimum=1, maximum=50, step=1.0,
                text="How many times each picture is gone over; half of them take half the time."),
        Control(name="controlnet", type=ControlType.NUMBER, default=1.0, maximum=2.0,
                text="How far the engine's G-buffer holds the picture."),
        Control(name="seed", type=ControlType.INTEGER, default=0, maximum=2**31 - 1, step=1.0,
                text="Another number, another noise to paint from."),
    )  # fmt: skip


def load(folder: ModelFolder, *, runtime: str = "auto", threads: int = 1) -> FrameDiffuser:
    """Sets torch's number of threads. Raises ModelMismatch when the networks do not go together or with the maps,
    ModelIncomplete naming a part, layer or tensor that is missing, ModelTooLarge, ManifestInvalid, ConfigError,
    MissingDependency."""
    check_maps(folder)
    from renderer.adapters.framediffuser_networks import Networks
    from renderer.adapters.parts import device_for

    options, device = options_of(folder, Options), device_for(folder, runtime, threads)
    networks = Networks(folder, device, options.lora, options.text_encoder_sha256)
    networks.prompts.embedding(options.prompt)  # before the show, should there be no way to
    return FrameDiffuser(folder, networks, options)


def graphs(folder: ModelFolder) -> list[Graph]:
    """The layers that look at maps, one step, the picture coder's two ways, and the text encoder. Raises what `load`
    does."""
    check_maps(folder)
    from renderer.adapters.framediffuser_networks import graphs_of

    options = options_of(folder, Options)
    return graphs_of(folder, options.lora, options.text_encoder_sha256)


def check_maps(folder: ModelFolder) -> None:
    """Raises ManifestInvalid for maps and sizes that this family cannot use."""
    manifest, place = folder.manifest, folder.path / MANIFEST
    size, into = manifest.size, {map_.into for map_ in manifest.maps}
    if size.width % CELL or size.height % CELL:
        raise ManifestInvalid(f"{place}: size is {size.width}x{size.height}", fix=f"Use multiples of {CELL}.")
    start = tuple(map_ for map_ in manifest.maps if map_.into == START)
    known = {map_.source for map_ in manifest.maps if map_.into == MAPS}
    if into != {START, MAPS} or [map_.source for map_ in start] != [Source.COLOR] or start[0].planes_wide != 3:
        raise ManifestInvalid(
            f"{place}: maps go into {', '.join(sorted(into)) or 'nothing'}",
            fix=f"One map of color goes into '{START}', and all others into '{MAPS}'.",
        )
    if Source.ALBEDO not in known or start[0].range is not Range.SIGNED:
        raise ManifestInvalid(
            f"{place}: '{MAPS}' takes {', '.join(sorted(known))}, and '{START}' is {start[0].range}",
            fix=f"'{MAPS}' takes albedo among others, of which irradiance is made; '{START}' is {Range.SIGNED}.",
        )


def propose(folder: Path, files: Sequence[Path]) -> Proposal | None:
    """A folder of diffusers' components, whose ControlNet looks at more channels than a picture's three."""
    return proposed(folder, files)
