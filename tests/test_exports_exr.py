"""EXR of a frame: its parts, exact planes, colour that is named, matrices that find a point again."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray
from small_take import write_take

from bridge.errors import InvalidValue, MissingPlane
from bridge.schema import PlaneName, Timecode
from bridge.spaces import project
from bridge.take import Take, TakeFrame
from renderer.exports.color import CHROMATICITIES
from renderer.exports.exr import ExrStyle, exr_bytes
from renderer.exports.pictures import Marking
from renderer.exports.timing import counted, rate_of, timecode_of
from renderer.provenance.pixels import evidence_of

WIDTH, HEIGHT = 320, 180
MARKING = Marking(bytes(range(32)), 0x1234_ABCD)


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_take(tmp_path_factory.mktemp("take") / "court.mcap", ((WIDTH, HEIGHT),), 2)


@pytest.fixture(scope="module")
def frame(take: Path) -> TakeFrame:
    with Take.open(take) as opened:
        return opened.frame(2)


@dataclass
class Part:
    header: dict[str, Any]
    pixels: dict[str, NDArray[Any]]


def parts_of(frame: TakeFrame, style: ExrStyle, folder: Path) -> dict[str, Part]:
    """What stands in the file, copied before it is closed."""
    path = folder / "frame.exr"
    path.write_bytes(exr_bytes(frame, style))
    with OpenEXR.File(str(path)) as file:
        return {
            part.name(): Part(dict(part.header), {c: v.pixels.copy() for c, v in part.channels.items()})
            for part in file.parts
        }


def test_it_has_a_part_for_each_thing_and_equal_frames_give_equal_bytes(frame: TakeFrame, tmp_path: Path) -> None:
    parts = parts_of(frame, ExrStyle(), tmp_path)
    kinds = {n: {c: str(v.dtype) for c, v in p.pixels.items()} for n, p in parts.items()}
    assert kinds == {
        "beauty": {"RGBA": "float16"},
        "plate": {"RGBA": "float16"},
        "matte": {"Y": "float16"},
        "depth": {"Z": "float32"},
        "object": {"id": "uint32"},
        "motion": {"backward.u": "float32", "backward.v": "float32"},
    }
    assert exr_bytes(frame, ExrStyle()) == exr_bytes(frame, ExrStyle())


def test_planes_come_bit_for_bit(frame: TakeFrame, tmp_path: Path) -> None:
    parts = parts_of(frame, ExrStyle(), tmp_path)
    assert np.array_equal(parts["depth"].pixels["Z"], frame.planes[PlaneName.DEPTH])
    assert np.isinf(parts["depth"].pixels["Z"]).any()
    assert np.array_equal(parts["object"].pixels["id"], frame.planes[PlaneName.OBJECT])
    assert np.array_equal(parts["matte"].pixels["Y"], frame.outputs[PlaneName.PLATE][..., 3])


def test_motion_is_in_pixels_to_the_frame_before_with_v_up(frame: TakeFrame, tmp_path: Path) -> None:
    motion = np.asarray(frame.planes[PlaneName.MOTION], np.float32)
    channels = parts_of(frame, ExrStyle(), tmp_path)["motion"].pixels
    np.testing.assert_array_equal(channels["backward.u"], motion[..., 0] * WIDTH)
    np.testing.assert_array_equal(channels["backward.v"], -motion[..., 1] * HEIGHT)


def test_linear_rec709_is_the_engines_own_bit_for_bit_where_the_matte_is_zero(frame: TakeFrame, tmp_path: Path) -> None:
    parts = parts_of(frame, ExrStyle(primaries="rec709", marking=MARKING), tmp_path)
    beauty, half = parts["beauty"].pixels["RGBA"], WIDTH // 2
    assert np.array_equal(beauty[:, :half], frame.planes[PlaneName.COLOR][:, :half])
    assert not np.array_equal(beauty[:, half:], frame.planes[PlaneName.COLOR][:, half:])
    plate = parts["plate"].pixels["RGBA"]
    assert not plate[:, :half].any()  # premultiplied
    assert np.array_equal(plate[:, half:], beauty[:, half:])


@pytest.mark.parametrize(("primaries", "interop"), [("rec709", "lin_rec709_scene"), ("acescg", "lin_ap1_scene")])
def test_colour_is_named_by_its_chromaticities(frame: TakeFrame, tmp_path: Path, primaries: str, interop: str) -> None:
    header = parts_of(frame, ExrStyle(primaries=primaries), tmp_path)["beauty"].header
    np.testing.assert_allclose(header["chromaticities"], CHROMATICITIES[primaries], rtol=1e-6)
    assert header["colorInteropID"] == interop


def test_acescg_is_the_published_matrix(frame: TakeFrame, tmp_path: Path) -> None:
    linear, aces = (
        parts_of(frame, ExrStyle(primaries=p), tmp_path)["beauty"].pixels["RGBA"][..., :3].astype(np.float64)
        for p in ("rec709", "acescg")
    )
    # Rec.709 to AP1 with Bradford adaptation of D65 to the ACES white: ACES' own reference implementation.
    matrix = [[0.61309740, 0.33952314, 0.04737945], [0.07019372, 0.91635387, 0.01345239],
              [0.02061560, 0.10956977, 0.86981463]]  # fmt: skip
    np.testing.assert_allclose(aces, linear @ np.array(matrix).T, atol=2e-3, rtol=2e-3)


def test_the_matrices_find_a_point_where_the_camera_sees_it(frame: TakeFrame, tmp_path: Path) -> None:
    header, camera = parts_of(frame, ExrStyle(), tmp_path)["depth"].header, frame.header.camera
    y, x = 120, 200
    depth_m = float(frame.planes[PlaneName.DEPTH][y, x])
    p = camera.projection
    ndc = np.array([(x + 0.5) / WIDTH * 2 - 1, 1 - (y + 0.5) / HEIGHT * 2])
    view = np.array([(ndc[0] + p[2]) / p[0] * depth_m, (ndc[1] + p[6]) / p[5] * depth_m, -depth_m, 1.0])
    world = view @ np.linalg.inv(header["worldToCamera"].astype(np.float64))
    clip = world @ header["worldToNDC"].astype(np.float64)
    np.testing.assert_allclose(clip[:2] / clip[3], ndc, atol=1e-4)
    seen = project(camera.world_from_camera, camera.projection, world[:3])
    np.testing.assert_allclose(np.asarray(seen.uv).ravel(), [(x + 0.5) / WIDTH, (y + 0.5) / HEIGHT], atol=1e-4)


def test_the_houses_timecode_is_kept_and_without_one_frames_are_counted(frame: TakeFrame, tmp_path: Path) -> None:
    house = Timecode(hours=1, minutes=2, seconds=3, frames=4, drop_frame=True, rate_numerator=30000,
                     rate_denominator=1001)  # fmt: skip
    header = msgspec.structs.replace(frame.header, timecode=house)
    told = TakeFrame(**{f: getattr(frame, f) for f in frame.__dataclass_fields__} | {"header": header})
    style = ExrStyle(rate=Fraction(30000, 1001))
    attributes = parts_of(told, style, tmp_path)["matte"].header
    code = attributes["timeCode"]
    assert (code.hours, code.minutes, code.seconds, code.frame, bool(code.dropFrame)) == (1, 2, 3, 4, True)
    assert attributes["framesPerSecond"] == Fraction(30000, 1001)
    assert attributes["worldplate.timecode"] == "engine"
    plain = parts_of(frame, ExrStyle(), tmp_path)["beauty"].header
    code = plain["timeCode"]
    assert (code.hours, code.minutes, code.seconds, code.frame) == (0, 0, 0, 1)
    assert timecode_of(frame, Fraction(25)).frames == 1


def test_counted_timecode_carries_over_and_has_an_end() -> None:
    last = counted(24 * 3600 * 25 - 1, Fraction(25))
    assert (last.hours, last.minutes, last.seconds, last.frames) == (23, 59, 59, 24)
    assert counted(24 * 3600 * 25, Fraction(25)) == counted(0, Fraction(25))
    assert counted(24, Fraction(24000, 1001)).seconds == 1
    with pytest.raises(InvalidValue, match="240"):
        counted(1, Fraction(240))


def test_a_take_at_an_engines_25_frames_per_second_is_25(take: Path) -> None:
    with Take.open(take) as opened:
        assert rate_of(opened) == Fraction(25)


def test_a_plane_that_the_take_lacks_has_no_part_and_without_a_plate_there_is_no_exr(
    frame: TakeFrame, tmp_path: Path
) -> None:
    fields = {f: getattr(frame, f) for f in frame.__dataclass_fields__}
    few = {PlaneName.COLOR: frame.planes[PlaneName.COLOR]}
    assert set(parts_of(TakeFrame(**fields | {"planes": few}), ExrStyle(), tmp_path)) == {"beauty", "plate", "matte"}
    with pytest.raises(MissingPlane, match="plate"):
        exr_bytes(TakeFrame(**fields | {"outputs": {}}), ExrStyle())


@pytest.mark.parametrize("primaries", ["rec709", "acescg"])
def test_the_watermark_is_read_from_either_colour(frame: TakeFrame, tmp_path: Path, primaries: str) -> None:
    path = tmp_path / "marked.exr"
    path.write_bytes(exr_bytes(frame, ExrStyle(primaries=primaries, marking=MARKING)))
    assert evidence_of(path).read(MARKING.key).found
    path.write_bytes(exr_bytes(frame, ExrStyle(primaries=primaries)))
    assert not evidence_of(path).read(MARKING.key).found
