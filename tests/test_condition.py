"""Planes become what a manifest names, value by value; scales do not flicker; the fast way is the plain one."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.errors import MissingPlane
from bridge.planes import PlaneViews
from bridge.schema import Camera, PlaneName, Pose
from renderer.adapters import condition
from renderer.adapters.condition import Span, planes_of, span_of
from renderer.adapters.encoder import Encoder
from renderer.adapters.manifest import Manifest, Source

F32 = NDArray[np.float32]
PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.2, 0.0, 0.0, -1.0, 0.0)
HALF_TURN = math.sqrt(0.5)
AHEAD = Pose()
TO_THE_LEFT = Pose(orientation=(0.0, HALF_TURN, 0.0, HALF_TURN))  # a quarter turn about +Y: it looks down -X
LEVEL = 1.0 / 255.0


def camera(pose: Pose = AHEAD) -> Camera:
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=PROJECTION)


def manifest(*maps: dict[str, Any], **rest: Any) -> Manifest:
    told = {"name": "m", "family": "onnx_i2i", "size": {"width": 64, "height": 64}, "licence": "MIT"}
    return msgspec.convert(told | {"maps": maps} | rest, Manifest)


def row(*values: float) -> F32:
    return np.array([values], np.float32)


def encoded(told: Manifest, planes: PlaneViews, pose: Pose = AHEAD) -> F32:
    """The tensor [C, H, W], made both ways."""
    tensors, span = Encoder(told).encode(planes, camera(pose), None)
    plain = condition.encoded(told.maps, planes, camera(pose), told, span)
    np.testing.assert_allclose(tensors["input"], plain, atol=2e-3)
    return plain


DEPTHS = row(1.0, 2.0, 4.0, 8.0, math.inf)


@pytest.mark.parametrize(
    ("depth", "golden"),
    [
        ({"curve": "inverse"}, (1.0, 3 / 7, 1 / 7, 0.0, 0.0)),
        ({"curve": "inverse", "invert": True}, (0.0, 4 / 7, 6 / 7, 1.0, 1.0)),
        ({"curve": "log"}, (0.0, 1 / 3, 2 / 3, 1.0, 1.0)),
        ({"curve": "linear", "sky": 0.0}, (0.0, 1 / 7, 3 / 7, 1.0, 0.0)),
    ],
)
def test_depth_is_coded_by_the_curve_that_the_manifest_names(depth: dict[str, Any], golden: tuple[float, ...]) -> None:
    told = manifest({"source": "depth", "channels": 1, "range": "0..1"}, depth=depth | {"near_m": 1.0, "far_m": 8.0})
    np.testing.assert_allclose(encoded(told, {PlaneName.DEPTH: DEPTHS})[0], row(*golden), atol=1e-6)


def test_what_no_depth_can_be_is_sky() -> None:
    told = manifest({"source": "depth", "channels": 3, "range": "-1..1"}, depth={"near_m": 1.0, "far_m": 8.0})
    coded = encoded(told, {PlaneName.DEPTH: row(-1.0, 0.0, math.nan, math.inf, 1.0)})
    np.testing.assert_allclose(coded, np.broadcast_to(row(-1, -1, -1, -1, 1), (3, 1, 5)), atol=1e-6)


NORMALS = np.array([[[1, 0, 0, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0], [0, 0, -1, 0]]])
RED_LEFT = {"space": "camera", "axes": "-x+y+z"}


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_camera_normals_of_controlnet_are_red_to_the_left_green_up_and_blue_to_the_viewer(kind: type) -> None:
    told = manifest({"source": "normal", "range": "0..1"}, normal=RED_LEFT)
    coded = encoded(told, {PlaneName.NORMAL: NORMALS.astype(kind)})[:, 0].T
    right, left, up, down, viewer, away = coded
    np.testing.assert_allclose([right, left], [(0.0, 0.5, 0.5), (1.0, 0.5, 0.5)], atol=1e-6)
    np.testing.assert_allclose([up, down], [(0.5, 1.0, 0.5), (0.5, 0.0, 0.5)], atol=1e-6)
    np.testing.assert_allclose([viewer, away], [(0.5, 0.5, 1.0), (0.5, 0.5, 0.0)], atol=1e-6)


def test_camera_normals_turn_with_the_camera_and_world_normals_do_not() -> None:
    planes: PlaneViews = {PlaneName.NORMAL: NORMALS.astype(np.float16)}
    seen = encoded(manifest({"source": "normal", "range": "0..1"}, normal=RED_LEFT), planes, TO_THE_LEFT)[:, 0].T
    np.testing.assert_allclose(seen[0], (0.5, 0.5, 1.0), atol=1e-6)  # world +X points at whoever looks down -X
    np.testing.assert_allclose(seen[4], (1.0, 0.5, 0.5), atol=1e-6)  # world +Z is to the left then
    z_up = manifest({"source": "normal", "range": "0..1"}, normal={"space": "world", "axes": "+x-z+y"})
    np.testing.assert_array_equal(encoded(z_up, planes), encoded(z_up, planes, TO_THE_LEFT))
    np.testing.assert_allclose(encoded(z_up, planes)[:, 0, 2], (0.5, 0.5, 1.0), atol=1e-6)


def test_where_there_is_no_normal_the_sky_has_its_value() -> None:
    told = manifest({"source": "normal", "range": "0..1"}, normal={"sky": (0.25, 0.5, 0.75)})
    nothing = np.array([[[0, 0, 0, 0], [np.nan, 0, 1, 0], [np.inf, 0, 0, 0]]], np.float16)
    for kind in (np.float16, np.float32):
        coded = encoded(told, {PlaneName.NORMAL: nothing.astype(kind)})[:, 0].T
        np.testing.assert_allclose(coded, [(0.25, 0.5, 0.75)] * 3, atol=1e-6)


def test_base_colour_is_srgb_bytes() -> None:
    linear = np.array([0.0, 0.0031308, 0.0512695, 0.2158605, 0.5028865, 1.0])
    plane = np.repeat(linear[None, :, None], 4, axis=2).astype(np.float32)
    told = manifest({"source": "albedo", "range": "0..1", "eight_bit": True})
    bytes_ = encoded(told, {PlaneName.ALBEDO: plane}) * 255.0
    np.testing.assert_allclose(bytes_, np.broadcast_to(row(0, 10, 64, 128, 188, 255), (3, 1, 6)), atol=1e-3)


def test_a_scene_is_exposed_and_toned_and_what_is_no_light_is_black() -> None:
    plane = np.array([[[1.0, 3.0, 0.0, 1.0], [-2.0, math.nan, math.inf, 1.0]]], np.float16)
    told = manifest({"source": "color", "range": "-1..1"},
                    color={"exposure_ev": 1.0, "tone": "reinhard", "transfer": "linear"})  # fmt: skip
    coded = (encoded(told, {PlaneName.COLOR: plane})[:, 0].T + 1.0) / 2.0
    np.testing.assert_allclose(coded, [(2 / 3, 6 / 7, 0.0), (0.0, 0.0, 1.0)], atol=1e-6)


@pytest.mark.parametrize("output", [{"tone": "clip"}, {"tone": "reinhard", "exposure_ev": 1.5, "range": "0..1"}])
def test_an_answer_comes_back_as_the_light_that_would_have_made_it(output: dict[str, Any]) -> None:
    shown = {key: value for key, value in output.items() if key != "range"}
    told = manifest({"source": "color", "range": output.get("range", "-1..1")}, color=shown, output=output)
    light = np.random.default_rng(3).uniform(0.0, 1.0, (8, 9, 4)).astype(np.float16)
    answer = encoded(told, {PlaneName.COLOR: light})
    np.testing.assert_allclose(condition.decoded(answer, told.output), light[..., :3], atol=2e-3)
    plate = np.zeros(light.shape, np.float16)
    Encoder(told).into_plate(answer, plate)
    assert (plate[..., 3] == 1.0).all()
    np.testing.assert_allclose(plate[..., :3], light[..., :3], atol=2e-3)


def test_a_missing_plane_is_refused_or_black_or_marked_by_a_mask() -> None:
    depth: PlaneViews = {PlaneName.DEPTH: DEPTHS}
    maps = [{"source": "depth", "channels": 1}, {"source": "metallic", "channels": 1}]
    with pytest.raises(MissingPlane, match="`metallic` needs the plane `material`"):
        Encoder(manifest(*maps)).encode(depth, camera(), None)
    black = encoded(manifest(maps[0], maps[1] | {"missing": "zero"}), depth)
    assert black.shape == (2, 1, 5)
    assert (black[1] == -1.0).all()
    masked = manifest(maps[0] | {"missing": "mask"}, maps[1] | {"missing": "mask"})
    assert [float(channel.mean()) for channel in encoded(masked, depth)[1:]] == [1.0, -1.0, 0.0]
    needs, optional = planes_of(manifest(maps[0], maps[1] | {"missing": "zero"}))
    assert (list(needs), list(optional)) == ([PlaneName.DEPTH], [PlaneName.MATERIAL])


def test_a_map_that_the_family_makes_goes_into_its_place() -> None:
    told = manifest({"source": "depth", "channels": 1}, {"source": "irradiance", "channels": 1, "range": "0..1"})
    made = {Source.IRRADIANCE: np.full(DEPTHS.shape, 0.25, np.float32)}
    tensors, span = Encoder(told).encode({PlaneName.DEPTH: DEPTHS}, camera(), None, made)
    assert (tensors["input"][1] == 0.25).all()
    plain = condition.encoded(told.maps, {PlaneName.DEPTH: DEPTHS}, camera(), told, span, made)
    np.testing.assert_allclose(tensors["input"], plain, atol=1e-6)


def scenes(frames: int) -> list[F32]:
    """A slope from 2 to 40 m; at every other frame something stands right before the camera, and one pixel is far."""
    slope = np.linspace(2.0, 40.0, 64 * 64, dtype=np.float32).reshape(64, 64)
    pictures = [slope.copy() for _ in range(frames)]
    for picture in pictures[1::2]:
        picture[56:, 24:32], picture[0, 0] = 0.3, 900.0
    return pictures


def test_the_scale_of_depth_does_not_flicker_and_follows_in_the_end() -> None:
    told = manifest({"source": "depth", "channels": 1, "range": "0..1"},
                    depth={"percentiles": (0.02, 0.98), "smoothing": 0.97})  # fmt: skip
    encoder, values, alone = Encoder(told), [], []
    span: Span | None = None
    for depth_m in scenes(24):
        tensors, span = encoder.encode({PlaneName.DEPTH: depth_m}, camera(), span)
        values.append(tensors["input"][0, 30, 50])
        z, near, far = depth_m[30, 50], depth_m.min(), depth_m.max()
        alone.append((1 / z - 1 / far) / (1 / near - 1 / far))  # as MiDaS' maps are scaled
    assert np.abs(np.diff(alone)).max() > 0.02  # what a control would flicker by
    assert np.abs(np.diff(values)).max() < LEVEL
    for _ in range(400):
        span = span_of(np.full((64, 64), 5.0, np.float32), told.depth, span)
    assert span is not None
    assert span.near_m == pytest.approx(5.0, rel=1e-3)
    assert span.far_m > span.near_m


def test_a_picture_of_sky_keeps_the_scale() -> None:
    coding = manifest({"source": "depth"}, depth={"percentiles": (0.0, 1.0)}).depth
    before = Span(3.0, 30.0)
    assert span_of(np.full((16, 16), np.inf, np.float32), coding, before) == before
    assert span_of(np.full((16, 16), np.inf, np.float32), coding, None) == Span(coding.near_m, coding.far_m)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("curve", ["inverse", "log", "linear"])
def test_the_fast_way_is_the_plain_one_whatever_the_planes_hold(kind: type, curve: str) -> None:
    rng = np.random.default_rng(5)
    shape = (37, 53)

    def anything(channels: int, size: float) -> NDArray[Any]:
        plane = rng.normal(size=(*shape, channels)) * size
        plane[rng.uniform(size=plane.shape) < 0.02] = np.nan
        plane[rng.uniform(size=plane.shape) < 0.02] = np.inf
        return plane.astype(kind)

    planes: PlaneViews = {
        PlaneName.COLOR: anything(4, 2.0), PlaneName.ALBEDO: anything(4, 0.7), PlaneName.NORMAL: anything(4, 0.6),
        PlaneName.MATERIAL: anything(2, 0.6), PlaneName.DEPTH: anything(1, 20.0)[..., 0].astype(np.float32),
    }  # fmt: skip
    maps: list[dict[str, Any]] = [{"source": s, "into": "a"} for s in ("color", "albedo", "normal")]
    maps += [{"source": s, "into": "b", "channels": 1, "range": "0..1"} for s in ("depth", "roughness", "metallic")]
    told = manifest(*maps, color={"exposure_ev": -0.5, "tone": "reinhard"}, normal=RED_LEFT,
                    depth={"curve": curve, "invert": curve == "log"})  # fmt: skip
    encoder = Encoder(told)
    for plane in planes.values():
        plane.flags.writeable = False
    tensors, span = encoder.encode(planes, camera(TO_THE_LEFT), None)
    for name, few in encoder.tensors.items():
        plain = condition.encoded(few, planes, camera(TO_THE_LEFT), told, span)
        assert np.abs(tensors[name] - plain).max() <= LEVEL / 4.0
