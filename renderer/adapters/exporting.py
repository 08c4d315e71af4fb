"""A model folder's networks as ONNX, each held to torch on the way out.

Sizes are the manifest's and fixed, state goes in and out as tensors, and the loop around the networks stays here; so
each file is what TensorRT and other runtimes can compile as a whole.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from bridge.errors import MissingDependency, ModelFailed, NotSupported

try:
    import onnxruntime
    import onnxscript  # noqa: F401 - torch's exporter needs it
    import torch
except ImportError as error:
    raise MissingDependency(
        f"exporting needs torch, onnxscript and onnxruntime: {error}",
        fix='Install them with `pip install "worldplate[adapters]"`.',
    ) from error

from renderer.adapters.families import module_of
from renderer.adapters.folder import open_folder
from renderer.adapters.graphs import Graph, Inputs
from renderer.adapters.manifest import Family

OPSET = 20
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16}
TOLERANCE = {"fp32": 1e-4, "fp16": 2e-2}  # of the greatest value that torch answers with in single precision
log = logging.getLogger("worldplate.adapters")


@dataclass(frozen=True)
class Exported:
    """One file, and what was found of it."""

    name: str
    path: str
    bytes: int  # with its weights beside it
    inputs: dict[str, list[int]]
    output: str
    apart: float  # the greatest difference from torch, over torch's greatest value


def export_folder(path: Path, out: Path, precision: str = "fp32") -> list[Exported]:
    """Every network of a model folder into the folder `out`, which is made. Raises NotSupported for a family whose
    networks are no others' to run, ModelFailed for one that does not answer as torch does, and what loading does."""
    folder = open_folder(path)
    manifest = folder.manifest
    graphs = cast("Callable[..., list[Graph]] | None", getattr(module_of(manifest.family), "graphs", None))
    if graphs is None:
        already = manifest.family is Family.ONNX_I2I
        raise NotSupported(
            f"models of the family '{manifest.family}' are not exported",
            fix=f"It is ONNX already: {folder.files('.onnx')[0]}." if already else "Run it here.",
        )
    out.mkdir(parents=True, exist_ok=True)
    return [export(graph, out, precision) for graph in graphs(folder)]


def export(graph: Graph, out: Path, precision: str = "fp32") -> Exported:
    """One network, with its weights in a file beside it. Raises ModelFailed, and OSError."""
    with torch.inference_mode():
        wanted = graph.network(**graph.inputs)
    dtype = PRECISIONS[precision]
    network, inputs = graph.network.to(dtype), _cast(graph.inputs, dtype)
    path = out / f"{graph.name}.onnx"
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it names the packages that it can do without
    with warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(
            network.eval(), kwargs=inputs, dynamo=True, opset_version=OPSET, verbose=False,
            input_names=list(graph.names), output_names=[graph.output, *graph.more],
        )  # fmt: skip
    if program is None:
        raise ModelFailed(f"torch exported nothing of {graph.name}", fix="Update torch.")
    for node in program.model.graph:
        node.metadata_props.clear()  # paths and stack traces of whoever exports
    program.save(path, external_data=True)
    flat = dict(zip(graph.names, _flat(inputs), strict=True))
    apart = _apart(path, flat, wanted if isinstance(wanted, tuple) else (wanted,))
    if not apart <= TOLERANCE[precision]:
        raise ModelFailed(
            f"{path} answers {apart:.1e} of its range apart from torch, and {TOLERANCE[precision]:g} is allowed",
            fix="Do not use it. Try another version of torch or of onnxscript.",
        )
    shapes = {name: list(tensor.shape) for name, tensor in flat.items()}
    return Exported(graph.name, str(path), _bytes_of(path), shapes, graph.output, apart)


def _cast(inputs: Inputs, dtype: torch.dtype) -> dict[str, torch.Tensor | list[torch.Tensor]]:
    def one(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    return {name: [one(t) for t in each] if isinstance(each, list) else one(each) for name, each in inputs.items()}


def _flat(inputs: Inputs) -> list[torch.Tensor]:
    return [tensor for each in inputs.values() for tensor in (each if isinstance(each, list) else [each])]


def _apart(path: Path, inputs: dict[str, torch.Tensor], wanted: tuple[torch.Tensor, ...]) -> float:
    """How far ONNX Runtime's answers are from torch's, the furthest of them; infinite when it is no number."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    answers = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    apart = max(
        float(np.abs(np.asarray(made, np.float32) - one.numpy()).max() / max(float(one.abs().max()), 1e-6))
        for made, one in zip(answers, wanted, strict=True)
    )
    return apart if np.isfinite(apart) else float("inf")


def _bytes_of(path: Path) -> int:
    return sum(each.stat().st_size for each in (path, path.with_name(f"{path.name}.data")) if each.is_file())
