"""The first step: engine planes in place, checked against what the model needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bridge.errors import InvalidValue, LimitExceeded, MissingPlane
from bridge.schema import ALLOWED_FORMATS, Control, ControlType, ControlValue, PixelFormat, PlaneName, PlaneOffer
from renderer.models import ModelCard

# What the bridge itself looks at, whatever the model does: to composite, to warp late plates, to know who owns a pixel.
OWN_PLANES = frozenset({PlaneName.COLOR, PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.LABEL})


def agree_planes(card: ModelCard, offers: Sequence[PlaneOffer]) -> dict[PlaneName, PixelFormat]:
    """Choose the planes the engine is to send, those of the model and OWN_PLANES, in the engine's first format that the
    protocol allows.

    Raises MissingPlane when the model needs one that is not offered in an allowed format.
    """
    chosen: dict[PlaneName, PixelFormat] = {}
    wanted = card.needs | card.optional | OWN_PLANES
    for offer in offers:
        formats = [f for f in offer.formats if f in ALLOWED_FORMATS[offer.name]]
        if formats and offer.name in wanted:
            chosen[offer.name] = formats[0]
    absent = sorted(card.needs - chosen.keys())
    if absent:
        raise MissingPlane(
            f"model '{card.name}' needs the plane{'s' if len(absent) > 1 else ''} {', '.join(absent)},"
            f" and the engine offers {', '.join(o.name for o in offers) or 'none'}",
            fix="Turn the plane on in the engine's capture settings, or serve a model that does without it.",
        )
    return chosen


def check_planes(card: ModelCard, planes: Mapping[PlaneName, object]) -> None:
    """Raise MissingPlane when a frame came without a plane that the model needs."""
    absent = sorted(card.needs - planes.keys())
    if absent:
        raise MissingPlane(
            f"frame came without {', '.join(absent)}, which model '{card.name}' needs",
            fix="Send every plane of WELCOME.planes in every frame.",
        )


def check_controls(
    schema: Iterable[Control], values: Mapping[str, ControlValue], max_text: int
) -> dict[str, ControlValue]:
    """Check values against the model's typed schema and return them, numbers as floats.

    Raises InvalidValue for an unknown name, a wrong type or a value out of range, LimitExceeded for a long text.
    """
    known = {control.name: control for control in schema}
    checked: dict[str, ControlValue] = {}
    for name, value in values.items():
        control = known.get(name)
        if control is None:
            raise InvalidValue(
                f"the model has no control '{name[:64]}'", fix=f"Its controls are: {', '.join(known) or 'none'}."
            )
        checked[name] = _check_control(control, value, max_text)
    return checked


def _check_control(control: Control, value: ControlValue, max_text: int) -> ControlValue:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if control.type in (ControlType.NUMBER, ControlType.INTEGER) and number:
        whole = control.type is ControlType.INTEGER
        if control.minimum <= float(value) <= control.maximum and (not whole or float(value).is_integer()):
            return int(value) if whole else float(value)
        expected = f"{'a whole number' if whole else 'a number'} from {control.minimum:g} to {control.maximum:g}"
    elif control.type is ControlType.TOGGLE and isinstance(value, bool):
        return value
    elif control.type is ControlType.TEXT and isinstance(value, str):
        if len(value) > max_text:
            raise LimitExceeded(f"the text of control '{control.name}'", len(value), max_text, "max_text")
        return value
    elif control.type is ControlType.CHOICE and value in control.choices:
        return value
    else:
        expected = f"one of {', '.join(control.choices)}" if control.choices else f"a {control.type}"
    raise InvalidValue(
        f"control '{control.name}' is {str(value)[:64]!r}, and must be {expected}", fix="Send a value in that range."
    )
