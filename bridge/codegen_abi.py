"""Write the C# twin of plugins/native/include/worldplate.h: its structs, enums, numbers and functions.

`bridge/codegen.py` runs it. The header is written by hand, in a subset of C that is read here: `#define WP_NAME
number`, the table WP_CODES, typedefs of enums, structs and functions, and functions. Whatever else it may hold raises
ValueError, so that nothing of the ABI is left out in silence. That both languages lay the structs out alike is tested
with a compiler and a running CLR.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"^#define (WP_\w+) +(\d+)\s*(?:/\*(.*?)\*/)?$", re.MULTILINE)
_CODE = re.compile(r'^ +X\((\w+), "((?:[^"\\]|\\.)*)"\)', re.MULTILINE)
_ENUM = re.compile(r"typedef enum (wp_\w+) \{(.*?)\} \1;", re.DOTALL)
_STRUCT = re.compile(r"typedef struct (wp_\w+) \{(.*?)\} \1;", re.DOTALL)
_CALLBACK = re.compile(r"typedef void \(\*(wp_\w+)\)\([^)]*\);")
_FUNCTION = re.compile(r"^WP_API ([\w ]+?\*?) ?(wp_\w+)\((.*?)\);", re.DOTALL | re.MULTILINE)
_DECLARED = re.compile(r"(const )?(\w+)( ?\*{1,2}| )\s*(.+)", re.DOTALL)
_NAMED = re.compile(r"(\w+)((?:\[[^\]]*\])*)")
_BLITTABLE = {
    "uint8_t": "byte", "uint32_t": "uint", "uint64_t": "ulong", "int": "int", "float": "float", "double": "double",
    "char": "byte", "void": "void",
}  # fmt: skip


class Field(NamedTuple):
    """A member of a struct."""

    name: str
    c_type: str
    pointers: int
    sizes: tuple[int, ...]  # of an array, outermost first


class Abi(NamedTuple):
    """What the header declares."""

    numbers: dict[str, tuple[int, str]]  # WP_NAME -> value and meaning
    codes: list[tuple[str, str]]
    enums: dict[str, list[str]]
    structs: dict[str, list[Field]]
    callbacks: set[str]
    functions: list[tuple[str, str, str]]  # result, name, parameters


def read(header: str, known: Mapping[str, int]) -> Abi:
    """The declarations of `header`; `known` are numbers of the generated header, for the sizes of arrays."""
    numbers = {name: (int(value), " ".join((text or "").split())) for name, value, text in _NUMBER.findall(header)}
    values = {**known, **{name: value for name, (value, _) in numbers.items()}}
    bare = _COMMENT.sub("", header)
    enums = {name: re.findall(r"WP_\w+", body) for name, body in _ENUM.findall(bare)}
    declared = len(enums)
    enums.pop("wp_code", None)  # made from WP_CODES
    structs = {name: list(_fields(body, values)) for name, body in _STRUCT.findall(bare)}
    abi = Abi(numbers, _CODE.findall(header), enums, structs, set(_CALLBACK.findall(bare)), _FUNCTION.findall(bare))
    declared += len(structs) + len(abi.callbacks)
    if declared != len(re.findall(r"^typedef ", bare, re.MULTILINE)) or len(abi.functions) != bare.count("\nWP_API "):
        raise ValueError("worldplate.h declares something in a form that bridge/codegen_abi.py does not read")
    return abi


def _fields(body: str, values: Mapping[str, int]) -> Iterator[Field]:
    for declaration in filter(None, (part.strip() for part in body.split(";"))):
        match = _DECLARED.fullmatch(declaration)
        if match is None:
            raise ValueError(f"this member cannot be read: {declaration}")
        for name, sizes in _NAMED.findall(match[4]):
            counts = tuple(_value(size, values) for size in re.findall(r"\[([^\]]*)\]", sizes))
            yield Field(name, match[2], match[3].count("*"), counts)


def _value(text: str, values: Mapping[str, int]) -> int:
    """A number, a name, or a product of these."""
    product = 1
    for factor in text.split("*"):
        product *= values[factor.strip()] if factor.strip() in values else int(ast.literal_eval(factor.strip()))
    return product


def csharp(abi: Abi, enums: Mapping[str, str], notice: str) -> str:
    """The C# file. `enums`: C name -> C# name of those that Schema.g.cs has."""
    lines = [f"// {notice}", "#nullable enable", "using System.Runtime.InteropServices;", ""]
    lines += ["namespace Worldplate.Interop", "{"]
    lines += _codes(abi)
    for name, members in abi.enums.items():
        prefix = members[0].rsplit("_", 1)[0]
        body = [f"        {pascal(member.removeprefix(prefix))}," for member in members]
        lines += [f"    public enum {type_name(name)}", "    {", *body, "    }", ""]
    for name, fields in abi.structs.items():
        lines += _struct(name, fields, abi, enums)
    lines += ["    /// <summary>The functions of worldplate.h, under their own names.</summary>"]
    lines += [
        "    public static unsafe class Native",
        "    {",
        '        private const string Library = "worldplate";',
        "",
    ]
    for constant, (value, text) in abi.numbers.items():
        lines += [f"        /// <summary>{_xml(text)}</summary>"] if text else []
        lines += [f"        public const int {pascal(constant.removeprefix('WP_'))} = {value};"]
    for result, name, parameters in abi.functions:
        returned = _type(result.replace("const ", "").strip("* "), result.count("*"), abi, enums)
        lines += ["", "        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]"]
        lines += [f"        public static extern {returned} {name}({_parameters(parameters, abi, enums)});"]
    return "\n".join([*lines, "    }", "}", ""])


def _codes(abi: Abi) -> list[str]:
    lines = ["    /// <summary>What a function returns.</summary>", "    public enum WpCode", "    {"]
    for name, text in abi.codes:
        lines += [f"        /// <summary>{_xml(text)}</summary>", f"        {pascal(name)},"]
    return [*lines, "    }", ""]


def _struct(name: str, fields: list[Field], abi: Abi, enums: Mapping[str, str]) -> list[str]:
    lines = ["    [StructLayout(LayoutKind.Sequential)]", f"    public unsafe struct {type_name(name)}", "    {"]
    for field in fields:
        kind = _type(field.c_type, field.pointers, abi, enums)
        count = 1
        for size in field.sizes:
            count *= size
        member = pascal(field.name)
        if not field.sizes:
            lines.append(f"        public {kind} {member};")
        elif field.c_type in _BLITTABLE and not field.pointers:
            lines.append(f"        public fixed {kind} {member}[{count}];")
        else:  # C# has no fixed arrays of structs: they follow each other, and are read through a pointer to the first
            lines += [f"        public {kind} {member}{n};" for n in range(count)]
    return [*lines, "    }", ""]


def _parameters(text: str, abi: Abi, enums: Mapping[str, str]) -> str:
    if text.strip() == "void":
        return ""
    written = []
    for parameter in text.split(","):
        match = _DECLARED.fullmatch(" ".join(parameter.split()))
        if match is None:
            raise ValueError(f"this parameter cannot be read: {parameter}")
        name, sizes = _NAMED.findall(match[4])[0]
        written.append(f"{_type(match[2], match[3].count('*') + bool(sizes), abi, enums)} {_camel(name)}")
    return ", ".join(written)


def _type(c_type: str, pointers: int, abi: Abi, enums: Mapping[str, str]) -> str:
    if c_type in abi.callbacks:
        return "System.IntPtr"
    known = {**_BLITTABLE, **enums, "wp_code": "WpCode"}
    name = known.get(c_type) or (type_name(c_type) if c_type in abi.structs or c_type in abi.enums else "")
    if not name:
        raise ValueError(f"the type {c_type} is not known")
    return name + "*" * pointers


def type_name(c_name: str) -> str:
    """wp_client_desc -> WpClientDesc."""
    return pascal(c_name)


def pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _camel(name: str) -> str:
    return name.split("_")[0] + pascal("_".join(name.split("_")[1:]))


def _xml(text: str) -> str:
    return text.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
