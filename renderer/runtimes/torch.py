"""torch's own CPU kernels: always there, because limn's features need torch too."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from renderer.runtimes import F32, PRECISIONS, Network, Step, no_such_precision, title


class Torch:
    """Sets torch's number of threads, which is the whole process's."""

    counters = None  # it runs on the CPU

    def __init__(self, network: Network, threads: int, precision: str) -> None:
        if precision not in PRECISIONS:
            raise no_such_precision("torch", precision)
        torch.set_num_threads(threads)
        self._kind = torch.bfloat16 if precision == "bf16" else torch.float32
        self._module = network.module().eval().to(self._kind)
        self.name = f"{title('torch')} cpu {precision}"

    def bind(self, inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        sources, targets = ([_channels_second(array) for array in arrays] for arrays in (inputs, outputs))

        def step() -> None:
            with torch.inference_mode():
                answers = self._module(*(source.to(self._kind) for source in sources))
                for target, answer in zip(targets, answers, strict=True):
                    target.copy_(answer)

        return step


def _channels_second(array: F32) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor
