"""Millions of mutated messages through the decoder: only typed errors come out, and memory stays flat.

The number is WORLDPLATE_FUZZ_MESSAGES (default 5,000,000), shared by one process per core. Every run is seeded, so a
failure names the seed and shows the bytes.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
from pathlib import Path

from bridge import wire
from bridge.errors import WorldplateError
from bridge.schema import Limits

MESSAGES = int(os.environ.get("WORLDPLATE_FUZZ_MESSAGES", "5000000"))
CORPUS = sorted((Path(__file__).parent / "conformance").glob("*.msgpack"))
WARM_UP = 100_000
LARGEST_GROWTH_KIB = 5 * 1024
LIMIT_S = 1500  # of the whole run: a hang ends here and fails
BOMBS = (
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\x91" * 64,
)


def mutate(seed: bytes, corpus: list[bytes], rng: random.Random) -> bytes:
    """One to three small changes: a bit, a byte, a cut, a splice, a length field, a bomb."""
    data = bytearray(seed)
    for _ in range(rng.randint(1, 3)):
        kind, at = rng.randrange(6), rng.randrange(len(data) + 1)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 2:
            del data[at : at + rng.randint(1, 16)]
        elif kind == 3:
            other = corpus[rng.randrange(len(corpus))]
            start = rng.randrange(len(other) + 1)
            data[at:at] = other[start : start + rng.randint(1, 64)]
        elif kind == 4 and at < len(data):
            data[at : at + 1] = bytes([rng.choice((0xDC, 0xDD, 0xDE, 0xDF, 0xC4, 0xC6, 0xD9, 0xDB, 0xC7)), 255, 255])
        else:
            data[at:at] = BOMBS[rng.randrange(len(BOMBS))]
    return bytes(data)


def fuzz(number: int, seed: int) -> None:
    """Decode `number` mutants; ends the process with the bytes of the first that is not refused properly."""
    rng, limits = random.Random(seed), Limits()
    corpus = [path.read_bytes() for path in CORPUS]
    accepted, settled_kib = 0, 0
    for n in range(number):
        data = mutate(corpus[rng.randrange(len(corpus))], corpus, rng)
        try:
            wire.decode(data, limits)
            accepted += 1
        except WorldplateError:
            pass
        except BaseException:
            sys.stderr.write(f"seed {seed}, message {n}: {data.hex()}\n")
            raise
        if n == min(WARM_UP, number // 2):
            settled_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    growth_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - settled_kib
    sys.stdout.write(f"{number} {accepted} {growth_kib}\n")


def test_mutated_messages_are_refused_by_typed_errors_and_leave_no_memory_behind() -> None:
    assert len(CORPUS) > 30
    workers = max(1, os.cpu_count() or 1)
    share = -(-MESSAGES // workers)
    children = [
        subprocess.Popen(
            [sys.executable, __file__, str(share), str(seed)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        for seed in range(workers)
    ]  # fmt: skip
    for child in children:
        out, err = child.communicate(timeout=LIMIT_S)
        assert child.returncode == 0, err[-2000:]
        decoded, accepted, growth_kib = (int(word) for word in out.split())
        assert decoded == share
        assert 0 < accepted < decoded  # the mutants are neither all noise nor all harmless
        assert growth_kib < LARGEST_GROWTH_KIB


if __name__ == "__main__":
    fuzz(int(sys.argv[1]), int(sys.argv[2]))
