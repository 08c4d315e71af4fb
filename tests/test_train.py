"""Training learns, goes on where it stopped, and sees what the product sees."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_limn_fused import court

from bridge.errors import ConfigError
from bridge.schema import PlaneName
from renderer.cli import main
from renderer.evaluate.image import psnr_db, tone_map
from renderer.models.limn.features import CELL, CHANNELS, TOLD, seen
from renderer.models.limn.finish import compose, exponents, soften
from renderer.models.limn.light import Light, light_of
from renderer.models.limn.model import FOLDER, Limn, network_of
from renderer.models.limn.network import SIZES, LimnNetwork
from renderer.models.limn.plate import ANSWERS, edges_of, plate_of
from renderer.models.limn.weather import Weather
from renderer.training import train as training
from renderer.training.prepared import PLANES, Prepared
from renderer.training.train import Job, batch_of, device_of, draw_curves, loss_of, painted, train

WIDTH, HEIGHT = 64, 40
LIGHT = light_of(Weather(sun_elevation_deg=20.0, wetness=0.5), 3)


def clip(name: str, frames: int = 2, gain: float = 0.5, light: Light = LIGHT) -> Prepared:
    """A courtyard that stands still, whose truth is the engine's picture `gain` times as bright."""
    planes, camera, bodies = court(WIDTH, HEIGHT)
    frame = seen(planes, camera, bodies, light)
    color = np.asarray(planes[PlaneName.COLOR][..., :3], np.float32)
    albedo = np.asarray(planes[PlaneName.ALBEDO][..., :3], np.float32)
    pixels = np.zeros((frames, 48, WIDTH, PLANES), np.float16)
    pixels[:, :HEIGHT] = np.concatenate([frame.x, frame.parts, color * gain, color, albedo], axis=-1)
    j, i = np.meshgrid(np.arange(WIDTH // CELL), np.arange(48 // CELL), indexing="xy")
    still = np.stack([j, i, np.ones_like(i)], axis=-1).astype(np.float32)
    told = np.repeat(frame.told[None], frames, axis=0)
    traced, stops = np.repeat(still[None], frames, axis=0), np.zeros((), np.float32)
    return Prepared(name, HEIGHT, WIDTH, pixels, traced, told, light.sky.sun, light.sky.fog, stops)


def batch(frames: int = 2, *, flip: bool = False) -> training.Batch:
    return batch_of([clip("a", frames)], [0], frames, [flip])


def test_a_few_steps_bring_the_plate_nearer_to_the_truth() -> None:
    torch.manual_seed(0)
    network, data = LimnNetwork(SIZES["limn-s"]), batch()
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-4)  # training itself begins as gently
    losses = []
    for _ in range(24):
        loss = loss_of(*painted(network, data), data)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_what_is_trained_is_what_runs() -> None:
    """The same frame through the training's torch and through the product."""
    with torch.inference_mode():
        plates, _ = painted(network_of(FOLDER), batch())
    shown = Limn(runtime="torch").paint(*court(WIDTH, HEIGHT), LIGHT)
    expected = plates[0, 1, :, :HEIGHT].permute(1, 2, 0).numpy()
    # Training keeps half floats, and softens the last row against the padding under it.
    assert psnr_db(tone_map(shown[:-1, :, :3]), tone_map(expected[:-1])) > 50.0


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_the_fast_plate_is_the_plain_one(strength: float) -> None:
    rng = np.random.default_rng(4)
    planes, camera, bodies = court(WIDTH, HEIGHT)
    frame = seen(planes, camera, bodies, LIGHT)
    parts = frame.parts
    raw = rng.normal(scale=3.0, size=(1, HEIGHT, WIDTH, ANSWERS)).astype(np.float32)
    sun, fog = (torch.from_numpy(v)[None] for v in (LIGHT.sky.sun, LIGHT.sky.fog))
    edges = edges_of(_second(frame.x[None]))
    assert 0.05 < float(edges.mean()) < 0.7
    plain = plate_of(_second(raw), _second(parts[None]), edges, sun, fog)[0].permute(1, 2, 0).numpy()
    color = np.asarray(planes[PlaneName.COLOR], np.float32)
    expected = np.clip(plain * strength + color[..., :3] * (1.0 - strength), 0.0, 50.0)
    hard, out = np.zeros((HEIGHT, WIDTH, 4), np.float32), np.zeros((HEIGHT, WIDTH, 4), np.float32)
    compose(parts, raw, exponents(WIDTH), LIGHT.sky.sun, LIGHT.sky.fog, hard, 0, HEIGHT)
    soften(hard, frame.x, color, np.float32(strength), out, 0, HEIGHT)
    np.testing.assert_allclose(out[..., :3], expected, rtol=2e-4, atol=1e-5)
    assert (out[..., 3] == 1.0).all()


def _second(array: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2)


def test_no_answer_makes_a_plate_that_is_not_finite() -> None:
    data = batch(1)
    for value in (-1e30, 1e30):
        raw = torch.full((1, ANSWERS, 48, WIDTH), value)
        assert torch.isfinite(plate_of(raw, data.parts[:, 0], torch.ones(1, 1, 48, WIDTH), data.sun, data.fog)).all()


def test_a_flipped_clip_is_its_mirror_image() -> None:
    plain, flipped = batch(), batch(flip=True)
    torch.testing.assert_close(plain.truth.flip(4), flipped.truth)
    torch.testing.assert_close(flipped.traced[0, 1, 3, :, 0], plain.traced[0, 1, 3, :, 0])  # it stands still


@pytest.mark.parametrize("stops", [-1.5, 0.75, 2.0])
def test_a_clip_that_is_exposed_anew_is_as_if_made_so(stops: float) -> None:
    light = light_of(replace(LIGHT.weather, exposure_ev=stops), 3)
    made = batch_of([clip("a", 1, 0.5 * 2.0**stops, light)], [0], 1, [False])
    anew = training.exposed(batch(1), torch.tensor([stops]))
    for part in ("x", "parts", "truth", "told", "sun", "fog"):
        close = torch.isclose(getattr(anew, part), getattr(made, part), rtol=4e-3, atol=4e-3)
        assert float(close.float().mean()) > 0.9999, part  # not between lamplight and the sky behind, on a pixel


def test_a_dark_room_does_not_outweigh_a_meadow() -> None:
    """The loss of two pictures is the mean of theirs, of which neither is squared."""
    one, other = (batch(1) for _ in range(2))
    raw = torch.zeros(1, 1, ANSWERS, 48, WIDTH)
    near, far = (float(loss_of(data.truth + off, raw, data)) for data, off in ((one, 0.01), (other, 0.1)))
    assert 4.0 < far / near < 12.0


def test_the_loss_sees_an_error_that_flickers() -> None:
    data = batch()
    wrong = 0.02 * torch.randn(data.truth[:, 0].shape, generator=torch.Generator().manual_seed(0))
    raw = torch.zeros(1, 2, ANSWERS, 48, WIDTH)

    def loss(*errors: torch.Tensor) -> float:
        return float(loss_of(data.truth * (1.0 + torch.stack(errors, dim=1)), raw, data))

    assert loss(wrong, -wrong) > 1.05 * loss(wrong, wrong) > loss(wrong * 0.0, wrong * 0.0)


def test_it_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = {"train": [clip("a", 4), clip("b", 4)], "validation": [clip("c", 4)]}
    monkeypatch.setattr(training, "prepared", lambda data, cache, split, known: iter(() if known else clips[split]))
    ticks = count(step=1.0)
    monkeypatch.setattr(
        "renderer.training.train.time.monotonic", lambda: next(ticks)
    )  # every look at the clock is a second
    train(Job(tmp_path, tmp_path / "out", minutes=0.1, threads=1, device="cpu"))
    first = json.loads((tmp_path / "out" / "progress.json").read_text())
    train(Job(tmp_path, tmp_path / "out", minutes=0.2, threads=1, device="cpu"))
    second = json.loads((tmp_path / "out" / "progress.json").read_text())
    assert 0 < first["step"] < second["step"]
    assert second["curve"][: len(first["curve"])] == first["curve"]
    assert (tmp_path / "out" / "weights.safetensors").stat().st_size < 12_000_000
    assert (tmp_path / "out" / "curves.png").exists()


def test_a_data_set_without_training_sequences_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "worldplate dataset" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="abacus"):
        device_of("abacus")


def test_curves_are_drawn_from_the_first_report_on(tmp_path: Path) -> None:
    draw_curves(training.Progress(3, 60.0, [(3, 60.0, 2, 0.5, 20.0)]), tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 1000


def test_both_sizes_come_from_one_definition() -> None:
    counts = {name: sum(p.numel() for p in LimnNetwork(size).parameters()) for name, size in SIZES.items()}
    assert counts["limn-s"] < 1_500_000 < counts["limn-l"]
    for size in SIZES.values():
        network = LimnNetwork(size)
        x = torch.zeros(1, CHANNELS, 32, 64)
        (answers,) = network(x, x, torch.zeros(1, TOLD))
        assert answers.shape == (1, ANSWERS, 32, 64)
