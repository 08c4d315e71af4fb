"""How long planes take to become what networks take, and how far the fast way lies from the plain one.

At 640x360 on one thread, each family's maps both ways in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from rich.table import Table

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Camera, PlaneName
from renderer.adapters import condition
from renderer.adapters.encoder import Encoder
from renderer.adapters.manifest import Manifest
from renderer.report import percentiles

WIDTH, HEIGHT = 640, 360
ROUNDS = 60
DEPTH = {"source": "depth", "channels": 3}
FAMILIES: dict[str, list[dict[str, Any]]] = {
    "color alone (onnx_i2i)": [{"source": "color"}],
    "depth and normal (sd_turbo_control)": [DEPTH | {"range": "0..1"}, {"source": "normal", "range": "0..1"}],
    "five maps (wan_gbuffer)": [
        {"source": "albedo"}, DEPTH, {"source": "metallic"}, {"source": "normal"}, {"source": "roughness"},
    ],
    "ten channels (framediffuser)": [
        {"source": "albedo"}, {"source": "normal"}, *({"source": s, "channels": 1} for s in
                                                      ("depth", "roughness", "metallic")),
    ],
}  # fmt: skip


def run() -> dict[str, dict[str, Any]]:
    """Each family's maps of one frame of the courtyard."""
    planes, camera = frame()
    return {name: measure(maps, planes, camera) for name, maps in FAMILIES.items()}


def frame() -> tuple[PlaneViews, Camera]:
    """The courtyard after a second."""
    engine = EmbeddedEngine(courtyard(7), WIDTH, HEIGHT)
    for _ in range(25):
        engine.step(1 / 25)
    layouts = pack_layouts(FORMATS, WIDTH, HEIGHT)
    planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
    engine.render(planes)
    return planes, engine.camera()


def measure(maps: list[dict[str, Any]], planes: PlaneViews, camera: Camera) -> dict[str, Any]:
    """Both ways in turns: milliseconds, and the greatest difference of any value in 0..1."""
    told = {"name": "m", "family": "onnx_i2i", "size": {"width": WIDTH, "height": HEIGHT}, "licence": "Apache-2.0"}
    coding = {"depth": {"percentiles": (0.02, 0.98)}, "normal": {"axes": "-x+y+z"}}
    manifest = msgspec.convert(told | {"maps": maps} | coding, Manifest)
    encoder = Encoder(manifest)
    tensors, span = encoder.encode(planes, camera, None)
    plain = condition.encoded(manifest.maps, planes, camera, manifest, span)
    stretch = 2.0 if plain.min() < 0.0 else 1.0
    apart = float(np.abs(plain - tensors["input"]).max()) / stretch
    ways: dict[str, Callable[[], object]] = {
        "fast": lambda: encoder.encode(planes, camera, span),
        "plain": lambda: condition.encoded(
            manifest.maps, planes, camera, manifest, condition.span_of(planes[PlaneName.DEPTH], manifest.depth, span)
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {"ms": {name: percentiles(values) for name, values in times.items()}, "greatest_difference": apart}


def table_of(measured: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=f"Planes as networks take them, {WIDTH}x{HEIGHT}, one thread", title_justify="left")
    for column in ("", "fast p50, ms", "p95", "plain p50, ms", "greatest difference"):
        table.add_column(column, justify="right" if column else "left")
    for name, told in measured.items():
        fast, plain = told["ms"]["fast"], told["ms"]["plain"]
        table.add_row(name, *(f"{v:.2f}" for v in (fast["p50"], fast["p95"], plain["p50"])),
                      f"{told['greatest_difference'] * 255:.2f}/255")  # fmt: skip
    return table
