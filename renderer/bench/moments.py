"""Moments in a queue of work: CUDA's own events where there is a stream, the clock where each call has ended."""

from __future__ import annotations

import time
from typing import Any

import torch


def moment(stream: torch.cuda.Stream | None) -> Any:
    """Now, in that stream's order; None is the CPU's."""
    if stream is None:
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record(stream)
    return event


def between_ms(start: Any, end: Any) -> float:
    """Of two moments of one stream, both of which have come."""
    return float((end - start) * 1e3 if isinstance(start, float) else start.elapsed_time(end))
