"""A short run of each fuzz target of plugins/native, from a fixed seed. Its README has what long runs saw."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import native
import pytest

VECTORS = Path(__file__).parent / "conformance"


@pytest.mark.parametrize(
    ("target", "runs", "most_bytes", "seeds"),
    [("fuzz_wire", 20_000, 20_000, sorted(VECTORS.glob("*.msgpack"))), ("fuzz_ring_header", 5_000, 600, [])],
    ids=["wire", "ring header"],
)
def test_a_short_run_finds_nothing(tmp_path: Path, target: str, runs: int, most_bytes: int, seeds: list[Path]) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for seed in seeds:
        shutil.copy(seed, corpus)
    command = [str(native.build(*native.ADDRESSES) / target), str(corpus), f"-runs={runs}", f"-max_len={most_bytes}"]
    # Linux counts the peak of the process that starts it as its own, and this one may have held gigabytes: the limit is
    # on what it allocates.
    limits = ["-rss_limit_mb=0", "-malloc_limit_mb=512"]
    done = subprocess.run([*command, *limits, "-seed=1"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {runs} runs" in done.stderr
