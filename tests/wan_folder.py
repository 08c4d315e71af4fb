"""Folders of tiny networks with random weights, laid out and named as Wan's makers and TAEHV's publish theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import UMT5Config, UMT5EncoderModel

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, ControlValue, Frame, PlaneName, Pose
from bridge.spaces import gl_projection
from renderer.adapters.adding import add
from renderer.bench import random_wan
from renderer.bench.random_wan import TINY_CODER, dims_tiny
from renderer.frame import Ownership, RenderFrame
from renderer.models import ChunkModel
from renderer.recall import World

State = dict[str, torch.Tensor]
WIDTH, HEIGHT = 48, 32  # of the engine
SIDES = "width = 832\nheight = 480", "width = 48\nheight = 32"  # as proposed, and what the tests have time for
LATENT, TEXT, HEAD = 4, 16, 12
OURS = (  # what diffusers calls its makers' names, the other way round
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"), ("proj_out", "head.head"), ("attn1.to_out.0", "self_attn.o"),
    ("attn2.to_out.0", "cross_attn.o"), ("attn1.to_", "self_attn."), ("attn2.to_", "cross_attn."),
    ("attn1", "self_attn"), ("attn2", "cross_attn"), ("ffn.net.0.proj", "ffn.0"), ("ffn.net.2", "ffn.2"),
    ("norm2", "norm3"), ("scale_shift_table", "modulation"),
)  # fmt: skip


def transformer_state(maps: int = 0) -> State:
    """By diffusers' names."""
    return random_wan.transformer_state(dims_tiny(maps))


def coder_state() -> State:
    return random_wan.coder_state(TINY_CODER)


def published(state: State, prefix: str = "") -> State:
    """The same under its makers' names."""
    renamed: State = {}
    for name, tensor in state.items():
        name = "head.modulation" if name == "scale_shift_table" else name
        for theirs, ours in OURS:
            name = name.replace(theirs, ours)
        renamed[prefix + name] = tensor
    return renamed


def write_text(folder: Path) -> None:
    """umT5 and its tokenizer."""
    (folder / "text_encoder").mkdir()
    config = UMT5Config(vocab_size=40, d_model=TEXT, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    state = random_wan.random_state(UMT5EncoderModel(config), 9)
    state.pop("encoder.embed_tokens.weight")
    save_file(state, folder / "text_encoder" / "model.safetensors")
    (folder / "text_encoder" / "config.json").write_text(json.dumps(config.to_dict()))
    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "photograph": 4, "dawn": 5, "dusk": 6}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    (folder / "tokenizer").mkdir()
    tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))


def write_networks(folder: Path, maps: int = 0, *, text: bool = True) -> Path:
    """A transformer under its makers' names, the coder, and what understands prompts."""
    folder.mkdir(parents=True)
    save_file(published(transformer_state(maps), "model."), folder / "wan.safetensors")
    (folder / "config.json").write_text(json.dumps({"_class_name": "WanModel", "dim": 2 * HEAD, "num_heads": 2}))
    save_file(coder_state(), folder / "taew2_1.safetensors")
    if text:
        write_text(folder)
    return folder


def changed(path: Path, *pairs: tuple[str, str]) -> None:
    """A manifest with other words; each of the old ones must be there."""
    told = (path / "model.toml").read_text()
    for old, new in pairs:
        assert old in told, old
        told = told.replace(old, new)
    (path / "model.toml").write_text(told)


def added(source: Path, models_dir: Path) -> Path:
    """The folder as `worldplate models add` leaves it, at the tests' size, with a small window and a known answer's
    time."""
    path = add(source, models_dir, licence="LicenseRef-tests").path
    changed(path, SIDES, ("response_window_ms = 0.0", "response_window_ms = 500.0"))
    if "causal = true" in (path / "model.toml").read_text():
        changed(path, ("block_latents = 3", "block_latents = 2"), ("window_latents = 18", "window_latents = 4"),
                ("sink_latents = 3", "sink_latents = 2"), ("chunk_frames = 12", "chunk_frames = 8"))  # fmt: skip
    else:
        changed(path, ("block_latents = 5", "block_latents = 2"), ("chunk_frames = 17", "chunk_frames = 5"))
    return path


def planes(seed: int) -> PlaneViews:
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(HEIGHT, WIDTH, 4))
    normal /= np.linalg.norm(normal[..., :3], axis=2, keepdims=True)
    return {
        PlaneName.COLOR: rng.uniform(0.0, 1.0, (HEIGHT, WIDTH, 4)).astype(np.float16),
        PlaneName.ALBEDO: rng.uniform(0.0, 1.0, (HEIGHT, WIDTH, 4)).astype(np.float16),
        PlaneName.DEPTH: rng.uniform(2.0, 9.0, (HEIGHT, WIDTH)).astype(np.float32),
        PlaneName.NORMAL: normal.astype(np.float16),
        PlaneName.MATERIAL: rng.uniform(0.0, 1.0, (HEIGHT, WIDTH, 2)).astype(np.float16),
    }


def frames_of(model: ChunkModel, numbers: Sequence[int], **controls: ControlValue) -> list[RenderFrame]:
    """Frames of those numbers, each with planes of its own."""
    pose = Pose()
    camera = Camera(world_from_camera=pose, previous_world_from_camera=pose,
                    projection=gl_projection(60.0, WIDTH / HEIGHT, 0.1, 100.0))  # fmt: skip
    values = {control.name: control.default for control in model.card.controls} | controls
    return [
        RenderFrame(Frame(session="5" * 32, id=n, capture_ns=n, camera=camera, bodies=Bodies()), planes(n),
                    np.zeros((HEIGHT, WIDTH, 4), np.float16), values, Ownership())
        for n in numbers
    ]  # fmt: skip


def chunk(
    model: ChunkModel, world: World, numbers: Sequence[int], **controls: ControlValue
) -> list[NDArray[np.float16]]:
    """The plates of one chunk, to its very end."""
    frames = frames_of(model, numbers, **controls)
    assert sum(1 for _ in model.steps(frames, world)) == len(frames)
    return [frame.plate for frame in frames]
