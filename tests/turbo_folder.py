"""A folder of tiny networks with random weights, laid out as Stable Diffusion's makers publish theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny, ControlNetModel, EulerDiscreteScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from transformers import CLIPTextConfig, CLIPTextModel

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, ControlValue, Frame, PlaneName, Pose
from bridge.spaces import gl_projection
from renderer.adapters.adding import add
from renderer.frame import Ownership, RenderFrame
from renderer.models import WorldModel
from renderer.recall import World

WIDTH, HEIGHT = 96, 64  # of the engine
SIDES = "width = 512\nheight = 320", "width = 64\nheight = 64"  # as proposed, and what the tests have time for
NETS = ("controlnet_depth", "controlnet_normal")
SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "timestep_spacing": "trailing"}


def shuffled(network: torch.nn.Module, seed: int = 7) -> Any:
    """With random weights in every layer: a ControlNet's own last layers begin as zeros, and would add nothing."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.named_parameters():
        random = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() > 1:
            tensor.data = random * (1.5 * tensor.shape[0] / tensor.numel()) ** 0.5
        else:
            tensor.data = random * 0.1 + float(name.endswith("norm.weight"))
    return network


def write_networks(folder: Path, cross_attention_dim: int = 16) -> None:
    """Every part, each through its own library."""
    shape: dict[str, Any] = {
        "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4, "attention_head_dim": 2,
        "cross_attention_dim": cross_attention_dim, "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    }  # fmt: skip
    unet = UNet2DConditionModel(**shape, up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    shuffled(unet).save_pretrained(folder / "unet")
    for name in NETS:
        net = ControlNetModel(**shape, conditioning_embedding_out_channels=(4, 4, 8, 8))
        shuffled(net, len(name)).save_pretrained(folder / name)
    sides: dict[str, Any] = {
        "encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4,
        "num_encoder_blocks": (1,) * 4, "num_decoder_blocks": (1,) * 4,
    }  # fmt: skip
    shuffled(AutoencoderTiny(**sides)).save_pretrained(folder / "vae")
    EulerDiscreteScheduler(**SCHEDULE).save_pretrained(folder / "scheduler")
    text = CLIPTextConfig(
        vocab_size=300, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=16, bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    shuffled(CLIPTextModel(text)).save_pretrained(folder / "text_encoder")
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"{c}</w>" for c in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = {"<pad>": 0, "<|startoftext|>": 1, "<|endoftext|>": 2} | {c: 3 + i for i, c in enumerate(letters)}
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    told = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 16}
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(told))


def added(source: Path, models: Path) -> Path:
    """The folder as `worldplate models add` leaves it, at the tests' size."""
    path = add(source, models, licence="LicenseRef-tests").path
    manifest = path / "model.toml"
    assert SIDES[0] in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(*SIDES))
    return path


def planes(seed: int = 3) -> PlaneViews:
    """A wall with a slope, of any colour."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(HEIGHT, WIDTH, 4))
    normal /= np.linalg.norm(normal[..., :3], axis=2, keepdims=True)
    return {
        PlaneName.COLOR: rng.uniform(0.0, 1.0, (HEIGHT, WIDTH, 4)).astype(np.float16),
        PlaneName.DEPTH: np.linspace(3.0, 9.0, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH),
        PlaneName.NORMAL: normal.astype(np.float16),
    }


def camera(x_m: float) -> Camera:
    pose = Pose(position_m=(x_m, 0.0, 0.0))
    projection = gl_projection(60.0, WIDTH / HEIGHT, 0.1, 100.0)
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=projection)


def painted(model: WorldModel, world: World, planes: PlaneViews, number: int = 1, **controls: ControlValue
            ) -> NDArray[np.float16]:  # fmt: skip
    """One frame's plate, after what `recall` does to the world."""
    world.steps += 1
    plate = np.zeros((HEIGHT, WIDTH, 4), np.float16)
    header = Frame(session="5" * 32, id=number, capture_ns=number, camera=camera(0.02 * number), bodies=Bodies())
    values = {control.name: control.default for control in model.card.controls} | controls
    model.step(RenderFrame(header, planes, plate, values, Ownership()), world, plate)
    return plate
