"""Hypothesis strategies for every message of the protocol, read from the schema.

What a type says (ranges, lengths, patterns) comes from the schema; what only bridge/checks.py says is in `_VALID`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from msgspec import Struct, inspect, structs

from bridge.checks import LARGEST
from bridge.schema import (
    Bodies,
    Camera,
    Control,
    ControlType,
    Frame,
    Hello,
    Lens,
    Limits,
    PlaneLayout,
    PlaneName,
    Planes,
    Pose,
    Result,
    SetControls,
    Welcome,
)

Drawn = st.SearchStrategy[Any]
LIMITS = Limits()
NUMBERS = st.floats(-LARGEST / 4, LARGEST / 4)
AMOUNTS = st.floats(0.0, LARGEST / 4)
SIDES = st.integers(1, LIMITS.max_side_px)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)
VALUES = st.booleans() | st.integers(-(10**15), 10**15) | NUMBERS | st.text(st.characters(codec="utf-8"), max_size=64)


def message_of(kind: type[Struct]) -> Drawn:
    """Any valid struct of this kind."""
    special = _VALID.get(kind)
    return special() if special else _by_type(kind)


def _by_type(kind: type[Struct], **given: Drawn) -> Drawn:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    drawn = {field.name: _value_of(field.type) for field in info.fields if field.name not in given}
    return st.builds(kind, **drawn, **given)


def _value_of(kind: inspect.Type) -> Drawn:
    match kind:
        case inspect.Metadata(type=inner):
            return _value_of(inner)
        case inspect.StructType(cls=cls):
            return message_of(cls)
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case inspect.UnionType(types=types):
            return st.one_of(*(_value_of(each) for each in types))
        case inspect.VarTupleType(item_type=item, min_length=low, max_length=high):
            return st.lists(_value_of(item), min_size=low or 0, max_size=min(high or 4, 4)).map(tuple)
        case inspect.TupleType(item_types=items):
            return st.tuples(*(_value_of(item) for item in items))
        case inspect.DictType(value_type=value):
            return st.dictionaries(NAMES, _value_of(value), max_size=4)
    return _plain(kind)


def _plain(kind: inspect.Type) -> Drawn:
    match kind:
        case inspect.StrType(pattern=str() as pattern, min_length=low):
            texts = st.from_regex(pattern, fullmatch=True).filter(lambda text: "\n" not in text).map(lambda t: t[:64])
            return texts.filter(lambda text: len(text) >= (low or 0))
        case inspect.StrType(min_length=low, max_length=high):
            return st.text(st.characters(codec="utf-8"), min_size=low or 0, max_size=min(high or 64, 64))
        case inspect.IntType(ge=low, le=high):
            return st.integers(-(2**63) if low is None else low, 2**63 - 1 if high is None else high)
        case inspect.FloatType():
            return NUMBERS
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    raise TypeError(f"the schema has a type without a strategy: {kind}")


def _unit(parts: tuple[float, ...]) -> tuple[float, ...]:
    length = math.hypot(*parts)
    return tuple(part / length for part in parts)


UNITS = st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: math.hypot(*q) > 0.01).map(_unit)


def _pose() -> Drawn:
    return _by_type(Pose, orientation=UNITS)


@st.composite
def _camera(draw: st.DrawFn) -> Camera:
    near_m = draw(st.floats(1e-4, 100.0))
    far_m = draw(st.just(math.inf) | st.floats(near_m * 1.01, 1e6))
    a = -1.0 if math.isinf(far_m) else (far_m + near_m) / (near_m - far_m)
    b = -2.0 * near_m if math.isinf(far_m) else 2.0 * far_m * near_m / (near_m - far_m)
    x, y, shift = draw(st.floats(0.1, 100.0)), draw(st.floats(0.1, 100.0)), draw(st.floats(-1.0, 1.0))
    projection = st.just((x, 0.0, shift, 0.0, 0.0, y, 0.0, 0.0, 0.0, 0.0, a, b, 0.0, 0.0, -1.0, 0.0))
    lens = _by_type(Lens, **{name: AMOUNTS for name in Lens.__struct_fields__})
    camera: Camera = draw(
        _by_type(Camera, projection=projection, near_m=st.just(near_m), far_m=st.just(far_m), lens=lens)
    )
    return camera


@st.composite
def _bodies(draw: st.DrawFn) -> Bodies:
    count, contacts = draw(st.integers(0, 6)), draw(st.integers(0, 4))
    ids = draw(st.lists(st.integers(1, 2**32 - 1), min_size=count, max_size=count, unique=True))

    def rows() -> bytes:
        drawn = [(draw(NUMBERS), draw(NUMBERS), draw(NUMBERS), *draw(UNITS)) for _ in range(count)]
        return np.array(drawn, "<f8").tobytes()

    def floats(number: int) -> bytes:
        return np.array([draw(st.floats(-1e6, 1e6, width=32)) for _ in range(number)], "<f4").tobytes()

    return Bodies(
        count=count, ids=np.array(ids, "<u4").tobytes(), labels=draw(st.binary(min_size=count, max_size=count)),
        poses=rows(), previous_poses=rows(), velocities=floats(6 * count), contact_count=contacts,
        contact_ids=draw(st.binary(min_size=8 * contacts, max_size=8 * contacts)), contact_points=floats(4 * contacts),
    )  # fmt: skip


def _layouts() -> Drawn:
    layout = _by_type(PlaneLayout, width=SIDES, height=SIDES)
    return st.lists(layout, max_size=len(PlaneName), unique_by=lambda one: one.name).map(tuple)


@st.composite
def _control(draw: st.DrawFn) -> Control:
    control: Control = draw(_by_type(Control, default=VALUES))
    low, high = sorted((control.minimum, control.maximum))
    choices = (*control.choices, draw(NAMES))
    default = choices[0] if control.type is ControlType.CHOICE else control.default
    return structs.replace(control, minimum=low, maximum=high, choices=choices, default=default)


@st.composite
def _welcome(draw: st.DrawFn) -> Welcome:
    layouts = draw(_layouts())
    controls = st.lists(_control(), max_size=3, unique_by=lambda one: one.name).map(tuple)
    cut = draw(st.integers(0, len(layouts)))
    welcome: Welcome = draw(
        _by_type(Welcome, planes=st.just(layouts[:cut]), outputs=st.just(layouts[cut:]), controls=controls)
    )
    return welcome


@st.composite
def _planes(draw: st.DrawFn) -> Planes:
    layouts = draw(_layouts())
    cut = draw(st.integers(0, len(layouts)))
    planes: Planes = draw(
        _by_type(
            Planes,
            planes=st.just(layouts[:cut]),
            outputs=st.just(layouts[cut:]),
            slot_count=st.integers(2, LIMITS.max_slots),
            segment_bytes=st.integers(1, LIMITS.max_shared_bytes),
        )
    )
    return planes


@st.composite
def _set_controls(draw: st.DrawFn) -> SetControls:
    edges_m = sorted(draw(st.tuples(AMOUNTS | st.just(math.inf), AMOUNTS | st.just(math.inf))))
    near_m, far_m = (draw(st.sampled_from((None, edge_m))) for edge_m in edges_m)
    values = st.dictionaries(NAMES, VALUES, max_size=4)
    message: SetControls = draw(
        _by_type(SetControls, values=values, plate_near_m=st.just(near_m), plate_far_m=st.just(far_m))
    )
    return message


def _hello() -> Drawn:
    offers = _value_of(_field(Hello, "planes")).filter(lambda some: len({one.name for one in some}) == len(some))
    return _by_type(Hello, width=SIDES, height=SIDES, planes=offers)


def _frame() -> Drawn:
    controls = st.dictionaries(NAMES, VALUES, max_size=4)
    return _by_type(Frame, id=st.integers(1, 2**63 - 1), planes=_layouts(), controls=controls)


def _field(kind: type[Struct], name: str) -> inspect.Type:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return next(field.type for field in info.fields if field.name == name)


_VALID: dict[type[Struct], Callable[[], Drawn]] = {
    Pose: _pose, Camera: _camera, Bodies: _bodies, Control: _control, Welcome: _welcome, Planes: _planes,
    SetControls: _set_controls, Hello: _hello, Frame: _frame,
    Result: lambda: _by_type(Result, outputs=_layouts()),
    PlaneLayout: lambda: _by_type(PlaneLayout, width=SIDES, height=SIDES),
}  # fmt: skip
