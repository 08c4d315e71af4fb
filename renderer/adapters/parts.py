"""The networks of a model folder in diffusers' layout: one sub-folder each, with its configuration and its weights.

The libraries fill what is missing from a file with random numbers and say so in a log alone; here every tensor of the
file and every one of the network must be the other's, by name and shape. Nothing is looked up on a hub.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import ConfigError, MissingDependency, ModelIncomplete, ModelMismatch

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # the libraries read it when they are imported

try:
    import diffusers
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError as error:
    raise MissingDependency(
        f"models of this family need diffusers, transformers and torch: {error}",
        fix='Install them with `pip install "worldplate[adapters]"`.',
    ) from error

from renderer.adapters.families import MB, check_room, free_ram_mb
from renderer.adapters.filling import BRING, check_filled
from renderer.adapters.folder import ModelFolder
from renderer.adapters.prompts import Prompts, prompts_folder
from renderer.adapters.weights import tensors_of

State = dict[str, torch.Tensor]
Rename = Callable[[State], State]
TOKENIZER = ("vocab.json", "merges.txt", "tokenizer_config.json")
WEIGHTS = ("diffusion_pytorch_model", "model")
SAME_LAYERS = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}  # of pictures' attention
OLD_ATTENTION = re.compile(r"(\.attentions\.\d+\.)(query|key|value|proj_attn)(?=\.)")


def device_for(folder: ModelFolder, runtime: str, threads: int) -> torch.device:
    """Where a model's networks run: a GPU when torch sees one. Sets torch's number of threads. Raises ConfigError for
    another runtime than torch, ModelTooLarge before anything is loaded."""
    if runtime not in ("auto", "torch"):
        raise ConfigError(f"models of this family are not run by {runtime}", fix="Choose auto or torch as the runtime.")
    torch.set_num_threads(threads)
    if torch.cuda.is_available():
        check_room(with_memory(folder, 2), torch.cuda.mem_get_info()[0] / MB, "the GPU's memory")
        return torch.device("cuda")
    check_room(with_memory(folder, 4), free_ram_mb(), "this machine's memory")
    return torch.device("cpu")


def with_memory(folder: ModelFolder, each: int) -> ModelFolder:
    """The same, whose manifest asks for at least the memory that its weights take at `each` bytes a number: nobody had
    to say it. The text encoder is not among them: it is loaded for a new prompt alone, beside the networks."""
    files = [name for name in folder.files(".safetensors") if not name.startswith("text_encoder/")]
    numbers = sum(math.prod(tensor.shape) for name in files for tensor in tensors_of(folder.file(name)).values())
    least_mb = math.ceil(numbers * each / MB)
    manifest = folder.manifest
    return replace(folder, manifest=msgspec.structs.replace(manifest, memory_mb=max(manifest.memory_mb, least_mb)))


def dtype_on(device: torch.device) -> torch.dtype:
    """Half precision where there is arithmetic for it."""
    return torch.float16 if device.type == "cuda" else torch.float32


def title_of(device: torch.device) -> str:
    """What such networks run on, as a card says it."""
    return f"torch {device.type} {str(dtype_on(device)).removeprefix('torch.')}"


def has_part(folder: ModelFolder, name: str) -> bool:
    """Whether the manifest names that sub-folder's configuration."""
    return f"{name}/config.json" in {file.path for file in folder.manifest.files}


def config_of(folder: ModelFolder, name: str, *kinds: str) -> dict[str, Any]:
    """A part's configuration. Raises ModelIncomplete when the part is missing, ModelMismatch when its class is none of
    `kinds`."""
    if not has_part(folder, name):
        raise ModelIncomplete(f"{folder.path} has no {name}/config.json in its manifest", fix=BRING)
    told: dict[str, Any] = json.loads(folder.file(f"{name}/config.json").read_text(encoding="utf-8"))
    kind = told.get("_class_name") or next(iter(told.get("architectures") or ["unknown"]))
    if kind not in kinds:
        raise ModelMismatch(f"{folder.path / name} is a {kind}", fix=f"This family takes: {', '.join(kinds)}.")
    return told


def diffusion_part(folder: ModelFolder, name: str, *kinds: str, rename: Rename | None = None) -> Any:
    """A network of diffusers, in single precision on the CPU. Raises what `config_of` and `filled` do."""
    told = config_of(folder, name, *kinds)
    return filled(made_of(told["_class_name"], told), folder, name, rename or attention_renamed)


def made_of(kind: str, told: Mapping[str, Any]) -> Any:
    """A network or a schedule of diffusers, by its class and its configuration. Others get the library's classes here
    alone: it must not be imported before the hub is out of reach."""
    return getattr(diffusers, kind).from_config(dict(told))


def tokenizer_of(folder: ModelFolder) -> Any:
    """CLIP's. Raises ManifestInvalid when one of its files is not in the manifest."""
    paths = [folder.file(f"tokenizer/{name}") for name in TOKENIZER]
    return transformers.CLIPTokenizer.from_pretrained(paths[0].parent, local_files_only=True)


def text_part(folder: ModelFolder, name: str) -> Any:
    """CLIP's text encoder, as `diffusion_part`."""
    told = config_of(folder, name, "CLIPTextModel")
    network = transformers.CLIPTextModel(transformers.CLIPTextConfig.from_dict(told))

    def renamed(state: State) -> State:
        """Files of before transformers 5 have the model's own prefix, and the numbers 0 to 76 as a tensor."""
        return {key.removeprefix("text_model."): v for key, v in state.items() if not key.endswith("position_ids")}

    return filled(network, folder, name, renamed)


def filled(network: Any, folder: ModelFolder, name: str, rename: Rename) -> Any:
    """`network` with a part's weights. Raises ModelIncomplete naming a tensor that the file lacks, ModelMismatch naming
    one that the network lacks or that has another shape there, and what `weights_of` does."""
    state = rename(load_file(weights_of(folder, name)))
    check_filled(network, state, folder.path / name)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def weights_of(folder: ModelFolder, name: str) -> Path:
    """The safetensors file of a part. Raises ModelIncomplete without one."""
    inside = [file for file in folder.files(".safetensors") if file.rpartition("/")[0] == name]
    known = [file for file in inside if file.rpartition("/")[2].split(".")[0] in WEIGHTS]
    if not known:
        raise ModelIncomplete(f"{folder.path / name} has no weights in its manifest", fix=BRING)
    return folder.file(min(known, key=len))  # the one in full precision, where there are several


def hash_of(folder: ModelFolder, name: str) -> str:
    """SHA-256 of a part's weights, as the manifest says it and `open_folder` has checked it."""
    path = weights_of(folder, name).relative_to(folder.path).as_posix()
    return next(file.sha256 for file in folder.manifest.files if file.path == path)


def attention_renamed(state: State) -> State:
    """With the names that attention layers of pictures have had since 2023."""
    return {OLD_ATTENTION.sub(lambda m: m[1] + SAME_LAYERS[m[2]], key): tensor for key, tensor in state.items()}


def latents_of(coder: Any, picture: torch.Tensor) -> torch.Tensor:
    """What a picture coder makes of [N, 3, H, W], -1..1, without its own noise: [N, C, H / 8, W / 8]."""
    coded = coder.encode(picture)
    found: torch.Tensor = coded.latents if hasattr(coded, "latents") else coded.latent_dist.mode()
    found = found * coder.config.scaling_factor
    return found


def picture_of(coder: Any, latents: torch.Tensor) -> torch.Tensor:
    """The inverse of `latents_of`."""
    decoded: torch.Tensor = coder.decode(latents / coder.config.scaling_factor).sample
    return decoded


def schedule_of(folder: ModelFolder) -> dict[str, Any]:
    """The scheduler's configuration. Raises ModelIncomplete without one."""
    name = "scheduler/scheduler_config.json"
    if name not in folder.files(".json"):
        raise ModelIncomplete(f"{folder.path} has no {name} in its manifest", fix=BRING)
    told: dict[str, Any] = json.loads(folder.file(name).read_text(encoding="utf-8"))
    return told


def prompts_of(folder: ModelFolder, sha256: str) -> Prompts:
    """With the folder's text encoder, which is loaded when the first prompt that is not kept needs it. Raises
    ModelIncomplete for an encoder without its tokenizer, or no encoder and no hash of one."""
    if not has_part(folder, "text_encoder"):
        if not sha256:
            raise ModelIncomplete(
                f"{folder.path} has no text_encoder in its manifest",
                fix="Add it, or name the one whose prompts are kept here in `options.text_encoder_sha256`.",
            )
        return Prompts(None, sha256, prompts_folder())
    tokenizer = tokenizer_of(folder)
    loaded: list[Any] = []

    def encode(text: str) -> torch.Tensor:
        if not loaded:
            loaded.append(text_part(folder, "text_encoder"))
        (encoder,) = loaded
        tokens = tokenizer(text, padding="max_length", truncation=True, return_tensors="pt",
                           max_length=encoder.config.max_position_embeddings)  # fmt: skip
        with torch.inference_mode():
            found: torch.Tensor = encoder(tokens.input_ids).last_hidden_state
        return found.clone()

    return Prompts(encode, hash_of(folder, "text_encoder"), prompts_folder())


def words_of(prompts: Prompts, prompt: str, width: int) -> torch.Tensor:
    """A prompt's embedding [1, tokens, width]. Raises ModelFailed for one that cannot be understood, ModelMismatch for
    a text encoder of another generation than the UNet, which takes `width`."""
    words = prompts.embedding(prompt)
    if words.shape[-1] != width:
        raise ModelMismatch(
            f"the text encoder's embeddings are {words.shape[-1]} wide, and the UNet takes {width}",
            fix="Use the text encoder of the UNet's own generation.",
        )
    return words
