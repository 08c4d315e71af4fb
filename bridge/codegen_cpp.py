"""Write the native client's messages from the schema: structs, and how each is read from and written to msgpack.

`bridge/codegen.py` runs it. The written C++ says which field is of which type and in which range; how a type is read
and written is in plugins/native/src/fields.hpp, by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, IntEnum
from typing import Any, NamedTuple

from msgspec import Struct, inspect

from bridge.schema import Message

PATTERNS = {
    "^[0-9a-f]{32}$": "is_session",
    "^worldplate-[0-9a-f]{32}$": "is_segment",
    r"^[A-Za-z0-9_-]*\Z": "is_snapshot_name",
}


class Field(NamedTuple):
    """A field of a struct in C++."""

    name: str
    member: str  # the name, but for words of C++
    type: str
    default: str  # an initialiser; empty where the type has its own
    required: bool
    bounds: str  # arguments of Bounds; empty when anything goes


def fields_of(struct: type[Struct]) -> Iterator[Field]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        bare = _bare(field.type)
        name = field.encode_name
        member = f"{name}_" if name in {"default", "class", "new", "delete"} else name
        yield Field(name, member, _type(bare), _default(field, bare), field.required, _bounds(bare))


def header(messages: list[type[Message]], parts: list[type[Struct]], notice: str) -> str:
    lines = [f"/* {notice} */", "#pragma once", "", '#include "fields.hpp"', '#include "worldplate_schema.h"', ""]
    lines.append("namespace worldplate {")
    for struct in _in_order([*parts, *messages]):
        lines += ["", f"struct {struct.__name__} {{"]
        lines += [f"    {f.type} {f.member}{f' = {f.default}' if f.default else '{}'};" for f in fields_of(struct)]
        lines.append("};")
    names = ", ".join(message.__name__ for message in messages)
    lines += ["", "using Message =", *_wrapped(f"std::variant<{names}>;", 4)]
    lines += ["", "/* The value of a message's `type`. */", "const char* type_of(const Message& message);", ""]
    lines += ["/* The struct that a `type` names, with its defaults; empty for a type that is not known. */"]
    lines += ["std::optional<Message> message_of(std::string_view type);", ""]
    lines += ["void read_fields(Fields& from, Message& out);", "void write(Writer& to, const Message& message);"]
    return "\n".join([*lines, "", "}  // namespace worldplate", ""])


def source(messages: list[type[Message]], parts: list[type[Struct]], notice: str) -> str:
    lines = [f"/* {notice} */", '#include "messages.g.hpp"', ""]
    lines += ["namespace worldplate {"]
    structs = _in_order([*parts, *messages])
    for struct in structs:
        lines += [f"void read_fields(Fields& from, {struct.__name__}& out);"]
        lines += [f"void write(Writer& to, const {struct.__name__}& value);"]
    for struct in structs:
        lines += ["", *_reader(struct), "", *_writer(struct)]
    lines += ["", *_dispatch(messages)]
    return "\n".join([*lines, "", "}  // namespace worldplate", ""])


def words(enums: list[type[Enum]], notice: str) -> str:
    """The protocol's words of each enum that travels as text."""
    lines = [f"/* {notice} */", "#pragma once", "", "#include <string_view>", "", '#include "worldplate_schema.h"', ""]
    lines += ["namespace worldplate {"]
    for enum in enums:
        if issubclass(enum, IntEnum):
            continue
        upper = _upper(enum.__name__)
        lines += ["", f"inline constexpr const char* k{enum.__name__}Words[] = WP_{upper}_TEXTS;"]
        lines += [f"inline const char* word_of(wp_{upper.lower()} value) {{ return k{enum.__name__}Words[value]; }}"]
        lines += [f"inline bool read_word(std::string_view text, wp_{upper.lower()}& out) {{"]
        lines += [f"    for (int index = 0; index < WP_{upper}_COUNT; ++index)"]
        lines += [f"        if (text == k{enum.__name__}Words[index]) {{"]
        lines += [f"            out = static_cast<wp_{upper.lower()}>(index);", "            return true;", "        }"]
        lines += ["    return false;", "}"]
    return "\n".join([*lines, "", "}  // namespace worldplate", ""])


def _reader(struct: type[Struct]) -> list[str]:
    lines = [f"void read_fields(Fields& from, {struct.__name__}& out) {{"]
    for f in fields_of(struct):
        bounds = f", {{{f.bounds}}}" if f.bounds else ""
        lines.append(f'    from.{"required" if f.required else "optional"}("{f.name}", out.{f.member}{bounds});')
    return [*lines, "}"]


def _writer(struct: type[Struct]) -> list[str]:
    fields = list(fields_of(struct))
    tag = struct.__struct_config__.tag
    lines = [f"void write(Writer& to, const {struct.__name__}& value) {{"]
    lines.append(f"    to.map({len(fields) + (tag is not None)});")
    if tag is not None:
        lines += ['    to.text("type");', f'    to.text("{tag}");']
    return [*lines, *(f'    write_field(to, "{f.name}", value.{f.member});' for f in fields), "}"]


def _dispatch(messages: list[type[Message]]) -> list[str]:
    tags = ", ".join(f'"{message.__struct_config__.tag}"' for message in messages)
    lines = ["const char* type_of(const Message& message) {", "    static constexpr const char* kTypes[] = {"]
    lines += [*_wrapped(f"{tags}}};", 8), "    return kTypes[message.index()];", "}", ""]
    lines.append("std::optional<Message> message_of(std::string_view type) {")
    lines += [f'    if (type == "{m.__struct_config__.tag}") return {m.__name__}{{}};' for m in messages]
    lines += ["    return std::nullopt;", "}", ""]
    lines += ["void read_fields(Fields& from, Message& out) {"]
    lines += ["    std::visit([&from](auto& message) { read_fields(from, message); }, out);", "}", ""]
    lines += ["void write(Writer& to, const Message& message) {"]
    return [*lines, "    std::visit([&to](const auto& held) { write(to, held); }, message);", "}"]


def _in_order(structs: list[type[Struct]]) -> list[type[Struct]]:
    """Each after those that it holds."""
    done: list[type[Struct]] = []

    def visit(struct: type[Struct]) -> None:
        if struct in done:
            return
        for inner in _held(struct):
            visit(inner)
        done.append(struct)

    for struct in structs:
        visit(struct)
    return done


def _held(struct: type[Struct]) -> Iterator[type[Struct]]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    waiting = [field.type for field in info.fields]
    while waiting:
        kind = _bare(waiting.pop())
        if isinstance(kind, inspect.StructType):
            yield kind.cls
        elif isinstance(kind, inspect.UnionType):
            waiting += kind.types
        elif isinstance(kind, inspect.VarTupleType):
            waiting.append(kind.item_type)


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _type(kind: inspect.Type) -> str:
    kind = _bare(kind)
    if isinstance(kind, inspect.StructType):
        return str(kind.cls.__name__)
    if isinstance(kind, inspect.EnumType):
        return f"wp_{_upper(kind.cls.__name__).lower()}"
    if isinstance(kind, inspect.UnionType):
        rest = [t for t in kind.types if not isinstance(_bare(t), inspect.NoneType)]
        return f"std::optional<{_type(rest[0])}>" if len(rest) == 1 else "ControlValue"
    if isinstance(kind, inspect.VarTupleType):
        return f"std::vector<{_type(kind.item_type)}>"
    if isinstance(kind, inspect.TupleType):
        return f"std::array<{_type(kind.item_types[0])}, {len(kind.item_types)}>"
    if isinstance(kind, inspect.DictType):
        return f"Map<{_type(kind.value_type)}>"
    plain: dict[type[Any], str] = {
        inspect.BoolType: "bool", inspect.IntType: "int64_t", inspect.FloatType: "double",
        inspect.StrType: "std::string", inspect.BytesType: "Blob",
    }  # fmt: skip
    return plain[type(kind)]


def _bounds(kind: inspect.Type) -> str:
    """Arguments of Bounds; of what an optional holds, when the type is one."""
    if isinstance(kind, inspect.UnionType):
        rest = [_bare(t) for t in kind.types if not isinstance(_bare(t), inspect.NoneType)]
        return _bounds(rest[0]) if len(rest) == 1 else ""
    if isinstance(kind, inspect.IntType) and (kind.ge, kind.le) != (None, None):
        return f"{_limit(kind.ge, 'INT64_MIN')}, {_limit(kind.le, 'INT64_MAX')}, nullptr"
    if isinstance(kind, inspect.StrType):
        pattern = PATTERNS[kind.pattern] if kind.pattern else "nullptr"
        least, most = kind.min_length or 0, _limit(kind.max_length, "INT64_MAX")
        return "" if (least, most, pattern) == (0, "INT64_MAX", "nullptr") else f"{least}, {most}, {pattern}"
    if isinstance(kind, inspect.VarTupleType) and (kind.min_length or kind.max_length):
        return f"{kind.min_length or 0}, {_limit(kind.max_length, 'INT64_MAX')}, nullptr"
    return ""


def _limit(value: int | None, none: str) -> str:
    return none if value is None else f"INT64_C({value})"


def _default(field: inspect.Field, kind: inspect.Type) -> str:
    """Zero and empty need no words; the enum's first value does, as it need not be the schema's default."""
    value = field.default
    if isinstance(value, IntEnum | Enum) and isinstance(kind, inspect.EnumType):
        return f"WP_{_upper(kind.cls.__name__)}_{value.name}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"' if value else ""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, tuple) and value and all(isinstance(v, float) for v in value):
        return "{" + ", ".join(map(repr, value)) + "}"
    if isinstance(kind, inspect.EnumType):
        return f"WP_{_upper(kind.cls.__name__)}_{next(iter(kind.cls)).name}"
    return ""


def _upper(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def _wrapped(text: str, indent: int, width: int = 116) -> list[str]:
    lines, line = [], " " * indent
    for word in text.split(" "):
        if len(line) + len(word) > width:
            lines.append(line.rstrip())
            line = " " * indent
        line += word + " "
    return [*lines, line.rstrip()]
