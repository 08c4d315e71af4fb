"""The schema says enough: every field is described, every number bounded or said to be free, every word complete."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from msgspec import Struct, inspect

from bridge import codegen
from bridge.schema import (
    ALLOWED_FORMATS,
    PLANE_MEANING,
    RING_HEADER_BYTES,
    RING_MAGIC,
    RING_MAX_PLANES,
    RING_PLANE_BYTES,
    RING_PLANES_OFFSET,
    AnyMessage,
    Limits,
    PlaneName,
    RingField,
)

STRUCTS: tuple[type[Struct], ...] = (*codegen.messages(), *codegen.PARTS)
FIELDS = [(struct, *field) for struct in STRUCTS for field in codegen.fields_of(struct)]
UNITS = {
    "_m": "metres", "_mm": "millimetres", "_ns": "nanoseconds|monotonic|clock", "_ms": "milliseconds", "_px": "pixels",
    "_bytes": "bytes|size", "_frames": "frames", "width": "pixels", "height": "pixels",
}  # fmt: skip


def test_every_field_is_described() -> None:
    assert [f"{struct.__name__}.{name}" for struct, name, _, _, text in FIELDS if len(text) < 4] == []


def test_a_unit_in_a_name_is_said_in_the_description() -> None:
    for struct, name, _, _, text in FIELDS:
        for ending, unit in UNITS.items():
            if name.endswith(ending):
                assert re.search(unit, text), f"{struct.__name__}.{name} does not say {unit}: {text}"


def test_every_struct_that_a_message_holds_is_generated() -> None:
    inner = {type_ for struct in STRUCTS for field in _fields(struct) for type_ in _structs_in(field.type)}
    assert inner <= set(STRUCTS)


def test_every_message_is_in_the_union_and_has_a_tag_of_its_own() -> None:
    assert set(codegen.messages()) == set(get_args(AnyMessage))
    assert len({codegen.tag_of(message) for message in codegen.messages()}) == len(codegen.messages())


def test_every_message_can_grow() -> None:
    for struct in STRUCTS:
        config = struct.__struct_config__
        assert config.frozen, struct
        assert not config.forbid_unknown_fields, struct
        assert not config.array_like, struct


def test_every_plane_has_formats_and_a_meaning() -> None:
    assert set(ALLOWED_FORMATS) == set(PlaneName) == set(PLANE_MEANING)
    assert all(ALLOWED_FORMATS.values())


def test_every_limit_is_positive() -> None:
    limits = Limits()
    assert all(getattr(limits, name) >= 1 for name in Limits.__struct_fields__)


@pytest.mark.parametrize(("name", "fields", "size"), codegen.RING_STRUCTS, ids=lambda part: str(part)[:16])
def test_ring_fields_are_aligned_in_order_and_apart(name: str, fields: tuple[RingField, ...], size: int) -> None:
    end = 0
    for field in fields:
        width = int(field.type[1:]) // 8
        assert field.offset % width == 0, field
        assert field.offset >= end, field
        end = field.offset + width
    assert end <= size
    assert size % 8 == 0, name


def test_the_plane_table_fits_into_the_ring_header() -> None:
    header = codegen.RING_STRUCTS[0][1]
    assert max(field.offset + 8 for field in header) <= RING_PLANES_OFFSET
    assert RING_PLANES_OFFSET + RING_MAX_PLANES * RING_PLANE_BYTES <= RING_HEADER_BYTES


def test_the_magic_reads_as_text_in_memory() -> None:
    assert RING_MAGIC.to_bytes(8, "little") == b"WPLRING1"


def _fields(struct: type[Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _structs_in(kind: inspect.Type) -> set[type[Struct]]:
    match kind:
        case inspect.Metadata(type=inner):
            return _structs_in(inner)
        case inspect.StructType(cls=cls):
            return {cls}
        case inspect.UnionType(types=types):
            return set().union(*(_structs_in(each) for each in types))
        case inspect.VarTupleType(item_type=item):
            return _structs_in(item)
    return set()
