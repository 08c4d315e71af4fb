"""A model folder is what its manifest says, or it is refused by name: before anything in it is opened by a runtime."""

from __future__ import annotations

import os
import pickle
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tiny_models import make_folder, tiny_folder, tiny_onnx

from bridge.errors import ManifestInvalid, ModelError, ModelIncomplete, ModelMismatch, ModelNotFound, ModelUnsafe
from renderer.adapters.folder import MANIFEST, find, is_pickle, open_folder, read_manifest
from renderer.adapters.weights import check_no_lora, ports_of, tensors_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_folder(tmp_path / "models")


def test_a_manifest_that_is_written_is_read_as_it_was(folder: Path) -> None:
    opened = open_folder(folder)
    assert opened.manifest == read_manifest(folder)
    assert opened.manifest.maps[0].source == "color"
    assert opened.file("model.onnx").is_file()
    assert opened.sha256 == open_folder(folder).sha256
    with pytest.raises(ManifestInvalid, match=r"does not name the file 'other\.onnx'"):
        opened.file("other.onnx")


def edited(folder: Path, old: str, new: str) -> None:
    text = (folder / MANIFEST).read_text()
    assert old in text
    (folder / MANIFEST).write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('curve = "inverse"', 'kurve = "inverse"', r"unknown field `kurve`.*\$\.depth"),
        ('licence = "MIT"', 'licence = "MIT"\nprompt = "rain"', "unknown field `prompt`"),
        ('family = "onnx_i2i"', 'family = "gan"', r"Invalid enum value 'gan'.*\$\.family"),
        ("near_m = 0.5", "near_m = 200.0", r"near_m is 200.*far_m, 100.*\$\.depth"),
        ('axes = "+x+y+z"', 'axes = "+x+y+y"', "must name x, y and z once each"),
        ("channels = 3", "channels = 1", "a map of color has 3 channels"),
        ('path = "model.onnx"', 'path = "../model.onnx"', "is not one inside the model's folder"),
        ('path = "model.onnx"', 'path = "/etc/passwd"', "is not one inside the model's folder"),
        ("chunk_frames = 1", "chunk_frames = 0", r"`int` >= 1.*\$\.chunk_frames"),
        ('name = "tiny"', 'name = "big"', "is of 'big', and its folder is called 'tiny'"),
        ('name = "tiny"', "name = tiny", "is not TOML"),
    ],
)
def test_a_manifest_with_a_key_that_is_wrong_is_refused_by_its_name(
    folder: Path, old: str, new: str, said: str
) -> None:
    edited(folder, old, new)
    with pytest.raises(ManifestInvalid, match=f"(?s){said}"):
        open_folder(folder)


def cut_off(folder: Path) -> None:
    file = folder / "model.onnx"
    file.write_bytes(file.read_bytes()[:-7])


def tampered(folder: Path) -> None:
    file = folder / "model.onnx"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))


def linked_out(folder: Path) -> None:
    outside = folder.parent / "outside.onnx"
    (folder / "model.onnx").rename(outside)
    (folder / "model.onnx").symlink_to(outside)


def piped(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")


DEEDS: list[tuple[Callable[[Path], object], type[ModelError], str]] = [
    (lambda f: (f / "model.onnx").unlink(), ModelIncomplete, "model.onnx is missing"),
    (lambda f: (f / "model.onnx").rename(f / "m.onnx"), ModelIncomplete, "m.onnx has its content: rename it back"),
    (cut_off, ModelIncomplete, "is cut off: it has"),
    (tampered, ModelIncomplete, "was altered: its SHA-256"),
    (linked_out, ModelUnsafe, "leads out of its folder"),
    (piped, ModelUnsafe, "is no plain file"),
    (lambda f: (f / MANIFEST).unlink(), ModelNotFound, "worldplate models add"),
]


@pytest.mark.parametrize(("deed", "kind", "said"), DEEDS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_file_that_is_not_as_it_was_is_refused_with_the_remedy(
    folder: Path, deed: Callable[[Path], object], kind: type[ModelError], said: str
) -> None:
    deed(folder)
    with pytest.raises(kind, match=said):
        open_folder(folder)


class Exploit:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch exploited",)


@pytest.mark.parametrize("name", ["model.pt", "model.bin", "model.safetensors", "model.onnx"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_is_refused_whatever_it_is_called_and_never_opened(tmp_path: Path, name: str, protocol: int) -> None:
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / name).write_bytes(pickle.dumps(Exploit(), protocol))
    make_folder(folder, [folder / name])
    with pytest.raises(ModelUnsafe, match=r"is a pickle.*safetensors") as caught:
        open_folder(folder)
    assert "weights_only=True" in caught.value.fix
    assert not (tmp_path / "exploited").exists()


def test_a_safetensors_file_whose_length_looks_like_a_pickle_is_none(tmp_path: Path) -> None:
    for count in range(1, 200):  # until the header is 0x280 bytes long: then the file begins as a pickle of protocol 2
        path = tmp_path / f"{count}.safetensors"
        save_file({"a": np.zeros(1, np.float32)}, path, metadata={"text": "x" * 4 * count})
        assert not is_pickle(path)
        if path.read_bytes()[:2] == b"\x80\x02":
            return
    pytest.fail("no header was that long")


def test_code_beside_the_weights_is_no_part_of_a_model(folder: Path) -> None:
    code = folder / "modeling.py"
    code.write_text("raise SystemExit('run')\n")
    make_folder(folder, [folder / "model.onnx", code])
    with pytest.raises(ModelUnsafe, match="neither safetensors nor ONNX"):
        open_folder(folder)


@pytest.mark.parametrize("place", ["../weights.data", "/tmp/weights.data", "..\\weights.data"])
def test_an_onnx_whose_weights_lie_elsewhere_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(ModelUnsafe, match="outside its folder"):
        ports_of(tiny_onnx(tmp_path / "model.onnx", external=place))


def test_an_onnx_says_its_ports_and_the_files_that_it_needs_without_being_loaded(tmp_path: Path) -> None:
    ports = ports_of(tiny_onnx(tmp_path / "model.onnx", 5, external="model.onnx.data"))
    (taken,), (given,) = ports.inputs, ports.outputs
    assert (taken.name, taken.shape, taken.dtype) == ("input", (1, 5, 24, 40), "float32")
    assert given.shape == (1, 3, 24, 40)
    assert ports.external == ("model.onnx.data",)


def test_a_link_that_an_onnx_follows_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret").write_bytes(b"x" * 36)
    (inside / "model.data").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelUnsafe, match="outside its folder"):
        ports_of(tiny_onnx(inside / "model.onnx", external="model.data"))


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x0a\x12\xff\xff\xff\xff\x0f"])
def test_what_is_no_network_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    for name, read in (("model.onnx", ports_of), ("model.safetensors", tensors_of)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelIncomplete, match=f"{name} is no whole"):
            read(tmp_path / name)


def test_a_lora_alone_is_refused_and_with_its_base_it_is_not(tmp_path: Path) -> None:
    layer = np.zeros((4, 8), np.float32)
    parts = {"unet.down.lora_A.weight": layer, "unet.down.lora_B.weight": layer.T.copy()}
    save_file(parts, tmp_path / "lora.safetensors")
    with pytest.raises(ModelMismatch, match=r"is a LoRA.*base model"):
        check_no_lora(tmp_path / "lora.safetensors", tensors_of(tmp_path / "lora.safetensors"))
    save_file({**parts, "unet.conv_in.weight": layer}, tmp_path / "whole.safetensors")
    tensors = tensors_of(tmp_path / "whole.safetensors")
    assert tensors["unet.down.lora_A.weight"].shape == (4, 8)
    check_no_lora(tmp_path / "whole.safetensors", tensors)


def test_a_name_finds_nothing_outside_the_models_folder(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "models", "inside")
    tiny_folder(tmp_path, "outside")
    assert find("inside", tmp_path / "models") == folder
    assert find("../outside", tmp_path / "models") is None
    assert find(str(folder), tmp_path / "models") is None


def test_every_key_is_written_so_that_a_person_can_change_it(folder: Path) -> None:
    told = tomllib.loads((folder / MANIFEST).read_text())
    assert set(told) >= {"name", "family", "files", "size", "maps", "color", "depth", "normal", "output", "limits"}
    assert set(told["depth"]) >= {"curve", "near_m", "far_m", "smoothing", "invert"}
