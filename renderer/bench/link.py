"""`worldplate bench link`: the identity round trip of a frame, beside a memcpy and gRPC of the same bytes.

Five planes go in (color, depth, normal, motion, object: 25.8 MB at 1280x720), the plate comes back (7.4 MB), through
a real renderer process with the passthrough model. Rows take turns within one run, a short burst each, so that a noisy
machine is noisy for all of them and each runs as an engine's loop would run it. A time runs from submit to the plate
readable by the engine.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle

import numpy as np
from rich.console import Console
from rich.table import Table

from bridge.client import Client
from bridge.errors import MissingDependency, TransportError
from bridge.schema import (
    ALLOWED_FORMATS,
    Camera,
    LatePolicy,
    PlaneName,
    Pose,
    SyncMode,
    Transport,
)
from renderer.bench import grpc_echo
from renderer.process import RendererProcess
from renderer.report import machine, percentiles, versions

PLANES = (PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MOTION, PlaneName.OBJECT)
BYTES_PER_PIXEL_IN, BYTES_PER_PIXEL_OUT = 28, 8
BURST = 10  # frames of one row before the next has its turn
SLOTS = 5  # of the client's ring; the memcpy rows go round as many buffers, or they would measure the cache
WARM_UP = 2 * SLOTS  # every slot is touched in it
PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.7, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=PROJECTION)

Once = Callable[[], float]  # does it once, returns milliseconds


def run(width: int, height: int, count: int, console: Console) -> dict[str, object]:
    """Measure every row `count` times; returns the figures with the machine they were measured on."""
    with ExitStack() as stack:
        rows: dict[str, Once] = {
            "shm ring": stack.enter_context(_bridge(width, height, Transport.SHM, "")),
            "inline ipc": stack.enter_context(_bridge(width, height, Transport.INLINE, "")),
            "inline tcp": stack.enter_context(_bridge(width, height, Transport.INLINE, "tcp://127.0.0.1:*")),
            "gRPC echo": stack.enter_context(_grpc(width * height)),
            "memcpy in": _memcpy(width * height * BYTES_PER_PIXEL_IN),
            "memcpy plate": _memcpy(width * height * BYTES_PER_PIXEL_OUT),
        }
        times_ms: dict[str, list[float]] = {name: [] for name in rows}
        for once in rows.values():
            for _ in range(WARM_UP):
                once()
        for turn in range(0, count, BURST):
            for name, once in rows.items():
                times_ms[name] += [once() for _ in range(min(BURST, count - turn))]
    figures = {name: percentiles(values) for name, values in times_ms.items()}
    report: dict[str, object] = {
        "bench": "link", "size": f"{width}x{height}", "count": count, "bytes_in": width * height * BYTES_PER_PIXEL_IN,
        "bytes_out": width * height * BYTES_PER_PIXEL_OUT, "round_trip_ms": figures,
        "grpc_over_shm_p50": round(figures["gRPC echo"]["p50"] / figures["shm ring"]["p50"], 1),
        "machine": machine(), "versions": versions(),
    }  # fmt: skip
    console.print(_table(report, figures))
    return report


def _table(report: dict[str, object], figures: dict[str, dict[str, float]]) -> Table:
    table = Table(title=f"identity round trip, {report['size']}, ms, {report['count']} turns", title_justify="left")
    table.add_column("row")
    for column in ("p50", "p95", "p99", "times shm"):
        table.add_column(column, justify="right")
    base = figures["shm ring"]["p50"]
    for name, values in figures.items():
        table.add_row(name, *(f"{values[p]:.2f}" for p in ("p50", "p95", "p99")), f"{values['p50'] / base:.1f}")
    return table


@contextmanager
def _bridge(width: int, height: int, transport: Transport, endpoint: str) -> Iterator[Once]:
    """One frame through a renderer process; the planes are written once, before."""
    with RendererProcess("passthrough", endpoint=endpoint) as renderer:
        renderer.wait_until_ready()
        client = Client(
            width, height, {name: ALLOWED_FORMATS[name][:1] for name in PLANES}, sync=SyncMode.LOCKSTEP,
            late=LatePolicy.PASSTHROUGH, transports=(transport,), connection=renderer.connection, name="bench",
            frame_period_ms=2000.0, slot_count=SLOTS,
        )  # fmt: skip
        try:
            client.connect(20.0)
            yield lambda: _round_trip(client)
        finally:
            client.close()


def _round_trip(client: Client) -> float:
    slot = client.begin()
    if slot.frame_id <= WARM_UP:
        slot.inputs[PlaneName.COLOR][...] = 0.5
    start_ns = time.perf_counter_ns()
    client.submit(slot, CAMERA, capture_ns=time.monotonic_ns())
    shown = client.present()
    elapsed_ms = (time.perf_counter_ns() - start_ns) / 1e6
    if shown is None or shown.plate is None:
        raise TransportError("a frame came back without its plate", fix="See the renderer's log; is the machine busy?")
    return elapsed_ms


def _memcpy(size: int) -> Once:
    buffers = cycle([(np.ones(size, np.uint8), np.zeros(size, np.uint8)) for _ in range(SLOTS)])

    def once() -> float:
        source, target = next(buffers)
        start_ns = time.perf_counter_ns()
        np.copyto(target, source)
        return (time.perf_counter_ns() - start_ns) / 1e6

    return once


@contextmanager
def _grpc(pixels: int) -> Iterator[Once]:
    """The same bytes both ways over gRPC: one unary call to a process that answers at once."""
    try:
        import grpc
    except ImportError as error:
        raise MissingDependency("the gRPC baseline needs grpcio", fix="Install `pip install grpcio`.") from error
    command = [sys.executable, "-m", "renderer.bench.grpc_echo", str(pixels * BYTES_PER_PIXEL_OUT)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(child.stdout.readline()) if child.stdout else 0
        options = grpc_echo.channel_options()
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            call = channel.unary_unary(grpc_echo.METHOD)
            frame = bytes(pixels * BYTES_PER_PIXEL_IN)  # made once: what planes cost to become bytes is not counted

            def once() -> float:
                start_ns = time.perf_counter_ns()
                np.frombuffer(call(frame), np.uint8)
                return (time.perf_counter_ns() - start_ns) / 1e6

            yield once
    finally:
        child.communicate()
