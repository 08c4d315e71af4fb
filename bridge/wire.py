"""Bytes to schema and back: the only file that knows msgpack.

A message is decoded once, in three steps that each refuse early: size, msgpack with every length bounded, then the
typed schema. Values are checked last (bridge/checks.py). What comes out is whole and in range, or a typed error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, get_args

import msgpack
import msgspec

from bridge.checks import check_values
from bridge.errors import (
    InvalidValue,
    LimitExceeded,
    MalformedMessage,
    MissingDependency,
    ProtocolError,
    UnknownType,
)
from bridge.schema import U64, AnyMessage, Limits, Name

OLDEST_MSGPACK = (1, 2, 4)  # earlier ones keep memory after hostile messages (CVE-2026-114613)
MOST_KEYS = 256  # of one map; the schema's largest holds max_controls
MOST_ENTRIES = 4096  # of one array; the schema's largest is CONTROL's engine_objects
MSGPACK_NESTING = 1024  # where msgpack itself gives up
MOST_SHOWN = 80  # characters of a peer's own text that are worth repeating

if msgpack.Unpacker.__module__ == "msgpack.fallback" or msgpack.version[:3] < OLDEST_MSGPACK:
    raise MissingDependency(
        f"msgpack {'.'.join(map(str, msgpack.version))} ({msgpack.Unpacker.__module__}) cannot be used: releases before"
        " 1.2.4, and the pure-Python fallback, let a hostile message take the process's memory or time",
        fix="Unset MSGPACK_PUREPYTHON and run `pip install --force-reinstall --only-binary :all: 'msgpack>=1.2.4'`.",
    )

S = TypeVar("S", bound=msgspec.Struct)

_TYPES: dict[object, type[AnyMessage]] = {kind.__struct_config__.tag: kind for kind in get_args(AnyMessage)}


class _NamedFrame(msgspec.Struct, tag_field="type", tag="FRAME"):
    """What is left of a FRAME that cannot be taken: enough to answer it."""

    id: U64
    stream: Name = "main"


class _Builder:
    """Takes each map and array from msgpack as it closes, so that a million empty ones end early.

    Refuses a key that comes twice: msgpack keeps the last, other languages the first.
    """

    def __init__(self, limits: Limits) -> None:
        self.nodes, self.most = 0, limits.max_nodes

    def map(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        tree = dict(pairs)
        if len(tree) != len(pairs):
            raise MalformedMessage("the header has a map with a key twice", fix="Send each key once.")
        self._count()
        return tree

    def array(self, entries: list[object]) -> list[object]:
        self._count()
        return entries

    def _count(self) -> None:
        self.nodes += 1
        if self.nodes > self.most:
            raise LimitExceeded("the number of maps and arrays in the header", self.nodes, self.most, "max_nodes")


def encode(message: msgspec.Struct) -> bytes:
    """One header part. Fields with defaults are written too: a reader in another language need not know them."""
    packed: bytes = msgpack.packb(msgspec.to_builtins(message, builtin_types=(bytes,)))
    return packed


def decode(part: bytes | memoryview, limits: Limits) -> AnyMessage:
    """A header part as its message.

    Raises LimitExceeded for a message over a limit, UnknownType for a type this version does not know,
    MalformedMessage for bytes that are not such a message, InvalidValue for values out of range.
    """
    if len(part) > limits.max_message_bytes:
        raise LimitExceeded("message size in bytes", len(part), limits.max_message_bytes, "max_message_bytes")
    tree = _unpack(part, limits)
    if not isinstance(tree, dict):
        raise MalformedMessage(f"the header is {_kind(tree)}, not a map", fix="Send one msgpack map per message.")
    message = _typed(tree)
    check_values(message, limits)
    return message


def decode_as(part: bytes | memoryview, kind: type[S], limits: Limits) -> S:
    """A record that is no message of the protocol, such as a take has, as `encode` wrote it; bounded as messages are.

    Raises LimitExceeded, MalformedMessage, and InvalidValue for values out of range.
    """
    if len(part) > limits.max_message_bytes:
        raise LimitExceeded("record size in bytes", len(part), limits.max_message_bytes, "max_message_bytes")
    return _converted(_unpack(part, limits), kind, kind.__name__)


def _typed(tree: dict[str, object]) -> AnyMessage:
    tag = tree.get("type")
    kind = _TYPES.get(tag) if isinstance(tag, str) else None
    if kind is None:
        shown = repr(tag[:MOST_SHOWN]) if isinstance(tag, str) else _kind(tag)
        raise UnknownType(f"message type {shown} is unknown", fix="Update the side that is older; see PROTOCOL.md.")
    return _converted(tree, kind, str(tag))


def _converted(tree: object, kind: type[S], name: str) -> S:
    try:
        return msgspec.convert(tree, type=kind)
    except msgspec.ValidationError as error:
        what, at, path = str(error).partition(" - at ")
        # Two kinds of refusal: of another type or absent, and of the right type but out of its range.
        of_another_type = ", got `" in what or what.startswith("Object missing")
        refuse = MalformedMessage if of_another_type else InvalidValue
        raise refuse(f"{name}: {_shown(what)}{at}{path}", fix="Send the fields as PROTOCOL.md has them.") from error


def named_frame(part: bytes | memoryview, limits: Limits) -> tuple[int, str]:
    """Id and stream of the frame that a refused header is about; 0 and "" when it does not say."""
    if len(part) > limits.max_message_bytes:
        return 0, ""
    try:
        frame = msgspec.convert(_unpack(part, limits), type=_NamedFrame)
    except (ProtocolError, msgspec.ValidationError):
        return 0, ""
    return frame.id, frame.stream


def check_parts(parts: Sequence[bytes | memoryview], limits: Limits) -> None:
    """Refuse no part, too many parts, or too many bytes in all. Raises MalformedMessage, LimitExceeded."""
    if not parts:
        raise MalformedMessage("a message without parts came", fix="Send the header as the first part.")
    if len(parts) > limits.max_parts:
        raise LimitExceeded("the number of message parts", len(parts), limits.max_parts, "max_parts")
    planes_bytes = sum(len(part) if isinstance(part, bytes) else part.nbytes for part in parts[1:])
    if planes_bytes > limits.max_frame_bytes:
        raise LimitExceeded("plane bytes in one message", planes_bytes, limits.max_frame_bytes, "max_frame_bytes")


def _unpack(part: bytes | memoryview, limits: Limits) -> object:
    """The bare tree, every length and its nesting bounded. No extension types, no bad UTF-8.

    A new unpacker per message: one that met an error must not be used again.
    """
    builder, most = _Builder(limits), len(part)
    try:
        tree: object = msgpack.unpackb(
            part, raw=False, strict_map_key=True, max_str_len=most, max_bin_len=most, max_ext_len=0, ext_hook=_no_ext,
            max_array_len=min(most, MOST_ENTRIES), max_map_len=min(most, max(MOST_KEYS, limits.max_controls)),
            object_pairs_hook=builder.map, list_hook=builder.array,
        )  # fmt: skip
    except msgpack.exceptions.StackError as error:
        raise LimitExceeded("nesting of the header", MSGPACK_NESTING, limits.max_depth, "max_depth") from error
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        # Truncation, lengths over the bounds above, bytes after the map, bad UTF-8, a key that is no text.
        raise MalformedMessage(
            f"the header is not msgpack: {_shown(str(error)) or type(error).__name__}",
            fix="Send one whole msgpack map.",
        ) from error
    if builder.nodes > limits.max_depth:  # fewer cannot be nested deeper
        _check_depth(tree, limits.max_depth)
    return tree


def _no_ext(code: int, data: bytes) -> object:
    raise MalformedMessage(f"the header has extension type {code}", fix="Send plain msgpack types only.")


def _check_depth(tree: object, max_depth: int) -> None:
    """Level by level, without recursion. Raises LimitExceeded."""
    level: list[object] = [tree]
    for _ in range(max_depth):
        level = [c for node in level for c in _children(node) if type(c) is dict or type(c) is list]
        if not level:
            return
    raise LimitExceeded("nesting of the header", max_depth + 1, max_depth, "max_depth")


def _children(node: object) -> Iterable[object]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _shown(text: str) -> str:
    """A decoder's complaint, which may quote the peer: on one line, and short."""
    short = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
    return short.encode("unicode_escape").decode()


def _kind(value: object) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
