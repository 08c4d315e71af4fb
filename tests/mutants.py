"""Decode mutated messages, as many as asked: `PYTHONPATH=. python -W error tests/mutants.py NUMBER SEED`.

Prints NUMBER, how many were taken, the growth of the process in KiB after the warm-up, and the slowest decode in
seconds of processor time. Anything but a typed refusal, a warning too, ends the process and shows the bytes.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from pathlib import Path

from bridge import wire
from bridge.errors import ProtocolError
from bridge.schema import Limits

CORPUS = sorted((Path(__file__).parent / "conformance").glob("*.msgpack"))
WARM_UP = 100_000
MOST_CHANGES = 3
# Headers that promise more than follows: arrays, maps, bin, str and ext of 16 and 32 bit lengths.
LENGTHS = (0xDC, 0xDD, 0xDE, 0xDF, 0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB, 0xC7, 0xC8, 0xC9)
BOMBS = (*(bytes((head,)) + b"\xff" * 4 for head in LENGTHS), b"\x91" * 64, b"\x81\xa1k" * 64)
FLOODS = (  # rare, as each costs milliseconds: the deepest and the widest that fit into a message
    b"\xdc\x0f\xff" * 1100,
    b"\x91" * 300_000,
    (b"\xdc\x0f\xff" + b"\x80" * 4095) * 60,
    b"\xdc\x0f\xff" + b"\xa0" * 4095,
)
ONE_FLOOD_IN = 20_000


def mutant(corpus: list[bytes], rng: random.Random) -> bytes:
    """A message of the corpus with one to three changes: a bit, a byte, a cut, a splice, a length, a bomb."""
    if rng.randrange(ONE_FLOOD_IN) == 0:
        return rng.choice(FLOODS)
    data = bytearray(rng.choice(corpus))
    for _ in range(rng.randint(1, MOST_CHANGES)):
        _change(data, corpus, rng)
    return bytes(data)


def _change(data: bytearray, corpus: list[bytes], rng: random.Random) -> None:
    if not data:
        data += rng.choice(BOMBS)
        return
    at = rng.randrange(len(data))
    match rng.randrange(7):
        case 0:
            data[at] ^= 1 << rng.randrange(8)
        case 1:
            data[at] = rng.randrange(256)
        case 2:
            del data[at : at + rng.randint(1, 16)]
        case 3:
            other = rng.choice(corpus)
            start = rng.randrange(len(other) + 1)
            data[at:at] = other[start : start + rng.randint(1, 64)]
        case 4:
            data[at : at + 1] = bytes((rng.choice(LENGTHS), rng.randrange(256), rng.randrange(256)))
        case 5:
            data[at:at] = rng.choice(BOMBS)
        case _:
            del data[at:]


def decode_mutants(number: int, seed: int) -> tuple[int, int, float]:
    """How many were taken, KiB grown after the warm-up, and the slowest decode in seconds of processor time."""
    rng, limits = random.Random(seed), Limits()
    corpus = [path.read_bytes() for path in CORPUS]
    taken, settled_kib, slowest_s = 0, 0, 0.0
    for n in range(number):
        data = FLOODS[n] if n < len(FLOODS) else mutant(corpus, rng)
        start_s = time.thread_time()
        try:
            wire.decode(data, limits)
            taken += 1
        except ProtocolError:
            pass
        except BaseException:
            sys.stderr.write(f"seed {seed}, message {n}: {data.hex()}\n")
            raise
        slowest_s = max(slowest_s, time.thread_time() - start_s)
        if n == min(WARM_UP, number // 2):
            settled_kib = _largest_kib()
    return taken, _largest_kib() - settled_kib, slowest_s


def _largest_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    asked = int(sys.argv[1])
    sys.stdout.write(" ".join(map(str, (asked, *decode_mutants(asked, int(sys.argv[2]))))) + "\n")
