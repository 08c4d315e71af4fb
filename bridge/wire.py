"""Bytes to schema and back: the only file that knows msgpack.

A message is decoded once, in three steps that each refuse early: size, msgpack with every length bounded, then the
typed schema. Values are checked last (bridge/checks.py). What comes out is whole and in range, or a typed error.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgpack
import msgspec

from bridge.checks import check_values
from bridge.errors import LimitExceeded, MalformedMessage, MissingDependency, ProtocolError, UnknownType
from bridge.schema import U64, AnyMessage, Limits, Message, Name

if not hasattr(msgpack, "Packer") or msgpack.Packer.__module__ == "msgpack.fallback":
    raise MissingDependency(
        "msgpack runs on its pure-Python fallback, which hostile messages can keep busy for a minute",
        fix="Install a wheel with the C extension: `pip install --force-reinstall 'msgpack>=1.2.4'`.",
    )

_TYPES = frozenset(str(info.__struct_config__.tag) for info in Message.__subclasses__())


class _NamedFrame(msgspec.Struct, tag_field="type", tag="FRAME"):
    """What is left of a FRAME that cannot be taken: enough to answer it."""

    id: U64
    stream: Name = "main"


_MAX_SHOWN = 160  # characters of a decoder's complaint that are worth repeating


def encode(message: AnyMessage) -> bytes:
    """One header part."""
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
    _check_depth(tree, limits.max_depth)
    kind = tree.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        shown = repr(kind)[:64] if isinstance(kind, str) else _kind(kind)
        raise UnknownType(f"message type {shown} is unknown", fix="Update the side that is older; see PROTOCOL.md.")
    try:
        message: AnyMessage = msgspec.convert(tree, type=AnyMessage)
    except msgspec.ValidationError as error:
        raise MalformedMessage(f"{kind}: {str(error)[:_MAX_SHOWN]}", fix="Send the fields of PROTOCOL.md.") from error
    check_values(message, limits)
    return message


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
    """A new unpacker per message: one that met an error must not be used again. No extension types, no bad UTF-8."""
    most = len(part)
    try:
        tree: object = msgpack.unpackb(
            part, raw=False, strict_map_key=True, max_str_len=most, max_bin_len=most, max_array_len=most,
            max_map_len=most, max_ext_len=0,
        )  # fmt: skip
    except (ValueError, TypeError, msgpack.exceptions.UnpackException, RecursionError, OverflowError) as error:
        # ValueError covers truncation, limits, extra bytes, bad UTF-8 and nesting beyond msgpack's own bound.
        raise MalformedMessage(
            f"the header is not msgpack: {str(error)[:_MAX_SHOWN] or type(error).__name__}",
            fix="Send one whole msgpack map.",
        ) from error
    return tree


def _check_depth(tree: object, max_depth: int) -> None:
    """Level by level, without recursion. Raises LimitExceeded."""
    level: list[object] = [tree]
    for depth in range(max_depth + 2):
        level = [c for parent in level for c in _children(parent) if isinstance(c, dict | list)]
        if not level:
            return
        if depth + 2 > max_depth:
            raise LimitExceeded("nesting of the header", depth + 2, max_depth, "max_depth")


def _children(parent: object) -> Sequence[object]:
    if isinstance(parent, dict):
        return list(parent.values())
    return parent if isinstance(parent, list) else ()


def _kind(value: object) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
