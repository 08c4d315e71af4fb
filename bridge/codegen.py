"""Write what other languages read from the schema: a C header, C# and PROTOCOL.md's tables.

    python -m bridge.codegen           write the files
    python -m bridge.codegen --check   change nothing; exit 1 and name each file that is stale

The schema package is the only source, but for worldplate.h's twin and the copies of the shader text (plugins/shaders).
Written files are committed and never edited by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, inspect

from bridge import codegen_abi, codegen_cpp, codegen_shaders, errors, schema
from bridge.schema import (
    HANDLES,
    HANDLES_ABI_VERSION,
    HANDLES_BYTES,
    HANDLES_MAGIC,
    PLANE_MEANING,
    RING_ABI_VERSION,
    RING_HEADER,
    RING_HEADER_BYTES,
    RING_MAGIC,
    RING_MAX_PLANES,
    RING_PLANE,
    RING_PLANE_BYTES,
    RING_PLANES_OFFSET,
    RING_SLOT,
    RING_SLOT_HEADER_BYTES,
    Limits,
    Message,
    PlaneName,
    RingField,
)

ROOT = Path(__file__).parent.parent
HEADER = ROOT / "plugins/native/include/worldplate_schema.h"
ABI = ROOT / "plugins/native/include/worldplate.h"  # by hand; read for its twin in C#
NATIVE = ROOT / "plugins/native/src"
CSHARP = ROOT / "plugins/unity/Runtime/Interop/Schema.g.cs"
CSHARP_ABI = ROOT / "plugins/unity/Runtime/Interop/Native.g.cs"
PROTOCOL = ROOT / "bridge/PROTOCOL.md"
NOTICE = "Written by `python -m bridge.codegen` from bridge/schema. Do not edit."
ABI_NOTICE = "Written by `python -m bridge.codegen` from plugins/native/include/worldplate.h. Do not edit."

ENUMS: tuple[type[Enum], ...] = (
    schema.PlaneName, schema.PixelFormat, schema.Label, schema.Transport, schema.SyncMode, schema.LatePolicy,
    schema.Disposition, schema.Reset, schema.WorldOp, schema.RendererState,
    schema.HandleKind, schema.ControlType,
)  # fmt: skip
PARTS: tuple[type[Struct], ...] = (
    schema.PlaneLayout, schema.PlaneOffer, schema.Control, schema.Pose, schema.Lens, schema.Camera, schema.Bodies,
    schema.Timecode, schema.Limits,
)  # fmt: skip
RING_STRUCTS: tuple[tuple[str, tuple[RingField, ...], int], ...] = (
    ("ring_header", RING_HEADER, RING_HEADER_BYTES),
    ("ring_plane", RING_PLANE, RING_PLANE_BYTES),
    ("ring_slot", RING_SLOT, RING_SLOT_HEADER_BYTES),
    ("handles", HANDLES, HANDLES_BYTES),
)
NUMBERS = {
    "PROTOCOL_VERSION": schema.PROTOCOL_VERSION,
    "RING_ABI_VERSION": RING_ABI_VERSION,
    "RING_HEADER_BYTES": RING_HEADER_BYTES,
    "RING_SLOT_HEADER_BYTES": RING_SLOT_HEADER_BYTES,
    "RING_MAX_PLANES": RING_MAX_PLANES,
    "RING_PLANES_OFFSET": RING_PLANES_OFFSET,
    "RING_PLANE_BYTES": RING_PLANE_BYTES,
    "HANDLES_ABI_VERSION": HANDLES_ABI_VERSION,
    "HANDLES_BYTES": HANDLES_BYTES,
}
UNSIGNED = {2**8 - 1: "u8", 2**32 - 1: "u32", 2**31 - 1: "u31", 2**63 - 1: "u63"}  # by the largest value


def messages() -> list[type[Message]]:
    """Every message in the order of the schema."""
    return list(Message.__subclasses__())


def tag_of(message: type[Struct]) -> str:
    return str(message.__struct_config__.tag)


def error_codes() -> Iterator[tuple[str, str]]:
    """Code and class name of every error, parents first."""
    waiting: list[type[errors.WorldplateError]] = [errors.WorldplateError]
    while waiting:
        error = waiting.pop(0)
        yield error.code, error.__name__
        waiting += error.__subclasses__()


def fields_of(struct: type[Struct]) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and description of each field, as text."""
    info = inspect.type_info(struct)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{struct.__name__} is not a struct")
    for field in info.fields:
        described, text = field.type, ""
        while isinstance(described, inspect.Metadata):
            text = str((described.extra_json_schema or {}).get("description", text))
            described = described.type
        yield field.encode_name, type_text(described), _default_text(field), text


def type_text(described: inspect.Type) -> str:
    """A type in the protocol's words, with its range: int 0..8, text 1..64, list of PlaneLayout 0..16, ..."""
    if isinstance(described, inspect.Metadata):
        return type_text(described.type)
    if isinstance(described, inspect.StructType | inspect.EnumType):
        return str(described.cls.__name__)
    if isinstance(described, inspect.UnionType):
        return " or ".join(type_text(t) for t in described.types)
    if isinstance(described, inspect.VarTupleType):
        return f"list of {type_text(described.item_type)}{_range_text(described.min_length, described.max_length)}"
    if isinstance(described, inspect.TupleType):
        return f"{len(described.item_types)} x {type_text(described.item_types[0])}"
    if isinstance(described, inspect.DictType):
        return f"map of {type_text(described.key_type)} to {type_text(described.value_type)}"
    return _plain_text(described)


def _plain_text(described: inspect.Type) -> str:
    if isinstance(described, inspect.IntType):
        if described.ge == 0 and described.le in UNSIGNED:
            return UNSIGNED[described.le]
        return "int" + _range_text(described.ge, described.le, least=None)
    if isinstance(described, inspect.StrType):
        if described.pattern:
            return f"text like `{described.pattern}`"
        return "text" + _range_text(described.min_length, described.max_length)
    words: dict[type[Any], str] = {
        inspect.FloatType: "float", inspect.BytesType: "bin", inspect.BoolType: "bool", inspect.NoneType: "null",
    }  # fmt: skip
    return words[type(described)]


def _range_text(low: int | None, high: int | None, least: int | None = 0) -> str:
    low = least if low is None else low
    if high is None:
        return "" if low is least else f" >= {low}"
    return f" {low}..{high}"


def _default_text(field: inspect.Field) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return "{}"
    if field.default is msgspec.NODEFAULT:
        return "required"
    if isinstance(field.default, Enum):
        return str(field.default.value)
    if isinstance(field.default, Struct):
        return "defaults"
    return {"": '""', "()": "[]", "b''": "empty", "None": "null"}.get(str(field.default), str(field.default).lower())


def numbered(enum: type[Enum]) -> list[tuple[int, Enum]]:
    """Each member with its number in other languages: its own, or its place."""
    return [(int(m.value) if isinstance(m, IntEnum) else n, m) for n, m in enumerate(enum)]


def c_name(name: str) -> str:
    """CamelCase to CAPITALS_WITH_LINES."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


C_HEAD = """\
#ifndef WORLDPLATE_SCHEMA_H
#define WORLDPLATE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WP_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define WP_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif
"""


def c_header() -> str:
    lines = [f"/* {NOTICE} */", C_HEAD]
    lines += [f"#define WP_{name} {value}" for name, value in NUMBERS.items()]
    lines += [f"#define WP_RING_MAGIC UINT64_C({RING_MAGIC:#018x}) /* the bytes WPLRING1 */"]
    lines += [f"#define WP_HANDLES_MAGIC UINT64_C({HANDLES_MAGIC:#018x}) /* the bytes WPLHND1 and 0 */", ""]
    for enum in ENUMS:
        lines += _c_enum(enum)
    lines.append("/* Limits: the renderer's defaults; WELCOME says those in force. */")
    lines += [f"#define WP_LIMIT_{n.upper()} {default} /* {text} */" for n, _, default, text in fields_of(Limits)]
    lines += ["", "/* Error codes of REJECT, ERROR and PLANES_ACK. */"]
    lines += [f'#define WP_ERROR_{c_name(code)} "{code}"' for code, _ in error_codes()]
    for name, ring_fields, size in RING_STRUCTS:
        lines += _c_struct(name, ring_fields, size)
    lines += ["", "/* Messages: the value of `type`, and the keys of each map. */"]
    for message in messages():
        lines += ["", f'#define WP_{tag_of(message)} "{tag_of(message)}" /* {_one_line(message)} */']
        lines += _c_keys(tag_of(message), message)
    for part in PARTS:
        lines += ["", f"/* {part.__name__}: {_one_line(part)} */", *_c_keys(c_name(part.__name__), part)]
    return "\n".join([*lines, "", "#endif /* WORLDPLATE_SCHEMA_H */", ""])


def _c_keys(prefix: str, struct: type[Struct]) -> list[str]:
    return [
        f'#define WP_KEY_{prefix}_{name.upper()} "{name}" /* {kind}{"; " if text else ""}{text} */'
        for name, kind, _, text in fields_of(struct)
    ]


def _c_enum(enum: type[Enum]) -> list[str]:
    name = c_name(enum.__name__)
    lines = [f"/* {_one_line(enum)} */", f"typedef enum wp_{name.lower()} {{"]
    for number, member in numbered(enum):
        meaning = PLANE_MEANING.get(member) if isinstance(member, PlaneName) else None
        lines.append(f"    WP_{name}_{member.name} = {number}," + (f" /* {meaning} */" if meaning else ""))
    lines += [f"}} wp_{name.lower()};", f"#define WP_{name}_COUNT {len(enum)}"]
    if not issubclass(enum, IntEnum):  # on the wire these are text; index it by the value above
        texts = ", ".join(f'"{m.value}"' for m in enum)
        lines.append(f"#define WP_{name}_TEXTS {{{texts}}}")
    return [*lines, ""]


def _c_struct(name: str, fields: tuple[RingField, ...], size: int) -> list[str]:
    lines, at = ["", f"typedef struct wp_{name} {{"], 0
    for field in fields:
        if field.offset > at:
            lines.append(f"    uint8_t reserved_{at}[{field.offset - at}];")
        lines.append(f"    {'uint32_t' if field.type == 'u32' else 'uint64_t'} {field.name}; /* {field.description} */")
        at = field.offset + int(field.type[1:]) // 8
    if at < size:
        lines.append(f"    uint8_t reserved_{at}[{size - at}];")
    lines.append(f"}} wp_{name};")
    lines.append(f'WP_STATIC_ASSERT(sizeof(wp_{name}) == {size}, "size of wp_{name}");')
    lines += [f'WP_STATIC_ASSERT(offsetof(wp_{name}, {f.name}) == {f.offset}, "wp_{name}.{f.name}");' for f in fields]
    return lines


def csharp() -> str:
    lines = [f"// {NOTICE}", "#nullable enable", "namespace Worldplate.Interop", "{"]
    for enum in ENUMS:
        lines += _cs_enum(enum)
    numbers = [f"        public const int {_pascal(name)} = {value};" for name, value in NUMBERS.items()]
    numbers.append(f"        public const ulong RingMagic = {RING_MAGIC:#018x}UL; // the bytes WPLRING1")
    numbers.append(f"        public const ulong HandlesMagic = {HANDLES_MAGIC:#018x}UL; // the bytes WPLHND1 and 0")
    lines += _cs_class("Schema", "Versions and sizes.", numbers)
    for name, ring_fields, size in RING_STRUCTS:
        offsets = [_cs_const("int", f.name, str(f.offset), f"{f.type}; {f.description}") for f in ring_fields]
        summary = f"Byte offsets in the {name.replace('_', ' ')} of {size} bytes."
        lines += _cs_class(_pascal(name), summary, [line for pair in offsets for line in pair])
    bounds = [_cs_const("long", name, f"{value}L", text) for name, _, value, text in fields_of(Limits)]
    lines += _cs_class("DefaultLimits", "WELCOME says those in force.", [line for pair in bounds for line in pair])
    codes = [f'        public const string {_pascal(code)} = "{code}";' for code, _ in error_codes()]
    lines += _cs_class("ErrorCode", "Of REJECT, ERROR and PLANES_ACK.", codes)
    for struct in (*messages(), *PARTS):
        lines += _cs_keys(struct)
    return "\n".join([*lines[:-1], "}", ""])


def csharp_abi() -> str:
    known = {f"WP_{name}": value for name, value in NUMBERS.items()}
    known |= {f"WP_{c_name(enum.__name__)}_COUNT": len(enum) for enum in ENUMS}
    enums = {f"wp_{c_name(enum.__name__).lower()}": enum.__name__ for enum in ENUMS}
    return codegen_abi.csharp(codegen_abi.read(ABI.read_text(), known), enums, ABI_NOTICE)


def _cs_enum(enum: type[Enum]) -> list[str]:
    lines = [f"    /// <summary>{_xml(_one_line(enum))}</summary>", f"    public enum {enum.__name__}", "    {"]
    lines += [f"        {_pascal(m.name)} = {number}," for number, m in numbered(enum)]
    lines += ["    }", ""]
    if not issubclass(enum, IntEnum):
        texts = ", ".join(f'"{m.value}"' for m in enum)
        field = f"        public static readonly string[] All = {{ {texts} }};"
        lines += _cs_class(f"{enum.__name__}Texts", f"On the wire, by the number of {enum.__name__}.", [field])
    return lines


def _cs_keys(struct: type[Struct]) -> list[str]:
    body = [_cs_const("string", name, f'"{name}"', f"{kind}; {text}") for name, kind, _, text in fields_of(struct)]
    if issubclass(struct, Message):
        body.insert(0, _cs_const("string", "message_type", f'"{tag_of(struct)}"', "the value of `type`"))
    return _cs_class(f"{struct.__name__}Keys", _one_line(struct), [line for pair in body for line in pair])


def _cs_const(kind: str, name: str, value: str, text: str) -> tuple[str, str]:
    return f"        /// <summary>{_xml(text)}</summary>", f"        public const {kind} {_pascal(name)} = {value};"


def _cs_class(name: str, summary: str, body: list[str]) -> list[str]:
    return [
        f"    /// <summary>{_xml(summary)}</summary>",
        f"    public static class {name}",
        "    {",
        *body,
        "    }",
        "",
    ]


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(thing: type[Any]) -> str:
    doc = (thing.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(doc.split()) or thing.__name__


def protocol_tables() -> dict[str, str]:
    """The generated parts of PROTOCOL.md by the name between their markers."""
    planes = ["| plane | formats | meaning |", "|---|---|---|"]
    for plane in PlaneName:
        formats = ", ".join(schema.ALLOWED_FORMATS[plane])
        planes.append(f"| `{plane}` | {formats} | {PLANE_MEANING[plane]} |")
    ring: list[str] = []
    for name, ring_fields, size in RING_STRUCTS:
        ring += [
            f"**{name.replace('_', ' ')}** ({size} bytes)",
            "",
            "| offset | type | field | meaning |",
            "|---|---|---|---|",
        ]
        ring += [f"| {f.offset} | {f.type} | `{f.name}` | {f.description} |" for f in ring_fields] + [""]
    limits = ["| limit | default | of |", "|---|---|---|"]
    limits += [f"| `{name}` | {default} | {text} |" for name, _, default, text in fields_of(Limits)]
    codes = ["| code | error |", "|---|---|", *(f"| `{code}` | {name} |" for code, name in error_codes())]
    enums = ["| word | values |", "|---|---|"]
    enums += [f"| {e.__name__} | {', '.join(_value_text(m) for m in e)} |" for e in ENUMS]
    tables = {"planes": planes, "ring": ring, "limits": limits, "errors": codes, "enums": enums}
    tables["messages"] = [line for m in messages() for line in _message_table(f"{tag_of(m)}", m)]
    tables["parts"] = [line for p in PARTS if p is not Limits for line in _message_table(p.__name__, p)]
    return {name: "\n".join(lines).strip() for name, lines in tables.items()}


def _value_text(member: Enum) -> str:
    return f"{member.value} {member.name.lower()}" if isinstance(member, IntEnum) else f"`{member.value}`"


def _message_table(title: str, struct: type[Struct]) -> list[str]:
    lines = [f"#### {title}", "", _one_line(struct), "", "| field | type | default | meaning |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {default} | {text} |" for name, kind, default, text in fields_of(struct)]
    return [*lines, ""]


def protocol(text: str) -> str:
    """PROTOCOL.md with its tables written anew between `<!-- generated:NAME -->` and `<!-- end -->`."""
    for name, table in protocol_tables().items():
        marked = re.compile(rf"(<!-- generated:{name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not marked.search(text):
            raise ValueError(f"PROTOCOL.md has no place for the table '{name}'")
        text = marked.sub("\\g<1>" + table.replace("\\", "\\\\") + "\n\\g<2>", text)
    return text


def outputs() -> dict[Path, str]:
    """Every written file with the text it should have."""
    kinds, parts = messages(), list(PARTS)
    return {
        HEADER: c_header(),
        NATIVE / "messages.g.hpp": codegen_cpp.header(kinds, parts, NOTICE),
        NATIVE / "messages.g.cpp": codegen_cpp.source(kinds, parts, NOTICE),
        NATIVE / "words.g.hpp": codegen_cpp.words(list(ENUMS), NOTICE),
        CSHARP: csharp(),
        CSHARP_ABI: csharp_abi(),
        PROTOCOL: protocol(PROTOCOL.read_text()),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file is stale")
    options = parser.parse_args(arguments)
    wanted = outputs() | codegen_shaders.copies(ROOT)
    stale = {path: text for path, text in wanted.items() if not path.is_file() or path.read_text() != text}
    for path, text in stale.items():
        if options.check:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run `python -m bridge.codegen`\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
