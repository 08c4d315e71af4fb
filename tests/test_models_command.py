"""`worldplate models`: what is here, what becomes of a file or a folder, whether it runs, and refusals in one line."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tiny_models import tiny_folder, tiny_onnx

from renderer.adapters.folder import MANIFEST, open_folder
from renderer.adapters.manifest import Family
from renderer.cli import main


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORLDPLATE_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def run(*arguments: str) -> int:
    return main(["models", *arguments])


def test_an_onnx_becomes_a_model_that_is_listed_checked_and_says_what_it_needs(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "from"
    source.mkdir()
    tiny_onnx(source / "My City.onnx", external="city.data")
    (source / "LICENSE.md").write_text("MIT License\n\nCopyright")
    (source / "other.bin").write_bytes(b"x")
    before = sorted(source.iterdir())
    assert run("add", str(source / "My City.onnx")) == 0
    said = capsys.readouterr().out
    assert "My-City: onnx_i2i, 40x24" in said
    assert "MIT" in said
    assert "ranges: the file does not say" in said
    assert sorted(source.iterdir()) == before
    folder = open_folder(models / "My-City")
    assert {file.path for file in folder.manifest.files} == {"My City.onnx", "city.data", "LICENSE.md"}
    assert (models / "My-City" / MANIFEST).read_text().startswith("# TO SEE TO: ranges")

    assert run("list") == 0
    said = capsys.readouterr().out
    assert "limn: paints" in said
    assert "memory not known" in said
    assert all(family in said for family in Family)

    assert run("check", "My-City", "--size", "80x48") == 0
    said = capsys.readouterr().out
    assert "runs on onnxruntime" in said
    assert "memory_mb was not known" in said
    assert (models / "My-City" / MANIFEST).read_text().startswith("# TO SEE TO: ranges")
    assert run("list", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["found"]
    assert found["memory_mb"] > 0
    assert found["response_window_ms"] > 0
    assert found["licence"] == "MIT"


def test_a_folder_with_a_manifest_keeps_it_and_has_its_hashes_told_anew(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tiny_folder(tmp_path / "from", "city", color={"exposure_ev": 1.5})
    tiny_onnx(source / "model.onnx", 3, size=(24, 40))
    with (source / "model.onnx").open("ab") as file:
        file.write(b"\x12\x03new")  # a producer's name: another file, and the same network
    assert run("add", str(source), "--json") == 0
    assert json.loads(capsys.readouterr().out)["missing"] == []
    assert open_folder(models / "city").manifest.color.exposure_ev == 1.5
    assert run("add", str(source)) == 2
    assert "there is a model 'city' already" in capsys.readouterr().err
    assert run("add", str(models / "city")) == 0  # where it is


def test_a_model_is_checked_for_what_its_manifest_promises(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_folder(models, "city", memory_mb=500, response_window_ms=40.0)
    assert run("check", "city", "--size", "80x48", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["problems"] == []
    assert done["written"] == []
    assert done["step_ms"] > 0.0
    (models / "city" / "model.onnx").write_bytes(b"")
    assert run("check", "city") == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_what_cannot_be_a_model_is_refused_in_one_line(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lora, pickled, nothing = (tmp_path / name for name in ("lora", "pickled", "nothing"))
    for folder in (lora, pickled, nothing):
        folder.mkdir()
    save_file({"a.lora_A.weight": np.zeros((2, 4), np.float32)}, lora / "lora.safetensors")
    (pickled / "model.pt").write_bytes(pickle.dumps({"a": 1}))
    tiny_onnx(tmp_path / "two.onnx", external="../weights")
    for source, said in (
        (lora, "is a LoRA"), (pickled, "weights_only=True"), (nothing, "holds nothing"),
        (tmp_path / "absent", "there is no file"), (tmp_path / "two.onnx", "outside its folder"),
    ):  # fmt: skip
        assert run("add", str(source)) == 3
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    assert not models.exists() or list(models.iterdir()) == []
    tiny_onnx(tmp_path / "limn.onnx")
    assert run("add", str(tmp_path / "limn.onnx")) == 2
    assert "cannot be the name of a model" in capsys.readouterr().err


def test_a_folder_with_a_broken_manifest_is_listed_with_what_is_wrong(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_folder(models, "city")
    shutil.copytree(folder, models / "town")
    assert run("list") == 0
    assert "town: " in (said := capsys.readouterr().out)
    assert "is of 'city', and its folder is called 'town'" in said


def test_nothing_is_fetched_without_a_network_and_one_line_says_so(
    models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert run("pull", "sd-turbo-depth") == 3
    err = capsys.readouterr().err
    assert "no network reaches its hub" in err
    assert "worldplate models add FOLDER" in err
    assert err.count("\n") == 1
    assert run("pull", "gta") == 3
    assert "There are: sd-turbo-depth" in capsys.readouterr().err
