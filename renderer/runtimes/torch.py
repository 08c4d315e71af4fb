"""torch's own CPU kernels: always there, because limn's features need torch too."""

from __future__ import annotations

import torch

from renderer.runtimes import F32, PRECISIONS, Network, Step, no_such_precision, title


class Torch:
    """Sets torch's number of threads, which is the whole process's."""

    def __init__(self, network: Network, threads: int, precision: str) -> None:
        if precision not in PRECISIONS:
            raise no_such_precision("torch", precision)
        torch.set_num_threads(threads)
        self._kind = torch.bfloat16 if precision == "bf16" else torch.float32
        self._module = network.module().eval().to(self._kind)
        self.name = f"{title('torch')} cpu {precision}"

    def bind(self, x: F32, y: F32) -> Step:
        source, target = (torch.from_numpy(array).permute(0, 3, 1, 2) for array in (x, y))

        def step() -> None:
            with torch.inference_mode():
                target.copy_(self._module(source.to(self._kind)))

        return step
