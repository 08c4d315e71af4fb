"""A folder of Wan's files as a model: what is known before anything is loaded is checked first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from safetensors.torch import load_file

from bridge.errors import ManifestInvalid, ModelMismatch
from renderer.adapters.families import MB, free_ram_mb
from renderer.adapters.filling import check_filled, fill
from renderer.adapters.folder import MANIFEST, ModelFolder
from renderer.adapters.parts import dtype_on
from renderer.adapters.wan import Wan
from renderer.adapters.wan_coder import TinyCoder
from renderer.adapters.wan_folder import Weights, named_weights, needs_of, transformer_dims
from renderer.adapters.wan_keys import Dims, renamed
from renderer.adapters.wan_network import Transformer, empty
from renderer.adapters.wan_options import Options, checked_options, conditions_of
from renderer.adapters.wan_room import Needs, check_memory
from renderer.adapters.wan_stages import Stages
from renderer.adapters.wan_text import prompts_of
from renderer.adapters.wan_words import Words
from renderer.models.probe import probe_frame
from renderer.recall import World

log = logging.getLogger("worldplate.adapters")


def load_wan(folder: ModelFolder, device_for: Callable[[], torch.device]) -> Wan:
    """`device_for` chooses the device once all else is known to be right. A model whose manifest does not say its
    response window is run until it does not get slower, so that the card says it. Raises ModelMismatch when the
    networks do not go together or with the maps, ModelIncomplete naming a network or tensor that is missing,
    ModelTooLarge with what would fit, ManifestInvalid, ConfigError, MissingDependency."""
    found = looked_into(folder)
    options = found.options
    check_free(folder, found.needs, options)
    device = device_for()
    half = torch.bfloat16 if device.type == "cuda" else torch.float32  # what Wan was trained in
    network, tiny = found.networks(device, half)
    tiny = tiny.to(device, dtype_on(device))
    stages = Stages(network, tiny, options, found.needs.tokens(folder.manifest.size))
    words = Words(prompts_of(folder, options), options, network.dims.text, network.where)
    words.of(options.prompt)  # before the show, should there be no way to
    model = Wan(folder, stages, words, options, f"torch {device.type} {str(half).removeprefix('torch.')}")
    return model if model.card.response_window_ms else with_window(model, options, folder)


@dataclass(frozen=True)
class Found:
    """A folder whose networks go together, by their headers: nothing is loaded yet."""

    folder: ModelFolder
    options: Options
    transformer: Weights
    coder: Weights
    needs: Needs

    def networks(self, device: torch.device, dtype: torch.dtype) -> tuple[Transformer, TinyCoder]:
        """The transformer on a device, and the coder on the CPU in single precision."""
        place = str(self.folder.path / self.coder.files[0])
        network = Transformer(self.needs.dims, _state(self.folder, self.transformer), device, dtype)
        state = {name: tensor.float() for name, tensor in _state(self.folder, self.coder).items()}
        return network, fill(TinyCoder(self.coder.shapes, place), state, place)


def looked_into(folder: ModelFolder) -> Found:
    """Raises what `load_wan` does, but for memory and prompts."""
    options = checked_options(folder)
    transformer, coder = (named_weights(folder, key, files) for key, files in
                          (("transformer", options.transformer), ("coder", options.coder)))  # fmt: skip
    dims = transformer_dims(folder, transformer)
    needs = needs_of(dims, transformer, coder)
    check_together(folder, dims, needs, coder)
    check_filled(empty(dims), {name: torch.empty(shape, device="meta") for name, shape in transformer.shapes.items()},
                 folder.path / transformer.files[0])  # fmt: skip
    return Found(folder, options, transformer, coder, needs)


def check_together(folder: ModelFolder, dims: Dims, needs: Needs, coder: Weights) -> None:
    """Raises ModelMismatch, ManifestInvalid."""
    maps, size = len(conditions_of(folder.manifest)), folder.manifest.size
    wanted = dims.out_channels * (1 + maps)
    place = folder.path / coder.files[0]
    channels = TinyCoder(coder.shapes, str(place)).channels
    if channels != dims.out_channels:
        raise ModelMismatch(
            f"{place} codes {channels} channels, and the transformer answers {dims.out_channels}",
            fix="Wan 2.1 goes with taew2_1.safetensors, Wan 2.2's 5B with taew2_2.safetensors.",
        )
    if dims.in_channels != wanted:
        raise ModelMismatch(
            f"the transformer of {folder.path} takes {dims.in_channels} channels, and its noise with {maps} maps beside"
            f" it makes {wanted}",
            fix="Let `maps` be those that it was trained on, in their order, or use the weights they were written for.",
        )
    cell = needs.cell * dims.patch[1]
    if size.width % cell or size.height % cell:
        raise ManifestInvalid(
            f"{folder.path / MANIFEST}: size is {size.width}x{size.height}", fix=f"Use multiples of {cell}."
        )


def check_free(folder: ModelFolder, needs: Needs, options: Options) -> None:
    """Raises ModelTooLarge, before anything is loaded."""
    if torch.cuda.is_available():
        check_memory(folder.manifest, needs, options, 2, torch.cuda.mem_get_info()[0] / MB, "the GPU's memory")
    else:
        check_memory(folder.manifest, needs, options, 4, free_ram_mb(), "this machine's memory")


def with_window(model: Wan, options: Options, folder: ModelFolder) -> Wan:
    """The same, with the response window that it has here: of a chunk that sees as much as it ever will."""
    size, names = folder.manifest.size, model.card.needs
    frames = [probe_frame(model.card, names, size.width, size.height, 1 + n) for n in range(options.pictures)]
    world, took_ms = World(seed=0), 0.0
    for _ in range(options.window_latents // options.block_latents + 2 if options.causal else 2):
        start_s = time.perf_counter()
        for _ in model.steps(frames, world):
            took_ms = (time.perf_counter() - start_s) * 1e3
    log.info("%s answers in %.0f ms here: `worldplate models check` writes that down", model.card.name, took_ms)
    model.card = replace(model.card, response_window_ms=round(took_ms, 1))
    return model


def _state(folder: ModelFolder, weights: Weights) -> dict[str, Any]:
    return {renamed(name): tensor for file in weights.files for name, tensor in load_file(folder.file(file)).items()}
