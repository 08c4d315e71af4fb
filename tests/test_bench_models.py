"""What is measured of published families: tiny ones anywhere, and of full size it is said where there is no GPU."""

from __future__ import annotations

import io
import os

import pytest
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from rich.console import Console
from transformers import CLIPTextConfig, CLIPTextModel

from renderer.bench import films, models
from renderer.bench.random_networks import FULL, FULL_TURBO, Shape

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers', NumPy 2

PUBLISHED = {  # numbers in the networks of Stable Diffusion 1.5 and 2.1, and of their ControlNets
    "1.5": (859_520_964, 361_279_120, 123_060_480), "2.1": (865_910_724, 364_228_240, 340_387_840),
}  # fmt: skip


@pytest.mark.parametrize(("shape", "generation"), [(FULL, "1.5"), (FULL_TURBO, "2.1")], ids=["1.5", "2.1"])
def test_networks_of_full_size_are_as_large_as_those_that_were_published(shape: Shape, generation: str) -> None:
    with torch.device("meta"):
        networks = (
            UNet2DConditionModel(**shape.unet, up_block_types=shape.up),
            ControlNetModel(**shape.unet, conditioning_embedding_out_channels=shape.maps),
            CLIPTextModel(CLIPTextConfig(**shape.text)),
        )
    sizes = tuple(sum(tensor.numel() for tensor in network.parameters()) for network in networks)
    assert sizes == PUBLISHED[generation]


def test_without_a_gpu_full_size_is_said_to_be_not_run_and_tiny_ones_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("renderer.bench.condition.ROUNDS", 1)
    monkeypatch.setattr(films, "CASES", [case for case in films.CASES if not case.tiny])  # its tiny ones are elsewhere
    before, said = os.environ.get("XDG_CACHE_HOME"), io.StringIO()
    told = models.run(1, 1, Console(file=said, width=200))
    assert os.environ.get("XDG_CACHE_HOME") == before
    rows = told["rows"]
    assert isinstance(rows, list)
    for row in rows:
        if row["kind"] == "full":
            assert row["result"] == models.NO_GPU
            assert "plate_ms" not in row
        else:
            assert row["result"] == "tiny"
            assert {"unet", "decode", "around the networks"} <= row["stages_ms"].keys()
            assert all(ms["p50"] > 0.0 for ms in row["stages_ms"].values())
            assert row["plate_ms"]["p50"] >= sum(ms["p50"] for ms in row["stages_ms"].values()) * 0.99
            assert row["weights_mb"] >= 1
    assert {row["family"] for row in rows} == {"sd_turbo_control", "framediffuser"}
    assert "weights before loading" in said.getvalue()
    chunks = told["chunks"]
    assert isinstance(chunks, list)
    assert [row["result"] for row in chunks] == [models.NO_GPU] * len(films.CASES)
    assert said.getvalue().count(models.NO_GPU) == 2 + len(chunks)
    conditions = told["conditions"]
    assert isinstance(conditions, dict)
    assert max(each["greatest_difference"] for each in conditions.values()) < 1 / 255
