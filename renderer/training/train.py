"""Train limn on path-traced truth.

    python -m renderer.training.train --data DIR --out DIR --minutes 25

Reads every frame of --data whose first seed is 1000 (training) and 5000 (validation), keeps the network's inputs in
memory, and fits the plate to the truth after the tone map that people see it through. Checkpoints every minute, goes
on from the last one, takes in frames that were made meanwhile, and draws the curves to curves.png.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bridge.schema import PlaneName
from renderer.models.limn.features import inputs_of, prepare
from renderer.models.limn.network import LimnNetwork, to_channels_last
from renderer.models.limn.sky import light_of
from renderer.training.dataset import load

BATCH = 4
LEARNING_RATE = 3e-3
WITHOUT = {PlaneName.ALBEDO: 0.06, PlaneName.LABEL: 0.10}  # share of frames that must do without the plane
log = logging.getLogger("worldplate.train")


@dataclass
class Frames:
    """Frames as the network sees them: float16 inputs [C, H, W], lit guess and truth [3, H, W]."""

    folder: Path
    first_seed: int
    seen: set[str] = field(default_factory=set)
    items: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)

    def take_in(self, most: int) -> int:
        """Read up to `most` frames that were not read before; returns how many there are now."""
        for path in sorted(self.folder.glob(f"{self.first_seed}-*.npz")):
            if path.name not in self.seen and most > 0:
                self.seen.add(path.name)
                self.items.append(example(path))
                most -= 1
        return len(self.items)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        picked = [self.items[i] for i in rng.integers(len(self.items), size=BATCH)]
        x, guess, truth = (torch.stack(parts).float() for parts in zip(*picked, strict=True))
        if rng.uniform() < 0.5:  # which way round a picture is says nothing about light
            x, guess, truth = x.flip(3), guess.flip(3), truth.flip(3)
        return x.contiguous(memory_format=torch.channels_last), guess, truth


def example(path: Path) -> tuple[Tensor, Tensor, Tensor]:
    """One frame, cropped to a multiple of 8; some frames lose an optional plane, chosen by the file's name."""
    sample = load(path)
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:8], "little"))
    planes = {n: p for n, p in sample.planes.items() if rng.uniform() >= WITHOUT.get(n, 0.0)}
    inputs = inputs_of(planes, sample.camera, sample.bodies)
    x, guess = prepare(inputs, light_of(sample.sky, sample.azimuth_deg, sample.elevation_deg))
    height, width = (side // 8 * 8 for side in guess.shape[1:])
    truth = torch.from_numpy(sample.truth).permute(2, 0, 1)
    return x[:, :height, :width].half(), guess[:, :height, :width].half(), truth[:, :height, :width].half()


def tone(linear: Tensor) -> Tensor:
    """The evaluation's tone map (renderer/evaluate/image.py), differentiable and without its clip at white."""
    x = linear.clamp(min=0.0)
    curve = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    return (curve + 1e-4) ** (1.0 / 2.2)


def loss_of(plate: Tensor, truth: Tensor) -> Tensor:
    """What a person sees: difference after the tone map, squared and absolute, and of its gradients for edges."""
    a, b = tone(plate), tone(truth)
    d = a - b
    gradient = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
    return 4.0 * d.square().mean() + 0.5 * d.abs().mean() + 0.1 * gradient


def psnr(network: LimnNetwork, frames: Frames) -> float:
    """Mean PSNR in dB over validation frames, after the tone map."""
    values = []
    with torch.inference_mode():
        for x, guess, truth in frames.items:
            plate = guess.float() * torch.exp(network(x[None].float())[0])
            values.append(-10.0 * math.log10(float((tone(plate) - tone(truth.float())).square().mean())))
    return float(np.mean(values))


@dataclass
class Progress:
    step: int = 0
    spent_s: float = 0.0
    curve: list[tuple[int, float, float, float]] = field(default_factory=list)  # step, seconds, loss, validation dB


def train(data: Path, out: Path, minutes: float) -> None:
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = to_channels_last(LimnNetwork())
    average = to_channels_last(LimnNetwork())
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    progress = _resume(out, network, average, optimiser)
    training, validation = Frames(data, 1000), Frames(data, 5000)
    training.take_in(100_000)
    validation.take_in(48)
    rng = np.random.default_rng(progress.step)
    begun_s, saved_s, losses = time.monotonic() - progress.spent_s, time.monotonic(), []
    while progress.spent_s < minutes * 60.0:
        share = progress.spent_s / (minutes * 60.0)
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * (0.5 + 0.5 * math.cos(math.pi * share)) + 2e-5
        x, guess, truth = training.batch(rng)
        loss = loss_of(guess * torch.exp(network(x)), truth)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        _follow(average, network, min(0.998, progress.step / (progress.step + 10)))
        progress.step += 1
        progress.spent_s = time.monotonic() - begun_s
        losses.append(float(loss.detach()))
        if time.monotonic() - saved_s > 60.0:
            _report(progress, losses, average, validation, training.take_in(200), minutes)
            _save(out, network, average, optimiser, progress)
            saved_s, losses = time.monotonic(), []
    _report(progress, losses or [0.0], average, validation, len(training.items), minutes)
    _save(out, network, average, optimiser, progress)


def _follow(average: LimnNetwork, network: LimnNetwork, keep: float) -> None:
    """A running average of the weights: steadier than the last step's."""
    with torch.no_grad():
        for a, b in zip(average.parameters(), network.parameters(), strict=True):
            a.lerp_(b, 1.0 - keep)


def _report(
    p: Progress, losses: list[float], average: LimnNetwork, validation: Frames, frames: int, minutes: float
) -> None:
    decibels = psnr(average, validation)
    p.curve.append((p.step, p.spent_s, float(np.mean(losses)), decibels))
    left_min = minutes - p.spent_s / 60.0
    log.info(
        "step %d, %d frames, loss %.4f, validation %.2f dB, %.0f min left",
        p.step,
        frames,
        p.curve[-1][2],
        decibels,
        left_min,
    )


def _save(out: Path, network: LimnNetwork, average: LimnNetwork, optimiser: torch.optim.Optimizer, p: Progress) -> None:
    state = {"network": network.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state, out / "checkpoint.part")
    (out / "checkpoint.part").replace(out / "checkpoint.pt")
    save_file({k: v.contiguous() for k, v in average.state_dict().items()}, out / "weights.safetensors")
    (out / "progress.json").write_text(json.dumps({"step": p.step, "spent_s": p.spent_s, "curve": p.curve}))
    draw_curves(p, out / "curves.png")


def _resume(out: Path, network: LimnNetwork, average: LimnNetwork, optimiser: torch.optim.Optimizer) -> Progress:
    if not (out / "checkpoint.pt").exists():
        average.load_state_dict(network.state_dict())
        return Progress()
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    saved = json.loads((out / "progress.json").read_text())
    return replace(Progress(), step=saved["step"], spent_s=saved["spent_s"], curve=saved["curve"])


def draw_curves(p: Progress, path: Path) -> None:
    """Training loss (grey) and validation PSNR (green) over time, as a PNG."""
    from PIL import Image, ImageDraw

    width, height, margin = 640, 360, 40
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    seconds = max(1.0, p.curve[-1][1])
    for column, colour, name in ((2, (120, 120, 120), "loss"), (3, (20, 130, 60), "validation dB")):
        values = [row[column] for row in p.curve]
        low, high = min(values), max(values) + 1e-9
        points = [
            (
                margin + row[1] / seconds * (width - 2 * margin),
                height - margin - (row[column] - low) / (high - low) * (height - 2 * margin),
            )
            for row in p.curve
        ]
        draw.line(points, fill=colour, width=2)
        draw.text((margin, 8 + 14 * (column - 2)), f"{name}: {values[0]:.4g} -> {values[-1]:.4g}", fill=colour)
    image.save(path)


def install(out: Path, folder: Path) -> None:
    """Put the trained weights beside limn's code, with their hash in the manifest."""
    weights = load_file(out / "weights.safetensors")
    save_file(weights, folder / "weights.safetensors")
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    count = sum(v.numel() for v in weights.values())
    manifest = {"name": "limn", "version": 1, "parameters": count, "files": {"weights.safetensors": digest}}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--install", action="store_true", help="put the weights into the package when done")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(options.data, options.out, options.minutes)
    if options.install:
        install(options.out, Path(__file__).parent.parent / "models" / "limn")


if __name__ == "__main__":
    main()
