"""Work whose sizes never change, as one launch: a CUDA graph. On a CPU it is simply done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

WARM = 3  # times that it is done before it is recorded, as CUDA's libraries want it


class Captured:
    """A function of tensors, which may return any nest of tensors; what it reads beside them must stay where it is.

    What it returns is the graph's own memory on a GPU, and holds until it is called again.
    """

    def __init__(self, what: Callable[..., Any], stream: torch.cuda.Stream | None) -> None:
        """`stream` is the one that all the work goes through; None on a CPU."""
        self._what, self._stream = what, stream
        self._given: tuple[torch.Tensor, ...] = ()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._made: Any = None

    def __call__(self, *given: torch.Tensor) -> Any:
        if self._stream is None:
            return self._what(*given)
        if self._graph is None:
            self._record(given)
        assert self._graph is not None
        for place, value in zip(self._given, given, strict=True):
            place.copy_(value)
        self._graph.replay()
        return self._made

    def _record(self, given: tuple[torch.Tensor, ...]) -> None:
        self._given = tuple(value.clone() for value in given)
        for _ in range(WARM):
            self._what(*self._given)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=self._stream):
            self._made = self._what(*self._given)
