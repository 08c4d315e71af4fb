"""A network in int8, to measure what it would bring: on AVX2 without VNNI it brings nothing, so none is shipped.

TensorRT takes it symmetric and with its biases as they are; so it is made for it, and the CPU's runtimes take both.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from renderer.models.limn.model import ONNX, WEIGHTS, write_manifest
from renderer.runtimes import F32


class _Inputs(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, inputs: Sequence[Mapping[str, F32]]) -> None:
        self._rest: Iterator[Mapping[str, F32]] = iter(inputs)

    def get_next(self) -> Mapping[str, F32] | None:
        return next(self._rest, None)


def quantize(model: Path, inputs: Sequence[Mapping[str, F32]], target: Path, *, for_tensorrt: bool = False) -> None:
    """Make of an empty folder the model's, with the 3x3 convolutions of its ONNX in int8, calibrated on network inputs
    by name. The 1x1 ones stay in fp32: they make the picture, and in int8 they cost 12 dB and save little."""
    symmetric = {"QuantizeBias": False, "ActivationSymmetric": True, "WeightSymmetric": True}
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / ONNX
        quant_pre_process(model / ONNX, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared, target / ONNX, _Inputs(inputs), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QInt8 if for_tensorrt else QuantType.QUInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"], nodes_to_exclude=_pointwise(onnx.load(prepared)),
            extra_options=symmetric if for_tensorrt else {},
        )  # fmt: skip
    for name in (WEIGHTS, "manifest.json"):
        shutil.copy(model / name, target)
    write_manifest(target)


def _pointwise(model: onnx.ModelProto) -> list[str]:
    shapes = {weight.name: list(weight.dims) for weight in model.graph.initializer}
    return [n.name for n in model.graph.node if n.op_type == "Conv" and shapes[n.input[1]][2:] == [1, 1]]
