"""The kernels' own source, run on the CPU thread by thread, against the references; and the PTX is fresh."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from gpu_stand_in import StandIn

from bridge.errors import MissingDependency
from bridge.planes import Plane, pack_layouts, view
from bridge.schema import PixelFormat, PlaneLayout, PlaneName
from renderer.blend import blend_reference
from renderer.cuda import compile as compiling
from renderer.cuda.frame import DeviceFrame, blends, copy_color
from renderer.cuda.kernels import BLEND, FRAME, MOST_IDS
from renderer.cuda.planes import DevicePlane
from renderer.frame import Ownership

WIDTH, HEIGHT = 37, 11  # of no block's size
FORMATS = {
    PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.DEPTH: PixelFormat.R32F, PlaneName.OBJECT: PixelFormat.R32UI,
    PlaneName.LABEL: PixelFormat.R8UI,
}  # fmt: skip


@pytest.fixture(scope="module")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn.or_skip(tmp_path_factory.mktemp("kernels"))


def place_of(array: Plane) -> int:
    return int(array.__array_interface__["data"][0])


class Picture:
    """Planes in one buffer, rows with gaps, and the same as a frame on the device."""

    def __init__(self, gpu: StandIn, formats: dict[PlaneName, PixelFormat]) -> None:
        rng = np.random.default_rng(5)
        layouts = pack_layouts({**formats, PlaneName.PLATE: PixelFormat.RGBA16F}, WIDTH + 3, HEIGHT)
        self.memory = np.zeros(sum(each.row_pitch_bytes * (HEIGHT + 8) for each in layouts) + 4096, np.uint8)
        self.layouts = {each.name: cropped(each) for each in layouts}
        self.planes = {name: view(self.memory, each, writeable=True) for name, each in self.layouts.items()}
        for name, plane in self.planes.items():
            values = rng.integers(0, 200, plane.shape) if plane.dtype.kind == "u" else rng.normal(0, 3, plane.shape)
            plane[...] = abs(values) if name is PlaneName.DEPTH else values
        on_device = {
            name: DevicePlane(place_of(plane), self.layouts[name], None) for name, plane in self.planes.items()
        }
        plate = on_device.pop(PlaneName.PLATE)
        self.frame = DeviceFrame(None, on_device, plate, gpu, {})  # type: ignore[arg-type]
        self.plate = self.planes.pop(PlaneName.PLATE)


def cropped(layout: PlaneLayout) -> PlaneLayout:
    return PlaneLayout(
        name=layout.name, format=layout.format, width=WIDTH, height=HEIGHT, row_pitch_bytes=layout.row_pitch_bytes,
        offset_bytes=layout.offset_bytes,
    )  # fmt: skip


def test_the_identity_is_bit_for_bit_and_stays_inside_the_picture(gpu: StandIn) -> None:
    picture = Picture(gpu, FORMATS)
    picture.planes[PlaneName.COLOR][2, 3] = [np.nan, np.inf, -0.0, 65504.0]
    before = picture.memory.copy()
    copy_color(picture.frame)
    assert np.array_equal(picture.plate.view(np.uint16), picture.planes[PlaneName.COLOR].view(np.uint16))
    picture.plate[...] = view(before, picture.layouts[PlaneName.PLATE], writeable=False)
    assert np.array_equal(picture.memory, before)  # nothing beside the plate was written


def test_floats_are_rounded_as_numpy_rounds_them(gpu: StandIn) -> None:
    picture = Picture(gpu, FORMATS | {PlaneName.COLOR: PixelFormat.RGBA32F})
    color = picture.planes[PlaneName.COLOR]
    color[0, :4] = [[1e6, -1e6, 1 + 2**-11, 1 + 3 * 2**-11], [np.inf, 1e-8, 6e-8, 65519.9], [65520.0, 0, 0, 1], [2] * 4]
    copy_color(picture.frame)
    with np.errstate(over="ignore"):
        assert np.array_equal(picture.plate, color.astype(np.float16))


@pytest.mark.parametrize(
    "ownership",
    [
        Ownership(plate_near_m=1.5),
        Ownership(plate_far_m=2.5),
        Ownership(labels=frozenset({0, 31, 32, 127, 128, 199})),
        Ownership(objects=frozenset({0, 3, 77, 199})),
        Ownership(objects=frozenset(range(20, 20 + 2 * MOST_IDS)), labels=frozenset({5}), plate_near_m=0.2),
    ],
    ids=["near", "far", "labels", "objects", "more objects than one launch takes"],
)
def test_the_engine_keeps_the_pixels_that_the_reference_leaves_it(gpu: StandIn, ownership: Ownership) -> None:
    picture = Picture(gpu, FORMATS)
    picture.planes[PlaneName.DEPTH][0, :3] = [np.inf, np.nan, 1.5]
    wanted = blend_reference(picture.plate, picture.planes, ownership)
    assert 0 < (wanted != picture.plate).any(axis=-1).sum() < WIDTH * HEIGHT
    for launch in blends(picture.frame, ownership):
        gpu.run(BLEND, launch, WIDTH, HEIGHT)
    assert np.array_equal(picture.plate.view(np.uint16), wanted.view(np.uint16))


def test_a_plane_that_is_absent_claims_nothing(gpu: StandIn) -> None:
    picture = Picture(gpu, {PlaneName.COLOR: PixelFormat.RGBA16F})
    before = picture.plate.copy()
    everything = Ownership(frozenset({0, 1}), frozenset({0, 255}), plate_near_m=100.0, plate_far_m=200.0)
    for launch in blends(picture.frame, everything):
        gpu.run(BLEND, launch, WIDTH, HEIGHT)
    assert np.array_equal(picture.plate, before)


def test_every_ptx_is_of_its_sources() -> None:
    assert {path.stem for path in compiling.HERE.glob("*.ptx")} == set(compiling.names())
    for name in compiling.names():
        shipped = compiling.ptx_path(name).read_text()
        assert f"// sources: {compiling.digest(name)}\n" in shipped, "run `python -m renderer.cuda.compile`"
        assert ".target sm_75" in shipped
        assert "call" not in shipped  # of a function that no driver has


def test_every_kernel_is_in_the_ptx_with_its_struct() -> None:
    shipped = compiling.ptx_path(FRAME.name).read_text()
    for name, kind in FRAME.kinds.items():
        assert f"{name}_param_0[{ctypes.sizeof(kind)}]" in shipped


@pytest.mark.parametrize("name", compiling.names())
def test_the_ptx_is_what_clang_writes(name: str) -> None:
    shipped = compiling.ptx_path(name).read_text()
    if f"// compiler: {compiling.clang_version()}\n" not in shipped:
        if os.environ.get("WORLDPLATE_REQUIRE_NATIVE"):
            pytest.fail(f"{name}.ptx is of another clang than {compiling.clang_version() or 'none'}")
        pytest.skip(f"{name.upper()}.PTX WAS NOT WRITTEN ANEW: that needs the clang that it names")
    assert compiling.ptx(name) == shipped


def test_without_a_compiler_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    with pytest.raises(MissingDependency, match="clang"):
        compiling.ptx("kernels")
    with pytest.raises(MissingDependency, match=r"g\+\+"):
        compiling.cpu_library(tmp_path)
