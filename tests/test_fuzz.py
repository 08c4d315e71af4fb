"""A million and more mutated messages through the decoder: only typed errors come out, and memory stays flat.

The number is WORLDPLATE_FUZZ_MESSAGES (default 1,000,000), shared by one process per core: 5,000,000 take about a
minute and a half on two. Every run is seeded, so a failure names the seed and shows the bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import mutants
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from message_strategies import message_of

from bridge import wire
from bridge.errors import ProtocolError
from bridge.schema import AnyMessage, Limits

ROOT = Path(__file__).parent.parent
MESSAGES = int(os.environ.get("WORLDPLATE_FUZZ_MESSAGES", "1000000"))
LARGEST_GROWTH_KIB = 5 * 1024
HANG_S = 0.25  # of processor time for one message; the worst that fits into the limits takes a tenth of it
RUN_LIMIT_S = 1500  # a process that hangs for good ends here


@pytest.mark.parametrize("kind", get_args(AnyMessage), ids=lambda kind: str(kind.__name__))
@settings(
    max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # shrinking a whole message takes minutes
)  # fmt: skip
@given(data=st.data())
def test_any_valid_message_comes_back_as_it_was(kind: type[AnyMessage], data: st.DataObject) -> None:
    message = data.draw(message_of(kind))
    assert wire.decode(wire.encode(message), Limits()) == message


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(part=st.binary(max_size=200))
def test_noise_is_refused(part: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.decode(part, Limits())


def test_mutated_messages_are_refused_by_typed_errors_and_leave_no_memory_behind() -> None:
    assert len(mutants.CORPUS) > 30
    workers = max(1, os.cpu_count() or 1)
    share = -(-MESSAGES // workers)
    children = [
        subprocess.Popen(
            [sys.executable, "-W", "error", mutants.__file__, str(share), str(seed)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for seed in range(workers)
    ]  # fmt: skip
    try:
        for child in children:
            _check(child, share)
    finally:
        for child in children:
            child.kill()
            child.wait()


def _check(child: subprocess.Popen[str], share: int) -> None:
    out, err = child.communicate(timeout=RUN_LIMIT_S)
    assert child.returncode == 0, err[-4000:]
    decoded, taken, growth_kib, slowest_s = out.split()
    assert int(decoded) == share
    assert 0 < int(taken) < share  # the mutants are neither all noise nor all harmless
    assert int(growth_kib) < LARGEST_GROWTH_KIB
    assert float(slowest_s) < HANG_S
