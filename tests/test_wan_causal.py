"""Wan on the engine's planes: from a folder to plates, block after block, and a refusal by name for each part that is
not so. The networks are tiny and random; what is tested is everything around them.
"""

from __future__ import annotations

import pickle
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from wan_folder import (
    HEIGHT,
    LATENT,
    WIDTH,
    added,
    changed,
    chunk,
    coder_state,
    frames_of,
    published,
    transformer_state,
    write_networks,
)

from bridge.errors import (
    ManifestInvalid,
    ModelError,
    ModelFailed,
    ModelIncomplete,
    ModelMismatch,
    ModelTooLarge,
    ModelUnsafe,
    SnapshotCorrupt,
)
from bridge.schema import PlaneName
from renderer.adapters import wan_load
from renderer.adapters.adding import add
from renderer.adapters.checking import check
from renderer.adapters.families import load_folder
from renderer.adapters.folder import open_folder, read_manifest
from renderer.adapters.manifest import Size
from renderer.adapters.wan_options import Options, first_step, sigmas_of
from renderer.adapters.wan_room import Needs
from renderer.bench.random_wan import dims_full
from renderer.models import ChunkModel
from renderer.recall import World

CHUNK = 8  # of two latents


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_networks(tmp_path_factory.mktemp("published") / "tiny")


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return added(source, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def model(folder: Path) -> ChunkModel:
    """Loaded where there is no network."""

    def refused(*_: object) -> None:
        raise AssertionError("something was looked up")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refused)
        loaded = load_folder(folder)
    assert isinstance(loaded, ChunkModel)
    return loaded


def altered(source: Path, tmp_path: Path, name: str = "changed") -> Path:
    return Path(shutil.copytree(source, tmp_path / name))


def apart(one: NDArray[np.float16], other: NDArray[np.float16]) -> float:
    return float(np.abs(one.astype(np.float32) - other).max())


def test_chunks_are_plates_and_the_same_again(model: ChunkModel) -> None:
    assert model.card.needs == {PlaneName.COLOR}
    assert model.card.chunk_frames == CHUNK
    assert model.card.optional >= {PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.MOTION}  # late frames are warped by
    runs = []
    for _ in range(2):
        world = World(seed=4)
        runs.append([plate for first in (1, 9, 17) for plate in chunk(model, world, range(first, first + CHUNK))])
    for plate, again in zip(*runs, strict=True):
        assert (plate[..., 3] == 1.0).all()
        assert ((plate >= 0.0) & (plate <= 1.0)).all()
        assert plate[..., :3].std() > 0.01
        np.testing.assert_array_equal(plate, again)
    other = chunk(model, World(seed=4), range(1, 9), seed=9)
    assert apart(other[-1], runs[0][7]) > 0.01


def test_a_plate_is_there_before_the_next_is_decoded_and_what_is_after_the_last_needs_no_planes(
    model: ChunkModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def tells(of: Any, name: str, word: str) -> None:
        whole = getattr(of, name)

        def telling(*given: Any) -> Any:
            told.append(word)
            return whole(*given)

        monkeypatch.setattr(of, name, telling)

    stages = model.networks  # type: ignore[attr-defined]
    tells(stages._coder, "decode", "decoded")
    tells(stages, "finish", "remembered")
    world = World(seed=1)
    chunk(model, world, range(1, 9))
    told.clear()
    frames = frames_of(model, range(9, 17))
    for _ in model.steps(frames, world):
        told.append("published")
        if told.count("published") == CHUNK:
            for frame in frames:
                frame.planes.clear()  # the engine writes over them
    assert told == ["decoded", *["published"] * 4, "decoded", *["published"] * 4, "remembered"]


def test_a_block_sees_those_before_it_and_a_reset_begins_as_a_fresh_start(model: ChunkModel) -> None:
    world = World(seed=2)
    first = chunk(model, world, range(1, 9))
    followed = chunk(model, world, range(9, 17))
    assert apart(followed[-1], chunk(model, World(seed=2), range(9, 17))[-1]) > 1e-3
    world.reset()
    world.epoch = 0  # whose noise is another's on purpose
    for plate, again in zip(chunk(model, world, range(1, 9)), first, strict=True):
        np.testing.assert_array_equal(plate, again)


def test_two_streams_of_one_model_are_as_each_would_be_alone(model: ChunkModel) -> None:
    """One coder serves both, and what it remembers is the stream's: the library's own would have to be loaded twice."""
    alone = [[chunk(model, world, numbers)[-1] for numbers in (range(1, 9), range(9, 17))]
             for world in (World(seed=1), World(seed=2))]  # fmt: skip
    one, other = World(seed=1), World(seed=2)
    together = [[chunk(model, world, numbers)[-1] for world in (one, other)] for numbers in (range(1, 9), range(9, 17))]
    for first, plates in enumerate(together):
        for stream, plate in enumerate(plates):
            np.testing.assert_array_equal(plate, alone[stream][first])


def test_a_chunk_that_is_given_up_leaves_the_stream_as_it_was(model: ChunkModel) -> None:
    world, other = World(seed=2), World(seed=2)
    for each in (world, other):
        chunk(model, each, range(1, 9))
    given_up = model.steps(frames_of(model, range(9, 17)), world)
    next(given_up)
    del given_up
    for plate, again in zip(*(chunk(model, each, range(9, 17)) for each in (world, other)), strict=True):
        np.testing.assert_array_equal(plate, again)


def test_a_chunk_may_be_of_any_length_and_of_one(model: ChunkModel) -> None:
    world = World(seed=3)
    (alone,) = chunk(model, world, [1])
    three = chunk(model, world, [2, 3, 4])
    assert apart(three[0], three[2]) > 1e-3
    again = World(seed=3)
    (frame,) = frames_of(model, [1])
    model.step(frame, again, frame.plate)
    np.testing.assert_array_equal(frame.plate, alone)
    for plate, other in zip(chunk(model, again, [2, 3, 4]), three, strict=True):
        np.testing.assert_array_equal(plate, other)
    full = chunk(model, World(seed=3), range(1, 9))  # a first block has three pictures less to show
    assert [apart(full[0], plate) == 0.0 for plate in full] == [True] * 4 + [False] * 4


def test_a_snapshot_goes_on_as_if_nothing_had_been(model: ChunkModel) -> None:
    world = World(seed=5)
    for first in (1, 9, 17):
        chunk(model, world, range(first, first + CHUNK))
    saved = model.save_latents(world.latents)
    restored = World(seed=5, latents=model.load_latents(saved))
    followed = chunk(model, world, range(25, 33))
    for plate, again in zip(chunk(model, restored, range(25, 33)), followed, strict=True):
        np.testing.assert_array_equal(plate, again)
    assert model.load_latents({}) is None
    for name, words in (("decoded.0", "coder remembers of 'decoded'"), ("keys", "keys"), ("span_m", "latents are not")):
        with pytest.raises(SnapshotCorrupt, match=words):
            model.load_latents(saved | {name: saved[name][:0]})
    with pytest.raises(SnapshotCorrupt, match="coder remembers of 'decoded'"):
        model.load_latents({name: array for name, array in saved.items() if not name.startswith("decoded")})


def test_strength_is_how_many_of_the_steps_are_taken_and_the_sigmas_are_the_published_ones(model: ChunkModel) -> None:
    options = Options()
    np.testing.assert_allclose(sigmas_of(options), (1.0, 0.9375, 0.83333, 0.625), atol=1e-5)
    assert [first_step(options, strength) for strength in (0.0, 0.25, 0.5, 1.0)] == [3, 3, 2, 0]
    weak, strong = (chunk(model, World(seed=1), range(1, 9), strength=each) for each in (0.25, 1.0))
    assert apart(weak[-1], strong[-1]) > 1e-3


def test_a_prompt_is_understood_once_and_then_without_the_encoder(
    model: ChunkModel, folder: Path, source: Path, tmp_path: Path
) -> None:
    dawn = chunk(model, World(seed=1), range(1, 9), prompt="dawn")
    assert apart(dawn[-1], chunk(model, World(seed=1), range(1, 9))[-1]) > 1e-4
    less = altered(source, tmp_path)
    for part in ("text_encoder", "tokenizer"):
        shutil.rmtree(less / part)
    path = added(less, tmp_path / "models")
    with pytest.raises(ModelIncomplete, match="no text_encoder"):
        load_folder(path)
    from renderer.adapters.wan_text import _sha256

    digest = _sha256(open_folder(folder), ("text_encoder/model.safetensors",))
    changed(path, ('text_encoder_sha256 = ""', f'text_encoder_sha256 = "{digest}"'))
    without = load_folder(path)
    assert isinstance(without, ChunkModel)
    np.testing.assert_array_equal(chunk(without, World(seed=1), range(1, 9), prompt="dawn")[-1], dawn[-1])
    with pytest.raises(ModelFailed, match="'dusk' was never used here"):
        chunk(without, World(seed=1), range(1, 9), prompt="dusk")


def test_a_tensor_that_is_missing_or_too_much_is_refused_by_name(source: Path, tmp_path: Path) -> None:
    for part, state in (("wan", published(transformer_state())), ("taew2_1", coder_state())):
        name = sorted(state)[5]
        lacks = altered(source, tmp_path, f"{part}-lacks")
        save_file({key: tensor for key, tensor in state.items() if key != name}, lacks / f"{part}.safetensors")
        with pytest.raises(ModelIncomplete, match=f"{part}.safetensors lack 1 tensors"):
            load_folder(added(lacks, tmp_path / "models"))
        more = altered(source, tmp_path, f"{part}-more")
        save_file(state | {"nobody.knows": torch.zeros(1)}, more / f"{part}.safetensors")
        with pytest.raises(ModelMismatch, match=r"'nobody\.knows'"):
            load_folder(added(more, tmp_path / "models"))


def test_files_that_are_missing_cut_off_renamed_or_altered_are_refused_with_the_remedy(
    folder: Path, tmp_path: Path
) -> None:
    def broken(name: str) -> Path:
        return Path(shutil.copytree(folder, tmp_path / name / folder.name)) / "wan.safetensors"

    missing, cut, moved, other = (broken(name) for name in ("missing", "cut", "moved", "other"))
    missing.unlink()
    content = cut.read_bytes()
    for path in (cut, moved, other):
        path.unlink()  # folders may share their files
    cut.write_bytes(content[:-10])
    (moved.parent / "new.safetensors").write_bytes(content)
    other.write_bytes(content[:-1] + b"x")
    for path, words in ((missing, "is missing"), (cut, "is cut off"), (moved, "is missing"), (other, "was altered")):
        with pytest.raises(ModelIncomplete, match=words) as refused:
            load_folder(path.parent)
        assert ("rename it back" in refused.value.fix) == (path is moved)


def test_what_is_no_model_of_this_family_is_not_taken_for_one(source: Path, tmp_path: Path) -> None:
    lora = tmp_path / "lora"
    lora.mkdir()
    save_file({"blocks.0.self_attn.q.lora_A.weight": torch.zeros(2, 24)}, lora / "lora.safetensors")
    with pytest.raises(ModelMismatch, match="is a LoRA"):
        add(lora, tmp_path / "models")
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "self_forcing_dmd.pt").write_bytes(pickle.dumps({"generator_ema": {}}))
    with pytest.raises(ModelUnsafe) as unsafe:
        add(pickled, tmp_path / "models")
    assert "weights_only=True" in unsafe.value.fix
    half = tmp_path / "half"
    half.mkdir()
    shutil.copy(source / "taew2_1.safetensors", half)
    (half / "self_forcing_dmd.pt").write_bytes(pickle.dumps({"generator_ema": {}}))
    with pytest.raises(ModelIncomplete, match="and no transformer of Wan's") as incomplete:
        add(half, tmp_path / "models")
    assert '["generator_ema"]' in incomplete.value.fix
    flash = altered(source, tmp_path, "flash")
    save_file(transformer_state() | {"patch_short.weight": torch.zeros(1)}, flash / "wan.safetensors")
    with pytest.raises(ModelMismatch, match=r"AlayaRenderer-Flash: 1 of .* 'patch_short"):
        add(flash, tmp_path / "models")
    image = altered(source, tmp_path, "image")
    state = transformer_state()
    state["patch_embedding.weight"] = torch.zeros(24, 2 * LATENT + 1, 1, 2, 2)
    save_file(published(state), image / "wan.safetensors")
    with pytest.raises(ModelMismatch, match="takes 9 channels and answers 4"):
        add(image, tmp_path / "models")
    eight = altered(source, tmp_path, "eight")
    state = published(transformer_state())
    state["blocks.0.ffn.0.weight"] = state["blocks.0.ffn.0.weight"].to(torch.float8_e4m3fn)
    save_file(state, eight / "wan.safetensors")
    with pytest.raises(ModelMismatch, match=r"'blocks\.0\.ffn\.0\.weight' of .* is F8_E4M3"):
        add(eight, tmp_path / "models")


def test_a_manifest_that_the_networks_cannot_be_run_by_is_refused_by_its_key(folder: Path, tmp_path: Path) -> None:
    for old, new, words in (
        ("chunk_frames = 8", "chunk_frames = 9", "chunk_frames is 9"),
        ("width = 48", "width = 56", "size is 56x32"),
        ("sink_latents = 2", "sink_latents = 3", "sink_latents 3"),
        ("guidance = 1.0", "guidance = 2.0", "guidance needs"),
        ("500.0, 250.0]", "500.0, 900.0]", "steps are"),
        (
            'into = "start"\nchannels = 3\nrange = "0..1"',
            'into = "start"\nchannels = 3\nrange = "-1..1"',
            "maps of 'start'",
        ),
        ('[output]\nrange = "0..1"', '[output]\nrange = "-1..1"', "output range"),
        ('into = "start"', 'into = "albedo"', "takes 4 channels, and its noise with 1 maps beside it makes 8"),
        ('family = "wan_causal"', 'family = "sd_turbo_control"', "options"),
        ("causal = true", "casual = true", "casual"),
    ):
        path = Path(shutil.copytree(folder, tmp_path / words.replace(" ", "-")[:20] / folder.name))
        changed(path, (old, new))
        with pytest.raises(ModelError, match=words):
            load_folder(path)


def test_too_little_memory_is_said_before_anything_is_loaded_with_what_would_fit(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = Path(shutil.copytree(folder, tmp_path / folder.name))
    changed(large, ("width = 48\nheight = 32", "width = 832\nheight = 480"))

    def refused(*_: object) -> None:
        raise AssertionError("weights were read")

    monkeypatch.setattr(wan_load, "load_file", refused)
    monkeypatch.setattr(wan_load, "free_ram_mb", lambda: 800.0)
    with pytest.raises(
        ModelTooLarge, match=r"needs some \d+ MB of this machine's memory at 832x480, and 800 MB"
    ) as told:
        load_folder(large)
    fix = re.fullmatch(r"Set size to 448x256, window_latents to 4 and memory_mb to (\d+) in .*fits\.", told.value.fix)
    assert fix is not None
    small = Path(shutil.copytree(large, tmp_path / "small" / folder.name))
    before = read_manifest(large).memory_mb
    changed(small, ("width = 832\nheight = 480", "width = 448\nheight = 256"),
            (f"memory_mb = {before}", f"memory_mb = {fix[1]}"))  # fmt: skip
    with pytest.raises(AssertionError, match="weights were read"):  # it is loaded now
        load_folder(small)
    monkeypatch.setattr(wan_load, "free_ram_mb", lambda: 1.0)
    with pytest.raises(ModelTooLarge) as told:
        load_folder(large)
    assert "limn" in told.value.fix


def test_the_memory_of_the_published_size_is_what_its_keys_and_values_and_weights_take(folder: Path) -> None:
    size = Size(width=832, height=480)
    needs = Needs(dims_full(), 8, 1_420_000_000)
    assert needs.tokens(size) == 1560
    one, none = (needs.memory_mb(Options(window_latents=n, sink_latents=0), size, 2) for n in (3, 0))
    assert (one - none) / 3 * (1 << 20) == pytest.approx(287e6, rel=0.01)  # each latent that is remembered
    assert 7000 < needs.memory_mb(Options(), size, 2) < 12_000
    assert read_manifest(folder).memory_mb > 0


def test_a_window_that_nobody_said_is_measured_before_the_model_serves_and_written_by_a_check(
    folder: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copytree(folder, tmp_path / folder.name))
    changed(path, ("response_window_ms = 500.0", "response_window_ms = 0.0"))
    assert load_folder(path).card.response_window_ms > 0.0
    done = check(path, width=WIDTH, height=HEIGHT)
    assert (done.chunk_frames, done.problems, done.written) == (CHUNK, (), ("response_window_ms",))
    assert read_manifest(path).response_window_ms >= done.step_ms  # the longest, so that it is kept


def test_what_needs_seconds_to_import_is_not_imported_to_look_around() -> None:
    code = "import sys; from renderer.adapters import wan_causal, wan_gbuffer\n"
    code += "sys.exit(bool({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_manifest_of_another_file_is_refused(folder: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(folder, tmp_path / folder.name))
    changed(path, ('transformer = ["wan.safetensors"]', 'transformer = ["taew2_1.safetensors"]'))
    with pytest.raises(ModelMismatch, match="no Wan transformer"):
        load_folder(path)
    changed(path, ('transformer = ["taew2_1.safetensors"]', 'transformer = ["../wan.safetensors"]'))
    with pytest.raises(ManifestInvalid, match="does not name the file"):
        load_folder(path)
    assert load_file(folder / "wan.safetensors")
