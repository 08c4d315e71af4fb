"""OpenVINO's CPU plugin. It takes the network's input channels last, as the features are written, and keeps it so."""

from __future__ import annotations

from collections.abc import Sequence

import openvino

from renderer.runtimes import F32, Network, Step, no_such_precision, title

HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenVino:
    """Each size is compiled for itself: a network of any size takes a third longer."""

    counters = None  # it runs on the CPU

    def __init__(self, network: Network, threads: int, precision: str) -> None:
        """Without a precision it is bf16 where that is quicker and the network bears it."""
        self._core = openvino.Core()
        able = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")  # BF16: by instructions of its own
        precision = precision or ("bf16" if network.bears_bf16 and "BF16" in able else "fp32")
        if precision not in HINTS or precision.upper() not in able:
            raise no_such_precision("openvino", precision)
        self._onnx = network.onnx
        self._settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # the engine lives on the same cores
            "INFERENCE_PRECISION_HINT": HINTS[precision],  # or it picks bf16 by itself where the CPU has it
        }
        self.name = f"{title('openvino')} cpu {precision}"

    def bind(self, inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        model = self._core.read_model(self._onnx)
        model.reshape({port: list(x.shape) for port, x in zip(model.inputs, inputs, strict=True)})
        request = self._core.compile_model(model, "CPU", self._settings).create_infer_request()
        for index, x in enumerate(inputs):
            request.set_input_tensor(index, openvino.Tensor(x, shared_memory=True))
        for index, y in enumerate(outputs):
            request.set_output_tensor(index, openvino.Tensor(y, shared_memory=True))

        def step() -> None:
            request.infer()

        return step
