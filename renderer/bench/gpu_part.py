"""One part of `worldplate bench gpu`, in a process of its own: reads its order, prints a line of JSON for each row."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bridge.errors import WorldplateError

Figures = dict[str, Any]
Measures = Iterator[Callable[[], Figures]]  # one for each row of the part, in their order


def _answer(told: Mapping[str, Any]) -> Measures:
    from renderer.bench import gpu_limn

    yield gpu_limn.answer


def _planes(told: Mapping[str, Any]) -> Measures:
    from renderer.bench import gpu_planes

    for measure in (gpu_planes.identity, gpu_planes.matte, gpu_planes.late, gpu_planes.limn):
        for width, height in told["sizes"]:
            yield partial(measure, (width, height))


def _loop(told: Mapping[str, Any]) -> Measures:
    from renderer.bench import gpu_loop

    for width, height in told["sizes"]:
        yield partial(gpu_loop.loop, _path(told["engine"]), told["model"], (width, height))


def _limn(told: Mapping[str, Any]) -> Measures:
    from renderer.bench import gpu_limn

    width, height = told["size"]
    yield from gpu_limn.measures((width, height))


def _kills(told: Mapping[str, Any]) -> Measures:
    from renderer.bench import gpu_loop

    yield partial(gpu_loop.kills, _path(told["engine"]), told["kills"], told["limit_s"])


KINDS: dict[str, Callable[[Mapping[str, Any]], Measures]] = {
    "answer": _answer, "planes": _planes, "loop": _loop, "limn": _limn, "kills": _kills,
}  # fmt: skip


def measured(order: Mapping[str, Any]) -> Iterator[Figures]:
    """The rows of an order: figures, or why there are none."""
    try:
        for row, measure in zip(order["rows"], KINDS[order["kind"]](order), strict=True):
            try:
                yield {"row": row, **measure()}
            except WorldplateError as error:
                yield {"row": row, "not_run": error.what}
            except (RuntimeError, ValueError, TypeError, AttributeError, ImportError, OSError, MemoryError) as error:
                yield {"row": row, "not_run": f"it broke: {error!r}"[:400]}  # of torch, its compiler, a driver
    except WorldplateError as error:  # before the first row; the others' reason is the same
        for row in order["rows"]:
            yield {"row": row, "not_run": error.what}


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def main() -> int:
    """What libraries print goes to stderr, so that rows are alone."""
    rows = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for figures in measured(json.loads(sys.argv[1])):
        rows.write(json.dumps(figures) + "\n")
        rows.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
