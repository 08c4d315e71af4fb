"""The native client reads and writes the bytes that Python does: vectors, every valid message, and mutants."""

from __future__ import annotations

import io
import random
import struct
import subprocess
from pathlib import Path
from typing import get_args

import mutants
import native
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from message_strategies import message_of

from bridge import wire
from bridge.errors import WorldplateError
from bridge.schema import AnyMessage, Limits

VECTORS = Path(__file__).parent / "conformance"
MUTANTS = 20_000


def by_native(messages: list[bytes], compiler: str = "g++", *options: str) -> list[tuple[str, bytes]]:
    """The refusal's code and the message encoded anew, of each."""
    return by_tool([str(native.build(compiler, *options) / "wire_tool")], messages)


def by_tool(tool: list[str], messages: list[bytes]) -> list[tuple[str, bytes]]:
    """The same; `tool` is the command that runs wire_tool."""
    sized = b"".join(struct.pack("<I", len(message)) + message for message in messages)
    done = subprocess.run(tool, input=sized, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
    out = io.BytesIO(done.stdout)
    return [(_sized(out).decode(), _sized(out)) for _ in messages]


def by_python(message: bytes) -> tuple[str, bytes]:
    try:
        return "", wire.encode(wire.decode(message, Limits()))
    except WorldplateError as error:
        return error.code, b""


def _sized(stream: io.BytesIO) -> bytes:
    (size,) = struct.unpack("<I", stream.read(4))
    return stream.read(size)


@pytest.mark.parametrize("build", [("g++",), native.ADDRESSES], ids=["g++", "clang++ with sanitizers"])
def test_it_takes_refuses_and_writes_every_vector_as_python_does(build: tuple[str, ...]) -> None:
    files = sorted(VECTORS.glob("*.msgpack"))
    assert len(files) > 40
    answers = by_native([file.read_bytes() for file in files], *build)
    expected = [by_python(file.read_bytes()) for file in files]
    assert dict(zip((f.stem for f in files), answers, strict=True)) == dict(
        zip((f.stem for f in files), expected, strict=True)
    )


def test_a_message_is_refused_when_any_of_its_allocations_fails() -> None:
    messages = [file.read_bytes() for file in sorted(VECTORS.glob("*.msgpack"))]
    sized = b"".join(struct.pack("<I", len(message)) + message for message in messages)
    done = subprocess.run([native.build() / "wire_tool", "starved"], input=sized, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")


@pytest.mark.parametrize("kind", get_args(AnyMessage), ids=lambda kind: str(kind.__name__))
@settings(
    max_examples=10, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)  # fmt: skip
@given(data=st.data())
def test_it_writes_any_valid_message_as_python_does(kind: type[AnyMessage], data: st.DataObject) -> None:
    message = wire.encode(data.draw(message_of(kind)))
    assert by_native([message]) == [("", message)]


def test_it_takes_and_refuses_mutants_as_python_does() -> None:
    corpus, rng = [path.read_bytes() for path in mutants.CORPUS], random.Random(5)
    messages = [mutants.mutant(corpus, rng) for _ in range(MUTANTS)]
    answers, expected = by_native(messages, *native.ADDRESSES), [by_python(message) for message in messages]
    assert any(not code for code, _ in expected)
    # Both stop at the first thing that is wrong, but look in another order.
    other = [(m, a, e) for m, a, e in zip(messages, answers, expected, strict=True) if bool(a[0]) != bool(e[0])]
    assert other == []
    assert [a for a, e in zip(answers, expected, strict=True) if not e[0] and a != e] == []
    same_code = sum(a[0] == e[0] for a, e in zip(answers, expected, strict=True))
    assert same_code >= 0.98 * len(messages)
