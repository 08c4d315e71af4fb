"""How long a snapshot of a full world takes to write, and to restore.

    python benchmarks/snapshot.py [--memory-mb 1000] [--turns 3] [--json benchmarks/results/snapshot.json]

The long memory is filled to its bound with surfaces (a sheet of blocks whose band of voxels is seen), in its own
process, as a session has it. Then in turns: the memory says what it holds, the file is written and synced, read and
checked, and the memory takes it back. The row `cp` copies a file of that size and syncs it, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bridge.connection import private_dir
from bridge.schema import Limits
from renderer import snapshots
from renderer.memory.kept import ATTRIBUTES, BLOCK_BYTES, PATCH, SIDE, VOXEL_M, VOXELS
from renderer.memory.world import WorldMemory
from renderer.report import machine, versions
from renderer.snapshots import Arrays, Header, SavedStream, Snapshot
from renderer.worlds import remembered_of, with_memory

BAND = 6  # voxels across a surface, of the eight of a block's side
PATCHES_SHARE = 16  # of the budget
GOAL_S = 3.0


def full_world(memory_mb: int) -> Arrays:
    """As many blocks and patches as the budget holds: a level sheet, every colour another."""
    rng = np.random.default_rng(1)
    patches = memory_mb * 1_000_000 // PATCHES_SHARE // PATCH.itemsize
    blocks = (memory_mb * 1_000_000 - patches * PATCH.itemsize) // BLOCK_BYTES
    side = int(np.ceil(np.sqrt(blocks)))
    place = np.arange(blocks)
    keys = np.stack([place // side, np.zeros_like(place), place % side], axis=-1).astype(np.int32)
    held = np.zeros((SIDE, SIDE, SIDE), np.bool_)
    held[:, 1 : 1 + BAND] = True
    count = int(blocks) * int(held.sum())
    far = np.zeros(patches, PATCH)
    far["key"] = np.arange(1, patches + 1)
    far["color"] = rng.random((patches, 3), np.float32)
    values: Arrays = {f"grid.{name}": rng.random((count, channels), np.float32).astype(kind)
                      for name, (kind, channels) in ATTRIBUTES.items()}  # fmt: skip
    values["grid.weight"][:] = 8.0
    return {
        **values, "grid.blocks": keys,
        "grid.held": np.repeat(np.packbits(held.reshape(1, VOXELS), axis=1), blocks, axis=0),
        "grid.origin_m": np.zeros(3), "grid.voxel_m": np.array([VOXEL_M]), "patches": far,
        "bodies": np.zeros(0, np.uint32), "now_ms": np.array([3_600_000]),
    }  # fmt: skip


def header() -> Header:
    return Header(name="full", created_ns=time.time_ns(), model="limn", model_sha256="", width=320, height=180,
                  streams=(SavedStream(name="main", seed=0, epoch=0, steps=1),), controls={})  # fmt: skip


def timed(rows: dict[str, list[float]], name: str, what: Callable[[], Any]) -> Any:
    start_s = time.perf_counter()
    result = what()
    rows.setdefault(name, []).append(time.perf_counter() - start_s)
    return result


def copied(path: Path) -> None:
    twin = path.with_name("twin")
    shutil.copyfile(path, twin)
    descriptor = os.open(twin, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    twin.unlink()


def taken_back(memory: WorldMemory, arrays: Arrays) -> None:
    memory.load(arrays)
    memory.await_recalled()  # patient: until the process has it


def turns(memory: WorldMemory, folder: Path, count: int) -> tuple[dict[str, list[float]], int]:
    rows: dict[str, list[float]] = {}
    limits, size = Limits(), 0
    for _ in range(count):
        arrays = timed(rows, "memory says what it holds", memory.save)
        snapshot = with_memory(Snapshot(header(), {}), arrays)
        size = timed(rows, "file written and synced", partial(snapshots.write, snapshot, folder, limits))
        timed(rows, "cp and sync of such a file", lambda: copied(folder / f"full{snapshots.ENDING}"))
        read = timed(rows, "file read and checked", lambda: snapshots.read("full", folder, limits))
        kept = remembered_of(read)
        same = all((kept[name] == arrays[name]).all() for name in arrays)
        if not same:
            raise SystemExit("what was read is not what was written")
        timed(rows, "memory takes it back", partial(taken_back, memory, kept))
    return rows, size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory-mb", type=int, default=1000, help="the setting's default, 1000")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    memory = WorldMemory(options.memory_mb, patient=True)
    try:
        world = full_world(options.memory_mb)
        taken_back(memory, world)
        with tempfile.TemporaryDirectory(dir=Path.home()) as home:
            rows, size = turns(memory, private_dir(Path(home) / "worlds"), options.turns)
    finally:
        memory.close()
    medians = {name: statistics.median(values) for name, values in rows.items()}
    write_s = medians["memory says what it holds"] + medians["file written and synced"]
    restore_s = medians["file read and checked"] + medians["memory takes it back"]
    table = Table(
        title=f"A world of {len(world['grid.blocks'])} blocks, {size / 1e6:.0f} MB on disk, median of {options.turns}"
    )
    for column in ("step", "seconds"):
        table.add_column(column)
    for name, seconds in (*medians.items(), ("snapshot", write_s), ("restore", restore_s)):
        table.add_row(name, f"{seconds:.2f}")
    Console().print(table)
    report = {"machine": machine(), "versions": versions(), "memory_mb": options.memory_mb, "bytes": size,
              "blocks": len(world["grid.blocks"]), "steps_s": rows, "snapshot_s": write_s, "restore_s": restore_s,
              "goal_s": GOAL_S}  # fmt: skip
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
