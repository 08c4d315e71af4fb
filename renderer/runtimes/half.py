"""A network in half precision, made of its ONNX: float32 at its inputs and outputs, half inside."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import MissingDependency, ModelMismatch

if TYPE_CHECKING:
    import onnx

INSTALL = 'Install them with `pip install "worldplate[tensorrt]"`.'
QUANTIZED = frozenset({"QuantizeLinear", "DequantizeLinear"})


def in_precision(path: Path, precision: str, folder: Path) -> Path:
    """The ONNX file at `path` in "fp32", "fp16" or "int8": itself, or halved into `folder`. What it holds is
    `precision_of`. Weights lie beside the halved file, since a message of protobuf ends at 2 GB; where those of `path`
    lie beside it, they were checked to be in its folder (renderer.adapters.weights.ports_of).

    Raises ModelMismatch when a file of another precision cannot be made into it, MissingDependency.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingDependency(f"onnx is not installed: {error}", fix=INSTALL) from error
    model = onnx.load(path, load_external_data=False)
    own = precision_of(model)
    if own == precision:
        return path
    if (own, precision) != ("fp32", "fp16"):
        raise ModelMismatch(
            f"{path} is in {own}, and {precision} was asked for", fix=f"Ask for {own}, or quantize its fp32 original."
        )
    model = onnx.shape_inference.infer_shapes(model)  # it goes by way of a message: before the weights are there
    onnx.load_external_data_for_model(model, str(path.parent))
    halved = folder / path.name
    onnx.save(_halved(model), halved, save_as_external_data=True, location=f"{path.name}.data")
    return halved


def precision_of(model: onnx.ModelProto) -> str:
    """ "int8" with nodes that quantize, "fp16" with weights in half precision, else "fp32"."""
    from onnx import TensorProto

    if any(node.op_type in QUANTIZED for node in model.graph.node):
        return "int8"
    return "fp16" if any(t.data_type == TensorProto.FLOAT16 for t in model.graph.initializer) else "fp32"


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
        from onnxruntime.transformers.onnx_model import OnnxModel
    except ImportError as error:
        raise MissingDependency(f"fp16 needs onnxruntime: {error}", fix=INSTALL) from error
    with warnings.catch_warnings(action="ignore"):  # of weights under half's least, which become its least
        half = OnnxModel(convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=True))
    half.topological_sort()  # the casts of its inputs stand last
    halved: onnx.ModelProto = half.model
    return halved
