"""The family `sd_turbo_control`: Stable Diffusion Turbo in one step, held to the engine's depth and normals by
ControlNets.

A folder holds diffusers' components: `unet`, `vae` (a tiny one or the full one), `scheduler`, and one ControlNet for
each tensor of the manifest's maps but `start`, which is the picture that painting starts from. Prompts need
`text_encoder` and `tokenizer`, or to have been used before.

A frame starts from the last picture where its points are now, from the engine's colour where they were not seen, and
from noise that moves along; so it is painted anew without flicker. The formulas are of Karras et al. 2022 (2206.00364),
as the Euler step of the published scheduler has them: x = z + sigma n, of which the network sees x / sqrt(sigma^2 + 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bridge.errors import ManifestInvalid
from bridge.schema import Control, ControlType, PlaneName
from renderer.adapters.condition import channels_of
from renderer.adapters.encoder import Encoder
from renderer.adapters.families import Proposal, card_of
from renderer.adapters.fitting import Fitting
from renderer.adapters.folder import MANIFEST, ModelFolder, options_of
from renderer.adapters.manifest import Fit, Unit
from renderer.adapters.past import Past, fresh_noise, noise_before, picture_before, view_of
from renderer.adapters.turbo_folder import CELL, START, proposed

if TYPE_CHECKING:
    from torch import nn

    from renderer.adapters.graphs import Graph
    from renderer.adapters.turbo import Turbo
    from renderer.frame import RenderFrame
    from renderer.recall import World

F32 = NDArray[np.float32]


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[options]` of this family."""

    prompt: str = "a photograph"  # until a person writes another
    strength: Unit = 0.5  # how much of a picture is painted anew, 0..1: of the schedule's steps, the one it starts at
    text_encoder_sha256: str = ""  # whose kept prompts are used where the folder has no text encoder


class SdTurboControl:
    """A folder's networks, loaded. It is used from one thread. Equal planes, controls and seed give equal plates."""

    def __init__(self, folder: ModelFolder, turbo: Turbo, options: Options) -> None:
        self._manifest, self._turbo = folder.manifest, turbo
        self._encoder = Encoder(self._manifest)
        card = card_of(folder, turbo.title)
        needs = card.needs | {PlaneName.DEPTH}  # by which the last frame is followed
        optional = (card.optional | {PlaneName.OBJECT, PlaneName.MOTION}) - needs
        self.card = replace(card, needs=needs, optional=optional, controls=controls_of(options, turbo.names))
        size = self._manifest.size
        self._cells = turbo.latent_channels, size.height // CELL, size.width // CELL
        self._inputs = {name: np.zeros((channels_of(maps), size.height, size.width), np.float32)
                        for name, maps in self._encoder.tensors.items()}  # fmt: skip

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        """Write the plate, float16 [H, W, 4], scene-linear, alpha 1. Raises MissingPlane, ModelFailed."""
        past = world.latents if isinstance(world.latents, Past) else None
        tensors, span = self._encoder.encode(frame.planes, frame.header.camera, None if past is None else past.span)
        view = view_of(frame)
        off = np.zeros((2, *self._cells[1:]), np.float32)
        noise = fresh_noise(world, int(float(frame.controls["seed"])), self._cells)
        if past is not None and past.picture.shape[1:] == view.depth_m.shape:
            tensors[START] = picture_before(past, view, tensors[START])
            noise, off = noise_before(past, view, noise)
        fitting = Fitting(self._manifest.size, frame.width, frame.height)
        for name, tensor in tensors.items():
            fitting.into(tensor, self._inputs[name])
        controls = frame.controls
        weights = {name: float(controls[name]) for name in self._turbo.names}
        answer = self._turbo.paint(self._inputs, noise, str(controls["prompt"]), float(controls["strength"]), weights)
        picture = fitting.back(answer)
        world.latents = Past(picture, noise, off, view, span)
        self._encoder.into_plate(picture, plate)

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return latents.arrays() if isinstance(latents, Past) else {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return Past.of(arrays) if arrays else None

    def stages(self) -> dict[str, list[nn.Module]]:
        """Its networks by what they do, for whoever measures them."""
        return self._turbo.stages()

    def close(self) -> None:
        """Nothing is held beyond memory."""


def controls_of(options: Options, names: Sequence[str]) -> tuple[Control, ...]:
    """What a person can turn: the prompt, how much is painted anew, the seed, and how far each ControlNet holds."""
    held = [Control(name=name, type=ControlType.NUMBER, default=1.0, maximum=2.0,
                    text=f"How far {name.removeprefix('controlnet_')} holds the picture.")
            for name in names]  # fmt: skip
    return (
        Control(name="prompt", type=ControlType.TEXT, text="What the picture shows, and how.", default=options.prompt),
        Control(name="strength", type=ControlType.NUMBER, default=options.strength, minimum=0.05,
                text="How much of each picture is painted anew; 1 forgets what was there."),
        Control(name="seed", type=ControlType.INTEGER, default=0, maximum=2**31 - 1, step=1.0,
                text="Another number, another noise to paint from."),
        *held,
    )  # fmt: skip


def load(folder: ModelFolder, *, runtime: str = "auto", threads: int = 1) -> SdTurboControl:
    """Sets torch's number of threads. Raises ModelMismatch when the networks do not go together or with the maps,
    ModelIncomplete naming a part or tensor that is missing, ModelTooLarge, ManifestInvalid, ConfigError,
    MissingDependency."""
    check_maps(folder)
    from renderer.adapters.parts import device_for
    from renderer.adapters.turbo import Turbo

    options, device = options_of(folder, Options), device_for(folder, runtime, threads)
    turbo = Turbo(folder, device, options.text_encoder_sha256)
    turbo.prompts.embedding(options.prompt)  # before the show, should there be no way to
    return SdTurboControl(folder, turbo, options)


def graphs(folder: ModelFolder) -> list[Graph]:
    """What a frame takes, as one network, and the text encoder. Raises what `load` does."""
    check_maps(folder)
    from renderer.adapters.turbo import graphs_of

    return graphs_of(folder, options_of(folder, Options).text_encoder_sha256)


def check_maps(folder: ModelFolder) -> None:
    """Raises ManifestInvalid for maps and sizes that this family cannot use."""
    manifest, place = folder.manifest, folder.path / MANIFEST
    size, names = manifest.size, {map_.into for map_ in manifest.maps}
    if size.fit is not Fit.STRETCH or size.width % CELL or size.height % CELL:
        raise ManifestInvalid(
            f"{place}: size is {size.width}x{size.height}, fit '{size.fit}'",
            fix=f"Use multiples of {CELL} in the engine's proportions, and fit 'stretch': noise is followed over all of"
            " it.",
        )
    start = [map_ for map_ in manifest.maps if map_.into == START]
    if channels_of(tuple(start)) != 3 or len(names) < 2:
        raise ManifestInvalid(
            f"{place}: maps go into {', '.join(sorted(names)) or 'nothing'}",
            fix=f"One map of color goes into '{START}', and at least one into a ControlNet, by its folder's name.",
        )


def propose(folder: Path, files: Sequence[Path]) -> Proposal | None:
    """A folder of diffusers' components, whose UNet takes four channels, with ControlNets of three."""
    return proposed(folder, files)
