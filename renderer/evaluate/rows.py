"""The rows of an evaluation: everything that answers a frame with a picture, one class each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency, ModelNotFound
from bridge.schema import PlaneName
from renderer.evaluate.curve import Curve
from renderer.evaluate.frames import Frame
from renderer.evaluate.image import tone_map

F32 = NDArray[np.float32]


class Row(Protocol):
    """One way to make pictures. It is shown the frames of a sequence one after the other."""

    name: str
    remembers: bool  # whether a picture may depend on the frames before it; then stillness and revisits are measured
    steered_by: str  # what changes the picture but the frame: "nothing", the name of its "setting", or its "weather"

    def files(self) -> Mapping[str, str]:
        """Its files and the SHA-256 of each; empty when it has none."""

    def reset(self) -> None:
        """Forget everything: a new sequence begins."""

    def shown(self, frame: Frame) -> F32:
        """The picture [H, W, 3] as displayed, 0..1; the caller's own array."""


def engine_shown(frame: Frame) -> F32:
    """The engine's own colour through the evaluation's tone map."""
    return tone_map(frame.planes[PlaneName.COLOR][..., :3])


@dataclass
class Engine:
    """The engine's colour as it is."""

    name: str = "engine"
    remembers: bool = False
    steered_by: str = "nothing"

    def files(self) -> Mapping[str, str]:
        return {}

    def reset(self) -> None:
        """It remembers nothing."""

    def shown(self, frame: Frame) -> F32:
        return engine_shown(frame)


@dataclass
class Curved:
    """The engine's colour through the curve of the frame's control setting, or where none was fitted of all of them."""

    curves: Mapping[str, Curve]
    overall: Curve
    name: str = "curve"
    remembers: bool = False
    steered_by: str = "setting"

    def files(self) -> Mapping[str, str]:
        return {}

    def reset(self) -> None:
        """It remembers nothing."""

    def shown(self, frame: Frame) -> F32:
        return self.curves.get(frame.setting, self.overall).applied(engine_shown(frame))


def gathered(
    wanted: Sequence[str], weights: Mapping[str, Path], curved: Callable[[], Curved]
) -> tuple[list[Row], dict[str, str]]:
    """The rows asked for, and for each that cannot be had why not. Networks come from `weights`; limn-s from the
    package where that names none. Raises ModelIncomplete for files that are there and damaged."""
    rows: list[Row] = []
    left_out: dict[str, str] = {}
    for name in wanted:
        try:
            rows.append(_row(name, weights.get(name), curved))
        except (MissingDependency, ModelNotFound) as error:
            left_out[name] = str(error)
    return rows, left_out


def _row(name: str, weights: Path | None, curved: Callable[[], Curved]) -> Row:
    if name == "engine":
        return Engine()
    if name == "curve":
        return curved()
    from renderer.evaluate.networks import limn_row, plain_row

    return plain_row(weights) if name == "plain" else limn_row(name, weights)
