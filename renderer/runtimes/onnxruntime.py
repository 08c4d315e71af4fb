"""ONNX Runtime's CPU kernels, which come for every system that Python runs on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime

from renderer.runtimes import F32, Network, Step, no_such_precision, title


class OnnxRuntime:
    counters = None  # it runs on the CPU

    def __init__(self, network: Network, threads: int, precision: str) -> None:
        if precision != "fp32":
            raise no_such_precision("onnxruntime", precision)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # A thread that spins while it waits takes the core that the engine runs on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(network.onnx, options, providers=["CPUExecutionProvider"])
        self.name = f"{title('onnxruntime')} cpu {precision}"

    def bind(self, inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        bound = self._session.io_binding()
        for port, x in zip(self._session.get_inputs(), inputs, strict=True):
            bound.bind_input(port.name, "cpu", 0, np.float32, x.shape, x.ctypes.data)
        for port, y in zip(self._session.get_outputs(), outputs, strict=True):
            bound.bind_output(port.name, "cpu", 0, np.float32, y.shape, y.ctypes.data)

        def step(_alive: tuple[Sequence[F32], Sequence[F32]] = (inputs, outputs)) -> None:
            self._session.run_with_iobinding(bound)

        return step
