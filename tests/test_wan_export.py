"""Wan's networks as ONNX: each answers as torch does, with the state that goes in and comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from wan_folder import added, write_networks

from renderer.adapters.exporting import TOLERANCE, Exported, export_folder

MEMORIES = 9  # of the coder, each way


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    place = tmp_path_factory.mktemp("models")
    folder = added(write_networks(place / "tiny", text=False), place / "models")
    return {each.name: each for each in export_folder(folder, place / "out")}


def test_every_network_of_a_causal_folder_answers_as_torch_does(exported: dict[str, Exported]) -> None:
    assert set(exported) == {"denoise", "encode", "decode"}
    for each in exported.values():
        assert each.apart <= TOLERANCE["fp32"]
        assert Path(each.path).is_file()


def test_what_is_remembered_goes_in_beside_the_block(exported: dict[str, Exported]) -> None:
    told = exported["denoise"].inputs
    assert told["keys"] == told["values"] == [2, 1, 4 * 6, 2, 12]  # two layers, a window of four latents of six tokens
    assert told["latents"] == [1, 4, 2, 4, 6]
    for name, given in (("encode", [1, 4, 3, 32, 48]), ("decode", [1, 1, 4, 4, 6])):
        inputs = exported[name].inputs
        assert len(inputs) == 1 + MEMORIES
        assert next(iter(inputs.values())) == given
