"""Model folders with networks of a few numbers, for the tests of adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from renderer.adapters.folder import sha256_of
from renderer.adapters.manifest import Manifest
from renderer.adapters.written import write_manifest

HEIGHT, WIDTH = 24, 40


def tiny_onnx(path: Path, channels: int = 3, *, size: tuple[int, int] = (HEIGHT, WIDTH), external: str = "") -> Path:
    """An ONNX [1, channels, H, W] -> [1, 3, H, W]: the answer's channels are the first three, turned round. Its
    weights lie in the file `external` where one is named."""
    weights = np.zeros((3, channels, 1, 1), np.float32)
    weights[[0, 1, 2], [min(2, channels - 1), min(1, channels - 1), 0]] = 1.0
    tensor = numpy_helper.from_array(weights, "weights")
    if external:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=external)
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, count, *size])
        for name, count in (("input", channels), ("output", 3))
    ]
    graph = helper.make_graph([helper.make_node("Conv", ["input", "weights"], ["output"])], "tiny", [ports[0]],
                              [ports[1]], [tensor])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    if external and (path.parent / external).resolve().is_relative_to(path.parent.resolve()):
        (path.parent / external).write_bytes(weights.tobytes())
    return path


def make_folder(folder: Path, files: list[Path], **told: Any) -> Path:
    """A model folder of files that lie in it, with a manifest that says so and what `told` has."""
    rows = [{"path": file.name, "sha256": sha256_of(file), "bytes": file.stat().st_size} for file in files]
    whole = {
        "name": folder.name, "family": "onnx_i2i", "licence": "MIT", "size": {"width": WIDTH, "height": HEIGHT},
        "maps": [{"source": "color"}], "files": rows,
    }  # fmt: skip
    write_manifest(folder, msgspec.convert(whole | told, Manifest))
    return folder


def tiny_folder(models: Path, name: str = "tiny", **told: Any) -> Path:
    """A folder of the family `onnx_i2i` in the models folder: it turns red and blue round."""
    folder = models / name
    folder.mkdir(parents=True)
    return make_folder(folder, [tiny_onnx(folder / "model.onnx")], **told)
