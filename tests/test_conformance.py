"""The byte vectors that every language reads: Python agrees with each, and none is missing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from bridge import codegen, wire
from bridge.errors import WorldplateError
from bridge.schema import Limits, Message

FOLDER = Path(__file__).parent / "conformance"
VECTORS = sorted(FOLDER.glob("*.msgpack"))


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_generate", FOLDER / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = generator()


def twin_of(path: Path) -> dict[str, Any]:
    twin: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return twin


def test_there_is_a_small_and_a_filled_vector_of_every_message() -> None:
    assert VECTORS, "no vectors found"
    names = {path.stem for path in VECTORS}
    for message in codegen.messages():
        tag = codegen.tag_of(message).lower()
        assert tag in names
        assert f"{tag}-filled" in names or tag in ("reject", "release")


@pytest.mark.parametrize("kind", codegen.messages(), ids=codegen.tag_of)
def test_the_filled_vector_leaves_no_field_at_its_default(kind: type[Message]) -> None:
    optional = {f.name: f.default for f in msgspec.structs.fields(kind) if not f.required}
    if not optional:
        return
    filled = wire.decode((FOLDER / f"{codegen.tag_of(kind).lower()}-filled.msgpack").read_bytes(), Limits())
    assert [name for name, default in optional.items() if getattr(filled, name) in (default, {})] == []


@pytest.mark.parametrize("path", VECTORS, ids=lambda p: p.stem)
def test_python_reads_it_as_its_twin_says(path: Path) -> None:
    twin = twin_of(path)
    if "error" in twin:
        with pytest.raises(WorldplateError) as caught:
            wire.decode(path.read_bytes(), Limits())
        assert caught.value.code == twin["error"]
        return
    message = wire.decode(path.read_bytes(), Limits())
    assert GENERATE.as_json(GENERATE.tree_of(message)) == twin["message"]
    assert wire.decode(wire.encode(message), Limits()) == message


def test_the_committed_vectors_are_those_the_generator_makes() -> None:
    made = GENERATE.vectors()
    assert {path.stem for path in VECTORS} == set(made)
    for name, (data, twin) in made.items():
        assert (FOLDER / f"{name}.msgpack").read_bytes() == data, name
        assert twin_of(FOLDER / f"{name}.msgpack") == twin, name
