"""What a person or an engine has set in a session, and how it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors import InvalidValue
from bridge.schema import Control, ControlValue, SetControls
from renderer.frame import Ownership
from renderer.ingest import check_controls


@dataclass(frozen=True)
class Steering:
    """The model's controls, and who owns which pixel."""

    controls: dict[str, ControlValue]
    ownership: Ownership


def fits(controls: Sequence[Control], name: str, value: ControlValue) -> bool:
    """Whether a model that has these controls takes the value."""
    try:
        return bool(check_controls(controls, {name: value}, 1 << 20))
    except InvalidValue:
        return False


def with_ownership(now: Ownership, message: SetControls) -> Ownership:
    """As the message changes it; what it leaves out stays."""
    return Ownership(
        objects=now.objects if message.engine_objects is None else frozenset(message.engine_objects),
        labels=now.labels if message.engine_labels is None else frozenset(message.engine_labels),
        plate_near_m=now.plate_near_m if message.plate_near_m is None else message.plate_near_m,
        plate_far_m=now.plate_far_m if message.plate_far_m is None else message.plate_far_m,
    )
