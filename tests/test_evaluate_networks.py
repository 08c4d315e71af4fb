"""The network rows: limn as the product runs it, the plain U-Net from its weights, and what is missing or damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_world as world
import torch
from safetensors.torch import save_file

from bridge.errors import ModelIncomplete, ModelNotFound
from bridge.schema import PlaneName
from renderer.evaluate.frames import asked, frame_of
from renderer.evaluate.image import tone_map
from renderer.evaluate.measure import scored
from renderer.evaluate.networks import limn_row, plain_row
from renderer.evaluate.prompts import changed_weathers
from renderer.evaluate.rows import Row
from renderer.models.limn.model import FOLDER
from renderer.training.plain import DARKEST, PlainNetwork


@pytest.fixture(scope="module")
def limn() -> Row:
    return limn_row("limn-s", None)


@pytest.fixture
def plain(tmp_path: Path) -> Row:
    """As it is before training: the engine's color, a little lifted."""
    save_file(PlainNetwork().state_dict(), tmp_path / "weights.safetensors")
    return plain_row(tmp_path)


def test_limn_paints_a_frame_the_same_whatever_it_was_shown_before(limn: Row) -> None:
    clip = world.clip()
    first, second = (limn.shown(frame_of(clip, t)) for t in (0, 1))
    limn.reset()
    assert np.array_equal(limn.shown(frame_of(clip, 1)), second)
    assert np.array_equal(limn.shown(frame_of(clip, 0)), first)
    assert first.shape == (world.HEIGHT, world.WIDTH, 3)
    assert first.min() >= 0.0
    assert first.max() <= 1.0


def test_limn_is_told_the_weather(limn: Row) -> None:
    frame = frame_of(world.clip(), 0)
    limn.reset()
    clear = limn.shown(frame)
    limn.reset()
    night = limn.shown(asked(frame, changed_weathers(frame.weather)["night"], "night"))
    assert night.mean() < 0.7 * clear.mean()


def test_limn_is_scored_like_any_row(limn: Row) -> None:
    clip = world.clip()
    scores = scored(limn, clip, [tone_map(truth) for truth in clip.truth], [], [])
    assert len(scores.psnr_db) == world.FRAMES
    assert np.isfinite([*scores.psnr_db, *scores.ssim, *scores.flip, scores.flicker_max]).all()


def test_rows_of_networks_name_their_files_and_hashes(limn: Row, plain: Row) -> None:
    assert {Path(file).name for file in limn.files()} == {"weights.safetensors", "network.onnx"}
    assert [len(sha256) for sha256 in plain.files().values()] == [64]


def test_the_plain_network_begins_as_the_engines_color(plain: Row) -> None:
    frame = frame_of(world.clip(), 1)
    color = np.asarray(frame.planes[PlaneName.COLOR][..., :3], np.float32)
    assert np.allclose(plain.shown(frame), tone_map(color + DARKEST), atol=1e-5)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="holds limn-s, not limn-l"):
        limn_row("limn-l", FOLDER)
    with pytest.raises(ModelNotFound, match="holds no model"):
        limn_row("limn-s", tmp_path)
    with pytest.raises(ModelNotFound, match="has no weights"):
        plain_row(None)
    with pytest.raises(ModelNotFound, match="there is no"):
        plain_row(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_a_model_folder_that_does_not_say_its_size_is_incomplete(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ModelIncomplete, match="does not say its size"):
        limn_row("limn-s", tmp_path)


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", None])
def test_weights_of_something_else_are_incomplete(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    if content is None:
        save_file({"down1.weight": torch.zeros(3)}, file)
    else:
        file.write_bytes(content)
    with pytest.raises(ModelIncomplete, match="does not hold the plain network"):
        plain_row(file)
