"""Two processes, one pair of sockets: messages with a tail of bytes, whole or not at all."""

from __future__ import annotations

import asyncio
import socket
import struct

HEAD = struct.Struct("<II")  # bytes of the message, bytes of its tail
NOTHING = memoryview(b"")


def send(end: socket.socket, message: bytes, tail: memoryview = NOTHING) -> None:
    """Waits while the other side does not read. Raises OSError when it is gone."""
    end.sendall(HEAD.pack(len(message), tail.nbytes) + message)
    end.sendall(tail)


def receive(end: socket.socket) -> tuple[bytes, bytes]:
    """Waits for a message. Raises EOFError when the other side is gone."""
    message_bytes, tail_bytes = HEAD.unpack(_exactly(end, HEAD.size))
    return _exactly(end, message_bytes), _exactly(end, tail_bytes)


def _exactly(end: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = end.recv(min(size - len(parts), 1 << 20))
        except OSError as error:
            raise EOFError from error
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


async def receive_async(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Waits for a message. Raises EOFError when the other side is gone."""
    message_bytes, tail_bytes = HEAD.unpack(await reader.readexactly(HEAD.size))
    return await reader.readexactly(message_bytes), await reader.readexactly(tail_bytes)
