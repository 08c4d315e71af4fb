"""Wan on G-buffers: which map goes where, each chunk a film of its own, and a causal checkpoint by another manifest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from wan_folder import LATENT, added, changed, chunk, frames_of, write_networks

from bridge.errors import MissingPlane
from bridge.schema import PlaneName
from renderer.adapters.families import load_folder
from renderer.adapters.folder import read_manifest
from renderer.adapters.manifest import Family
from renderer.adapters.wan_folder import NEGATIVE
from renderer.models import ChunkModel
from renderer.recall import World

ORDER = ("albedo", "depth", "metallic", "normal", "roughness")
FRAMES = 5  # of two latents


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = write_networks(tmp_path_factory.mktemp("published") / "maps", maps=5)
    path = added(source, tmp_path_factory.mktemp("models"))
    told = (path / "model.toml").read_text()
    first, last = told.index("steps = ["), told.index("]", told.index("steps = [")) + 1
    changed(path, (told[first:last], "steps = [1000.0, 600.0, 200.0]"), ("percentiles = [0.02, 0.98]\n", ""))
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> ChunkModel:
    loaded = load_folder(folder)
    assert isinstance(loaded, ChunkModel)
    return loaded


def test_a_folder_with_five_times_the_channels_is_proposed_as_its_makers_run_it(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest.family is Family.WAN_GBUFFER
    assert tuple(map_.into for map_ in manifest.maps) == ORDER
    assert all(map_.eight_bit for map_ in manifest.maps)
    options = manifest.options
    assert (options["causal"], options["sampler"], options["guidance"], options["negative_prompt"]) == (
        False, "euler", 5.0, NEGATIVE,
    )  # fmt: skip
    assert "TO SEE TO: depth, normal: their makers do not say" in (folder / "model.toml").read_text()


def test_each_chunk_is_a_film_of_its_own_and_repeats(model: ChunkModel) -> None:
    assert model.card.needs == {PlaneName.ALBEDO, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MATERIAL}
    assert [control.name for control in model.card.controls] == ["prompt", "seed"]  # nothing to start from
    world = World(seed=1)
    first, other, again = (chunk(model, world, numbers) for numbers in (range(1, 6), range(6, 11), range(1, 6)))
    for plate, same in zip(first, again, strict=True):
        assert np.isfinite(plate).all()
        np.testing.assert_array_equal(plate, same)
    assert np.abs(first[0].astype(np.float32) - other[0]).max() > 1e-3


@pytest.mark.parametrize("name", ORDER)
def test_a_map_reaches_its_own_channels_of_the_network_and_no_others(
    model: ChunkModel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Channels in another order would be a picture without any error."""
    seen: list[NDArray[np.float32]] = []
    network = model.networks._network.network  # type: ignore[attr-defined]
    handle = network.patch_embedding.register_forward_hook(lambda _, given, __: seen.append(given[0].numpy().copy()))
    plane = {"albedo": PlaneName.ALBEDO, "depth": PlaneName.DEPTH, "normal": PlaneName.NORMAL}.get(
        name, PlaneName.MATERIAL
    )
    for turned in (False, True):
        frames = frames_of(model, range(1, FRAMES + 1))
        for frame in frames:
            given = np.array(frame.planes[plane])
            part = given[..., int(name == "metallic")] if plane is PlaneName.MATERIAL else given
            part[...] = part[::-1].copy() if turned else part
            frame.planes[plane] = given
        for _ in model.steps(frames, World(seed=1)):
            pass
    handle.remove()
    moved = np.abs(seen[0] - seen[len(seen) // 2]).max(axis=(0, 2, 3, 4)).reshape(-1, LATENT).max(axis=1)
    assert [each > 0.0 for each in moved] == [False, *(other == name for other in ORDER)]


def test_a_plane_that_the_engine_does_not_send_is_refused_by_name(model: ChunkModel) -> None:
    (frame,) = frames_of(model, [1])
    del frame.planes[PlaneName.MATERIAL]
    with pytest.raises(MissingPlane, match="material"):
        model.step(frame, World(seed=1), frame.plate)


def test_a_causal_checkpoint_on_maps_is_the_same_code_by_another_manifest(folder: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(folder, tmp_path / folder.name))
    changed(path, ("causal = false", "causal = true"), ("window_latents = 0", "window_latents = 4"),
            ("guidance = 5.0", "guidance = 1.0"), ('sampler = "euler"', 'sampler = "renoise"'),
            ("chunk_frames = 5", "chunk_frames = 8"))  # fmt: skip
    model = load_folder(path)
    assert isinstance(model, ChunkModel)
    world = World(seed=1)
    chunk(model, world, range(1, 9))
    followed = chunk(model, world, range(9, 17))
    assert np.abs(followed[-1].astype(np.float32) - chunk(model, World(seed=1), range(9, 17))[-1]).max() > 1e-4
