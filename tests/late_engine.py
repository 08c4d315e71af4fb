"""Engines of ONNX Runtime, which stand for TensorRT's where there is no GPU: built, kept, loaded and run for real."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from bridge.errors import ModelIncomplete
from renderer.runtimes import Network
from renderer.runtimes.engine_cache import EngineCache
from renderer.runtimes.engines import Profile
from renderer.runtimes.onnxruntime import OnnxRuntime


class LateOrt:
    """An engine is the network as ONNX Runtime has optimised it for this processor."""

    def __init__(self, precision: str = "fp32", louder: float = 1.0, pause_s: float = 0.0, dies: bool = False) -> None:
        """`louder` plants a difference: what the last layer's weights are multiplied by."""
        self.name, self.precision = f"late ort {onnxruntime.__version__}", precision
        self._louder, self._pause_s, self._dies = louder, pause_s, dies
        self.arguments: Mapping[str, object] = {
            "precision": precision, "louder": louder, "pause_s": pause_s, "dies": dies,
        }  # fmt: skip

    def identity(self) -> dict[str, str]:
        return {"library": self.name, "louder": str(self._louder)}

    def build(self, network: Path, profile: Profile) -> bytes:
        if self._dies:
            os.kill(os.getpid(), 9)
        time.sleep(self._pause_s)
        model = onnx.load(network)
        last = next(n for n in reversed(model.graph.node) if n.op_type == "Conv").input[1]
        for weights in model.graph.initializer:
            if weights.name == last:
                weights.CopyFrom(
                    numpy_helper.from_array(numpy_helper.to_array(weights) * np.float32(self._louder), last)
                )
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        with tempfile.TemporaryDirectory() as folder:
            optimised = Path(folder) / "engine.onnx"
            options.optimized_model_filepath = str(optimised)
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            return optimised.read_bytes()

    def load(self, engine: bytes, cache: EngineCache) -> OnnxRuntime:
        if not engine.startswith(b"\x08"):  # an ONNX file's first field
            raise ModelIncomplete("the engine is none of ONNX Runtime's", fix="Build it anew.")
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "engine.onnx"
            place.write_bytes(engine)
            return OnnxRuntime(Network(_no_module, place), 1, "fp32")


def _no_module() -> Any:
    raise NotImplementedError
