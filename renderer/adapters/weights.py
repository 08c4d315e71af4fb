"""What is in a file of weights, read without loading it: the tensors of a safetensors file, the ports of an ONNX.

A LoRA alone, or weights of other channels than the manifest's maps, are refused here, before a runtime sees them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bridge.errors import MissingDependency, ModelIncomplete, ModelMismatch, ModelUnsafe

if TYPE_CHECKING:
    import onnx

INSTALL = 'Install it with `pip install "worldplate[adapters]"`.'
LORA = re.compile(r"lora_(A|B|up|down|unet|te)\b|\.lora\.|lora_unet_|\.(alpha|dora_scale)$")
OWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})  # whose operators ONNX Runtime has itself


@dataclass(frozen=True)
class Tensor:
    """A tensor of a safetensors file: its type as the file says it, such as "BF16", and its shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Port:
    """An input or output of an ONNX: its shape, None where it is free, and its type as numpy calls it."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Ports:
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    external: tuple[str, ...]  # files beside it that hold its weights, relative to its folder


def tensors_of(path: Path) -> dict[str, Tensor]:
    """By name, from the header. Raises ModelIncomplete for what is no whole safetensors file, MissingDependency."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingDependency("safetensors is not installed", fix=INSTALL) from error
    try:
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            return {name: Tensor(each.get_dtype(), tuple(each.get_shape())) for name, each in slices.items()}
    except (SafetensorError, OSError) as error:
        raise ModelIncomplete(f"{path} is no whole safetensors file: {error}", fix="Bring it anew.") from error


def check_no_lora(path: Path, tensors: dict[str, Tensor]) -> None:
    """Raises ModelMismatch for a file that only changes another model's weights."""
    parts = [name for name in tensors if LORA.search(name)]
    if parts and len(parts) == len(tensors):
        raise ModelMismatch(
            f"{path} is a LoRA, which changes a base model and is none itself (it begins with '{parts[0]}')",
            fix="Put the base model's files into the folder as well, and name the LoRA in the family's options.",
        )


def ports_of(path: Path) -> Ports:
    """Of an ONNX. Raises ModelIncomplete when it is none, ModelUnsafe when its weights are outside its folder or it
    wants operators that no runtime here has, MissingDependency."""
    model = _parsed(path)
    foreign = sorted({node.domain for node in _nodes(model.graph)} - OWN_DOMAINS - {f.domain for f in model.functions})
    if foreign:
        raise ModelUnsafe(
            f"{path} wants operators of '{foreign[0]}', which come as a library of their makers",
            fix="Export it with ONNX's own operators, or run it in a process of its own (family `process`).",
        )
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = tuple(_port(value) for value in model.graph.input if value.name not in constants)
    return Ports(inputs, tuple(_port(value) for value in model.graph.output), _external(path, model))


def _parsed(path: Path) -> onnx.ModelProto:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependency("onnx is not installed", fix=INSTALL) from error
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError) as error:
        raise ModelIncomplete(f"{path} is no whole ONNX file: {error}", fix="Bring it anew.") from error
    if not model.graph.output:
        raise ModelIncomplete(f"{path} is no whole ONNX file: it has no output", fix="Bring it anew.")
    return model


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """All that hold values, those of branches and loops too."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _external(path: Path, model: onnx.ModelProto) -> tuple[str, ...]:
    """Raises ModelUnsafe for a place outside the ONNX's own folder."""
    from onnx import TensorProto

    places: set[str] = set()
    for tensor in _tensors(model.graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            places |= {entry.value for entry in tensor.external_data if entry.key == "location"}
    for place in sorted(places):
        parts = PurePosixPath(place.replace("\\", "/")).parts
        inside = (path.parent / place).resolve().is_relative_to(path.parent.resolve())
        if not inside or ".." in parts or PurePosixPath(place).is_absolute():
            raise ModelUnsafe(
                f"{path} wants its weights from '{place[:200]}', outside its folder",
                fix="Export it anew with its weights beside it.",
            )
    return tuple(sorted(places))


def _port(value: onnx.ValueInfoProto) -> Port:
    from onnx import helper

    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name if tensor.elem_type else ""
    return Port(value.name, shape, dtype)
