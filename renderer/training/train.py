"""`worldplate train`: fit limn to path-traced sequences; the whole loop is in this file.

It reads a data set of `worldplate dataset`, goes on from its last checkpoint, and takes in sequences that were made
meanwhile. A step takes frames from here and there, some of them with the one that follows.

The loss is what a person sees: differences after the tone map that the evaluation uses, so that a highlight of 40 and
one of 50 are alike, as the root of each picture's mean square, so that a dark room does not outweigh ten meadows; of
gradients, so that edges and shadows are sharp; and of how an error changes from frame to frame along the engine's
motion, since an error that stays is seen less than one that flickers. A little of it is the difference of logarithms,
whose slope does not vanish where a plate is far too bright.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from bridge.errors import ConfigError
from renderer.models.limn.features import AMBIENT, CELL, GLOW, LEVELS, MIRRORED
from renderer.models.limn.light import DIMMEST, DIMMEST_TOLD, EXPOSURE, LEVELS_TOLD
from renderer.models.limn.network import SIZES, LimnNetwork, to_channels_last
from renderer.models.limn.plate import ERROR, edges_of, plate_of
from renderer.training.prepared import ALBEDO, COLOR, PARTED, TRUTH, Prepared, X, prepared
from renderer.training.steadiness import carried

LEARNING_RATE = 2e-3
# Of a step: frames of a clip are much alike, so there are just enough of them to see what flickers.
SHAPES = ((16, 1), (8, 2), (8, 2))  # clips and frames, one of these at random
FRAMES = 4  # of validation clips
FAIR = 0.5  # share of clips that are exposed as their place is in fair weather
TURNED, TURN_STOPS = 0.4, 1.0  # share of clips whose dial someone has turned, and how far: a standard deviation
HALVED = 0.6  # share of steps whose trunk sees the picture at half its size, as in pictures of 640 pixels
SAVE_EVERY_S, TAKE_IN = 120.0, 40  # sequences taken in at a time
LAST = 100  # steps whose mean loss is told
ERROR_SCALE = 4.0  # of the tone-mapped error that the network foretells
log = logging.getLogger("worldplate.train")


@dataclass(frozen=True)
class Job:
    data: Path
    out: Path
    size: str = "limn-s"
    minutes: float = 60.0
    threads: int = 0  # 0: torch's choice
    seed: int = 0
    device: str = "auto"  # or cpu, or cuda


@dataclass
class Progress:
    step: int = 0
    spent_s: float = 0.0
    # Rows of step, seconds, sequences, mean loss, validation dB.
    curve: list[tuple[int, float, int, float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Batch:
    """[N, T, ...] of clips; see `Prepared`."""

    x: Tensor
    parts: Tensor
    truth: Tensor
    traced: Tensor
    told: Tensor
    sun: Tensor
    fog: Tensor
    engine: Tensor  # colour and albedo, which limn itself does not see

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, part.name).to(device) for part in fields(self)))


def batch_of(clips: list[Prepared], starts: list[int], frames: int, flips: list[bool]) -> Batch:
    """`frames` of each clip from its start on. Which way round a picture is says nothing about light, so some are
    flipped."""
    pixels, traced = [], []
    for clip, start, flip in zip(clips, starts, flips, strict=True):
        p = torch.from_numpy(np.array(clip.pixels[start : start + frames])).float().permute(0, 3, 1, 2)
        m = torch.from_numpy(clip.traced[start : start + frames].copy())
        if flip:
            p, m = p.flip(3), m.flip(2)
            m[..., 0] = clip.width / CELL - 1.0 - m[..., 0]
        pixels.append(p)
        traced.append(m)
    stack = torch.stack(pixels)
    told = torch.stack([torch.from_numpy(c.told[s : s + frames]) for c, s in zip(clips, starts, strict=True)])
    sun, fog = (
        torch.stack([torch.from_numpy(v) for v in rows]) for rows in zip(*((c.sun, c.fog) for c in clips), strict=True)
    )
    engine = stack[:, :, COLOR.start : ALBEDO.stop]
    return Batch(stack[:, :, X], stack[:, :, PARTED], stack[:, :, TRUTH], torch.stack(traced), told, sun, fog, engine)


def exposed(batch: Batch, stops: Tensor) -> Batch:
    """The same clips exposed `stops` [N] brighter. Light is linear, so it is what `prepared` and the tracer would give.

    The dataset exposes a night for the night; a user who turns day into night does not. A network that has seen the
    former alone reads from the exposure how dark a place is, and is 5 dB wrong after the latter; and a dial that is
    turned by a stop then makes a picture brighter by a fifth of one.
    """
    gain = torch.exp2(stops)[:, None, None, None, None]
    x, parts, told = batch.x.clone(), batch.parts.clone(), batch.told.clone()
    solid = x[:, :, 0]
    for k in LEVELS:
        x[:, :, k] = _brighter(x[:, :, k], gain[:, 0], DIMMEST) * solid
    for rows in (MIRRORED, AMBIENT, GLOW):
        parts[:, :, rows] *= gain
    told[:, :, EXPOSURE] += 0.2 * stops[:, None]
    told[:, :, LEVELS_TOLD] = _brighter(told[:, :, LEVELS_TOLD], gain[..., 0, 0], DIMMEST_TOLD)
    sun, fog = (light * gain[:, 0, 0, 0] for light in (batch.sun, batch.fog))
    return replace(batch, x=x, parts=parts, told=told, truth=batch.truth * gain, sun=sun, fog=fog)


def _brighter(seen: Tensor, gain: Tensor, dimmest: float) -> Tensor:
    """log(level + dimmest) / 4 of `gain` times the level."""
    level = (torch.exp(4.0 * seen) - dimmest).clamp(min=0.0)
    return 0.25 * torch.log(gain * level + dimmest)


def painted(network: LimnNetwork, batch: Batch, factor: int = 1) -> tuple[Tensor, Tensor]:
    """Plates [N, T, 3, H, W] and answers [N, T, ANSWERS, H, W]; the trunk sees the picture `factor` times smaller."""
    each = batch.x.shape[:2]
    x = batch.x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    low = F.avg_pool2d(x, factor) if factor > 1 else x
    (answers,) = network(x, low, batch.told.flatten(0, 1))
    raw = answers.float()
    sun, fog = (light.repeat_interleave(each[1], dim=0) for light in (batch.sun, batch.fog))
    plates = plate_of(raw, batch.parts.flatten(0, 1), edges_of(x), sun, fog)
    return plates.reshape(*each, *plates.shape[1:]), raw.reshape(*each, *raw.shape[1:])


Paint = Callable[[LimnNetwork, Batch, int], tuple[Tensor, Tensor]]


def tone(linear: Tensor) -> Tensor:
    """The evaluation's tone map (renderer/evaluate/image.py), differentiable and without its clip at white."""
    x = linear.clamp(min=0.0)
    curve = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    return (curve + 1e-4) ** (1.0 / 2.2)


def loss_of(plates: Tensor, answers: Tensor, batch: Batch) -> Tensor:
    """Of plates [N, T, 3, H, W] and answers [N, T, ANSWERS, H, W]: what the file's first lines say."""
    wrong = tone(plates) - tone(batch.truth)
    root = (wrong.square().mean((2, 3, 4)) + 1e-6).sqrt().mean()
    gradient = wrong.diff(dim=4).abs().mean() + wrong.diff(dim=3).abs().mean()
    foretold = torch.sigmoid(answers[:, :, ERROR] - 2.0)
    size = (wrong.detach().abs().mean(2, keepdim=True) * ERROR_SCALE).clamp(max=1.0)
    logarithm = (torch.log(plates + 0.02) - torch.log(batch.truth + 0.02)).abs().mean()
    loss = 0.7 * root + 0.25 * wrong.abs().mean() + 0.15 * gradient
    loss = loss + 0.05 * (foretold - size).square().mean() + 0.05 * logarithm
    return loss + 1.5 * _flicker(wrong, batch.traced) if wrong.shape[1] > 1 else loss


def _flicker(wrong: Tensor, traced: Tensor) -> Tensor:
    """How much errors [N, T, 3, H, W] change along the motion, in cells."""
    before, after = (F.avg_pool2d(part.flatten(0, 1), CELL) for part in (wrong[:, :-1], wrong[:, 1:]))
    moved, trust = carried(before, traced[:, 1:].flatten(0, 1))
    change: Tensor = ((after - moved).abs() * trust).mean()
    return change


def decibels(network: LimnNetwork, clips: list[Prepared], paint: Paint = painted) -> float:
    """Mean PSNR in dB of the clips' frames, after the tone map."""
    values = []
    with torch.inference_mode():
        for clip in clips:
            batch = batch_of([clip], [0], FRAMES, [False]).to(network.out.weight.device)
            plates, _ = paint(network, batch, 1)
            a, b = (tone(v[0, ..., : clip.height, : clip.width]).clamp(max=1.0) for v in (plates, batch.truth))
            values += [-10.0 * math.log10(float(square)) for square in (a - b).square().mean((1, 2, 3))]
    return float(np.mean(values))


def train(job: Job, network_of: Callable[[], LimnNetwork] | None = None, paint: Paint = painted) -> None:
    """Train for `job.minutes` in all, over however many runs; `network_of` and `paint` are for networks to compare
    limn's with."""
    make = network_of or (lambda: LimnNetwork(SIZES[job.size]))
    job.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(job.seed)
    if job.threads:
        torch.set_num_threads(job.threads)
    device = device_of(job.device)
    network, average = (to_channels_last(make().to(device)) for _ in range(2))
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    progress = _resume(job.out, network, average, optimiser)
    known: set[str] = set()
    cache = job.out.parent / f"{job.data.name}.prepared"
    training = list(prepared(job.data, cache, "train", known))
    validation = list(prepared(job.data, cache, "validation", set()))[:48]
    rng = np.random.default_rng([job.seed, progress.step])
    begun_s, saved_s = time.monotonic() - progress.spent_s, time.monotonic()
    losses: deque[float] = deque(maxlen=LAST)
    quick = has_bfloat16(device)
    kind = "bfloat16" if quick else "float32"
    log.info("%d training sequences, %d validation, on %s in %s", len(training), len(validation), device, kind)
    while progress.spent_s < job.minutes * 60.0:
        share = progress.spent_s / (job.minutes * 60.0)
        warm = min(1.0, (progress.step + 1) / 100.0)
        optimiser.param_groups[0]["lr"] = warm * LEARNING_RATE * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-5
        batch = _drawn(training, rng).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=quick):
            plates, answers = paint(network, batch, 2 if rng.random() < HALVED else 1)
        loss = loss_of(plates, answers, batch)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimiser.step()
        _follow(average, network, min(0.997, progress.step / (progress.step + 10)))
        progress.step += 1
        progress.spent_s = time.monotonic() - begun_s
        losses.append(float(loss.detach()))
        if time.monotonic() - saved_s > SAVE_EVERY_S:
            _report(progress, losses, decibels(average, validation, paint), len(training), job.minutes)
            _save(job, network, average, optimiser, progress)
            new = prepared(job.data, cache, "train", known)
            training += [sequence for _, sequence in zip(range(TAKE_IN), new, strict=False)]
            saved_s = time.monotonic()
    _report(progress, losses, decibels(average, validation, paint), len(training), job.minutes)
    _save(job, network, average, optimiser, progress)


def device_of(asked: str) -> torch.device:
    """Raises ConfigError when CUDA is asked for and not there."""
    there = torch.cuda.is_available()
    if asked not in ("auto", "cpu", "cuda") or (asked == "cuda" and not there):
        raise ConfigError(f"torch has no device '{asked}' here", fix="Use --device auto, or cpu.")
    return torch.device("cuda" if there and asked != "cpu" else "cpu")


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies 16-bit floats by itself: a step then takes two thirds of its time, and where there
    is no such instruction ten times as long."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _drawn(training: list[Prepared], rng: np.random.Generator) -> Batch:
    """Clips of a step, from anywhere in their sequences."""
    count, frames = SHAPES[int(rng.integers(len(SHAPES)))]
    clips = [training[int(i)] for i in rng.integers(len(training), size=count)]
    starts = [int(rng.integers(len(c.pixels) - frames + 1)) for c in clips]
    batch = batch_of(clips, starts, frames, [bool(f) for f in rng.random(count) < 0.5])
    fair, turned = rng.random(count) < FAIR, rng.random(count) < TURNED
    stops = np.array([float(clip.stops) for clip in clips]) * fair + rng.normal(0.0, TURN_STOPS, count) * turned
    return exposed(batch, torch.from_numpy(stops.astype(np.float32)))


def _follow(average: LimnNetwork, network: LimnNetwork, keep: float) -> None:
    """A running average of the weights: steadier than the last step's."""
    with torch.no_grad():
        for a, b in zip(average.parameters(), network.parameters(), strict=True):
            a.lerp_(b, 1.0 - keep)


def _report(p: Progress, losses: Collection[float], validation_db: float, sequences: int, minutes: float) -> None:
    p.curve.append((p.step, p.spent_s, sequences, float(np.mean([*losses] or [0.0])), validation_db))
    log.info("step %d, %d sequences, loss %.4f, validation %.2f dB, %.0f min left", p.step, sequences, p.curve[-1][3],
             validation_db, minutes - p.spent_s / 60.0)  # fmt: skip


def _save(job: Job, network: LimnNetwork, average: LimnNetwork, optimiser: torch.optim.Optimizer, p: Progress) -> None:
    state = {"network": network.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state, job.out / "checkpoint.part")
    (job.out / "checkpoint.part").replace(job.out / "checkpoint.pt")
    save_file({k: v.contiguous() for k, v in average.state_dict().items()}, job.out / "weights.safetensors")
    (job.out / "progress.json").write_text(json.dumps({"size": job.size, **asdict(p)}))
    draw_curves(p, job.out / "curves.png")


def _resume(out: Path, network: LimnNetwork, average: LimnNetwork, optimiser: torch.optim.Optimizer) -> Progress:
    if not (out / "checkpoint.pt").exists():
        average.load_state_dict(network.state_dict())
        return Progress()
    state = torch.load(out / "checkpoint.pt", weights_only=True, map_location=network.out.weight.device)
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    saved = json.loads((out / "progress.json").read_text())
    return Progress(saved["step"], saved["spent_s"], [tuple(row) for row in saved["curve"]])


def draw_curves(p: Progress, path: Path) -> None:
    """Training loss (grey, left) and validation PSNR (green, right) over minutes, as a PNG."""
    from PIL import Image, ImageDraw

    width, height, margin = 720, 400, 56
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    minutes = max(1.0, p.curve[-1][1] / 60.0)
    draw.rectangle((margin, margin, width - margin, height - margin), outline=(180, 180, 180))
    draw.text((width // 2 - 30, height - 24), "minutes", fill="black")
    for tick in range(5):
        x = margin + tick / 4 * (width - 2 * margin)
        draw.text((x - 8, height - margin + 6), f"{minutes * tick / 4:.0f}", fill="black")
    for column, colour, name, at in (
        (3, (110, 110, 110), "loss", 6),
        (4, (20, 130, 60), "validation dB", width - margin + 6),
    ):
        values = [row[column] for row in p.curve]
        low, high = min(values), max(values) + 1e-9
        wide, high_px = width - 2 * margin, height - 2 * margin
        points = [
            (margin + row[1] / 60.0 / minutes * wide, height - margin - (row[column] - low) / (high - low) * high_px)
            for row in p.curve
        ]
        draw.line(points, fill=colour, width=2)
        draw.text((at, height - margin - 6), f"{low:.4g}", fill=colour)
        draw.text((at, margin - 6), f"{high:.4g}", fill=colour)
        draw.text((at - (0 if column == 3 else 60), 20), name, fill=colour)
    image.save(path)
