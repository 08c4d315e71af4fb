"""What scenes are made of, and what viewports and cameras can be set to: planes of a real Godot, in every dumped frame,
against rays cast at what the script says it has put there."""

from __future__ import annotations

import functools
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from godot import PROJECTS, Godot, Outcome, make_project
from numpy.typing import NDArray
from rays import F64, Lens, Mask, Solid, cast, linear, read_planes

Planes = dict[str, NDArray[Any]]
LABELS = [
    "unknown", "sky", "ground", "wall", "stone", "roof", "wood", "metal", "fabric", "foliage", "plastic", "water",
    "glass", "character", "vehicle", "light",
]  # fmt: skip
TEXELS = 4
UNSHADED = (180, 220, 40)
PICTURES = ("shapes", "paints")
VIEWS = (
    "frustum", "scaled", "multisampled", "jittered", "resized", "sub_viewport", "two_views", "interpolated",
    "orthogonal", "scene_change",
)  # fmt: skip
AFTER_A_BREAK = ("resized-6", "resized-9", "orthogonal-8")
MOBILE = ("frustum", "scaled", "resized", "sub_viewport")
BODIES = ("bodies", "slow_bodies")
EVENTS = ("changes", "cut")


class Frame:
    """One dumped frame of a shot, with its truth."""

    def __init__(self, file: Path) -> None:
        self.name = file.name
        self.planes, self.camera, told = read_planes(file)
        self.told = told
        self.things: list[dict[str, Any]] = told["now"]["things"]
        self.size = (told["width"], told["height"])
        before = {thing["name"]: thing["pose"] for thing in told["before"]["things"] if "billboard" not in thing}
        self.solids = [self._solid(thing, before.get(thing["name"], thing["pose"])) for thing in self.things]
        lens = Lens(**told["now"].get("lens", {}), jitter_px=(self.camera[30], self.camera[31]))
        self.truth = cast(told["now"]["camera"], told["before"]["camera"], self.solids, self.size, lens)

    def _solid(self, thing: dict[str, Any], before: list[float]) -> Solid:
        def is_there(hit: F64) -> Mask:
            enough: Mask = texels(thing, hit)[..., 3] >= 255 * thing["least_alpha"]
            return enough

        return Solid("box", thing["size"], thing["pose"], before, is_there if "least_alpha" in thing else None)

    def inside(self, i: int) -> Mask:
        mask: Mask = self.truth.inside & (self.truth.index == i)
        return mask

    def albedo(self, i: int) -> F64:
        """sRGB bytes in every pixel."""
        thing = self.things[i]
        plain = np.broadcast_to(np.array(thing["albedo"], float), (*self.truth.index.shape, 3))
        return linear(texels(thing, self.truth.local)[..., :3]) * linear(plain) if "texels" in thing else linear(plain)

    def metallic(self, i: int) -> F64:
        thing = self.things[i]
        if "metallic_texels" not in thing:
            return np.full(self.truth.index.shape, thing["metallic"])
        return float(thing["metallic"]) * texels(thing, self.truth.local, "metallic_texels")[..., 0] / 255


def texels(thing: dict[str, Any], hit: F64, which: str = "texels") -> F64:
    """Bytes of the texture that the script draws where a quad is hit: red, green, blue, alpha."""
    scale_u, scale_v, offset_u, offset_v = thing[which]
    u = (hit[..., 0] / thing["size"][0] + 0.5) * scale_u + offset_u
    v = (0.5 - hit[..., 1] / thing["size"][1]) * scale_v + offset_v
    x, y = np.floor(u * TEXELS) % TEXELS, np.floor(v * TEXELS) % TEXELS
    return np.stack([60 * x + 20, 60 * y + 20, np.full_like(x, 200), np.where((x + y) % 3 > 0, 255.0, 100.0)], -1)


def film(godot: Godot, extension: Path, folder: Path, *shots: str, method: str = "forward_plus") -> Outcome:
    project = make_project(PROJECTS / "scenes", folder / "project", library=extension)
    flags = ("--resolution", "320x180")
    return godot.run(project, str(folder), *shots, flags=flags, method=method, timeout_s=300)


@pytest.fixture(scope="module")
def folder(godot: Godot, extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    outcome = film(godot, extension, folder, *PICTURES, *VIEWS, *BODIES, *EVENTS, "plated")
    outcome.check(at_least=90)
    assert outcome.text.count("the camera is orthogonal") == 1
    return folder


@functools.cache
def read(folder: Path, shot: str) -> list[Frame]:
    files = sorted(folder.glob(f"{shot}-*.bin"), key=lambda file: int(file.stem.rsplit("-", 1)[1]))
    assert files, shot
    return [Frame(file.with_suffix("")) for file in files]


@pytest.fixture(scope="module")
def mobile_folder(godot: Godot, extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mobile")
    outcome = film(godot, extension, folder, *MOBILE, "plated", method="mobile")
    outcome.check(at_least=12)
    assert outcome.text.count("plates are not shown: the colour buffer") == 1
    return folder


@pytest.fixture(params=PICTURES + VIEWS + BODIES)
def frames(request: pytest.FixtureRequest, folder: Path) -> list[Frame]:
    return read(folder, request.param)


def test_everything_is_seen_and_little_is_left_out(frames: list[Frame]) -> None:
    for frame in frames:
        assert frame.truth.inside.mean() > 0.7, frame.name
        for i, thing in enumerate(frame.things):
            assert frame.inside(i).sum() > 30, (frame.name, thing["name"])


def test_depth_and_normals_are_right(frames: list[Frame]) -> None:
    for frame in frames:
        sky = frame.inside(-1)
        assert np.isposinf(frame.planes["depth"][sky]).all(), frame.name
        for i, thing in enumerate(frame.things):
            where = frame.inside(i)
            depth = frame.planes["depth"][where] / frame.truth.depth[where]
            assert np.abs(depth - 1).max() < 1e-3, (frame.name, thing["name"])
            normal = frame.planes["normal"][where][:, :3].astype(float)
            agree = (normal * frame.truth.normal[where]).sum(-1)
            assert np.quantile(agree, 0.01) > math.cos(math.radians(4)), (frame.name, thing["name"])


def test_motion_is_right(frames: list[Frame]) -> None:
    for frame in frames:
        if frame.name in AFTER_A_BREAK:
            assert np.isnan(frame.planes["motion"]).all(), frame.name
            continue
        for i in range(-1, len(frame.things)):
            where = frame.inside(i)
            off = np.abs(frame.planes["motion"][where].astype(float) - frame.truth.motion[where])
            assert off.max() < 3e-4, (frame.name, frame.things[i]["name"] if i >= 0 else "sky", off.max())


def test_ids_and_labels_are_right(frames: list[Frame]) -> None:
    known: dict[str, int] = {}
    for frame in frames:
        assert not frame.planes["object"][frame.inside(-1)].any()
        for i, thing in enumerate(frame.things):
            ids = np.unique(frame.planes["object"][frame.inside(i)])
            assert len(ids) == 1, (frame.name, thing["name"], ids)
            assert known.setdefault(thing.get("object", thing["name"]), int(ids[0])) == ids[0], thing["name"]
            label = LABELS.index(thing.get("label", "unknown"))
            assert (frame.planes["label"][frame.inside(i)] == label).all(), (frame.name, thing["name"])
    assert len(set(known.values())) == len(known)
    assert 0 not in known.values()


def test_edges_of_ids_are_those_of_the_depth(frames: list[Frame]) -> None:
    for frame in frames:
        if frame.name.startswith(("multisampled", "jittered")):
            continue  # ids are of the pixel's middle
        assert ((frame.planes["object"] == 0) == np.isposinf(frame.planes["depth"])).all(), frame.name


def test_albedo_and_material_are_right(frames: list[Frame]) -> None:
    for frame in frames:
        for i, thing in enumerate(frame.things):
            albedo, metallic = frame.albedo(i), frame.metallic(i)
            where = frame.inside(i) & even(albedo) & even(metallic[..., None])
            assert where.sum() > 20, (frame.name, thing["name"])
            off = np.abs(frame.planes["albedo"][where][:, :3] - albedo[where])
            assert off.max() < 1 / 255, (frame.name, thing["name"], off.max())
            material = frame.planes["material"][where].astype(float)
            assert np.abs(material[:, 0] - thing["roughness"]).max() < 0.02, (frame.name, thing["name"])
            limit = 0.5 / 15 if "metallic_texels" in thing else 1e-3  # a texture has 4 bits
            assert np.abs(material[:, 1] - metallic[where]).max() < limit, (frame.name, thing["name"])


def even(value: F64) -> Mask:
    """Where the neighbours up to two pixels away have the same: filters mix nothing in."""
    same = np.ones(value.shape[:2], bool)
    if not np.ptp(value, axis=(0, 1)).any():
        return same
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            same &= np.abs(np.roll(value, (dy, dx), (0, 1)) - value).max(-1) < 1e-9
    return same


def test_planes_have_the_size_that_is_drawn(folder: Path) -> None:
    assert {frame.size for frame in read(folder, "scaled")} == {(192, 108)}
    assert [frame.size for frame in read(folder, "resized")] == [(320, 180)] + 3 * [(288, 170)] + 3 * [(320, 180)]
    assert {frame.size for frame in read(folder, "two_views")} == {(320, 180), (200, 150)}


def test_jitter_is_told_and_is_not_the_same_in_every_frame(folder: Path) -> None:
    told = {tuple(frame.camera[30:32]) for frame in read(folder, "jittered")}
    assert len(told) == 3
    assert all(0 < max(abs(x), abs(y)) <= 0.5 for x, y in told)
    assert not any(frame.camera[30:32].any() for frame in read(folder, "multisampled"))


def test_a_cut_is_told_and_leaves_motion_unknown(folder: Path) -> None:
    findings = json.loads((folder / "cut.json").read_text())
    for frame in read(folder, "cut"):
        k = int(frame.name.rsplit("-", 1)[1])
        is_cut = k in findings["cuts"]
        told = findings["told"][frame.told["now"]["told_before"]]
        assert told["reset"] == int(is_cut), frame.name
        assert np.isnan(frame.planes["motion"]).all() == is_cut, frame.name
        assert np.isnan(frame.planes["motion"]).any() == is_cut, frame.name
        assert (told["camera"][:7] == told["camera"][7:14]) == is_cut, frame.name


AT_ONCE = (
    "hidden",
    "parent hidden",
    "removed",
    "added",
    "other parent",
    "camera's cull mask",
    "still",
    "mesh",
    "layers",
)
IN_TURN = ("material override", "surface override", "color of the material", "label")


def test_changes_are_seen_at_once_or_in_turn(folder: Path) -> None:
    event = json.loads((folder / "changes.json").read_text())["event"]
    frames = read(folder, "changes")
    spots = {thing["name"]: solid for frame in frames for thing, solid in zip(frame.things, frame.solids, strict=True)}
    assert set(spots) == {*AT_ONCE, *IN_TURN}
    camera = frames[0].told["now"]["camera"]
    everything = cast(camera, camera, list(spots.values()), frames[0].size, Lens())
    lags: dict[str, int] = {}
    for i, change in enumerate(spots):
        where = everything.inside & (everything.index == i)
        assert where.sum() > 20, change
        right = [shows(frame, change, where) for frame in frames]
        assert right[0], change
        wrong = [int(frame.name.rsplit("-", 1)[1]) for frame, well in zip(frames, right, strict=True) if not well]
        lags[change] = max(wrong) - event + 1 if wrong else 0
    assert all(lags[change] == 0 for change in AT_ONCE), lags
    assert all(lags[change] <= 2 * len(spots) for change in IN_TURN), lags


def shows(frame: Frame, change: str, where: Mask) -> bool:
    """Whether the planes show the thing there as it is in this frame: nothing, when it is not there."""
    planes = frame.planes
    found = [thing for thing in frame.things if thing["name"] == change]
    if not found:
        return bool(np.isposinf(planes["depth"][where]).all() and not planes["object"][where].any())
    label = LABELS.index(found[0].get("label", "unknown"))
    albedo = linear(np.array(found[0]["albedo"], float))
    return bool(
        planes["object"][where].all()
        and (planes["label"][where] == label).all()
        and np.abs(planes["albedo"][where][:, :3] - albedo).max() < 1 / 255
    )


def test_bodies_are_told_as_the_engine_moves_them(folder: Path) -> None:
    findings = json.loads((folder / "bodies.json").read_text())
    told, stages = findings["told"], findings["stages"]
    drawn = [(a, b) for a, b in pairwise(stages) if a["told_before"] and b["told_before"] < len(told)]
    assert len(drawn) > 20
    for before, now in drawn:
        state, earlier = told[now["told_before"]], told[before["told_before"]]
        bodies = [thing for thing in now["things"] if thing["body"]]
        poses = np.array(state["poses"]).reshape(-1, 7)
        np.testing.assert_allclose(poses, [thing["pose"] for thing in bodies], atol=1e-5)
        if not state["reset"]:
            np.testing.assert_array_equal(state["previous_poses"], earlier["poses"])
        velocities = np.array(state["velocities"]).reshape(-1, 6)
        for i, thing in enumerate(bodies):
            steps_s = (now["ticks"] - before["ticks"]) / 60
            moved = np.array(thing["pose"][:3]) - np.array(at(before, thing["name"])["pose"][:3])
            expected = findings["pace"] if thing["name"] == "walking" else thing.get("velocity", [0.0] * 6)
            if thing["name"] != "carried":
                np.testing.assert_allclose(velocities[i], expected, atol=1e-5, err_msg=thing["name"])
            if thing["name"] not in ("resting", "asleep") and steps_s:
                np.testing.assert_allclose(moved, velocities[i, :3] * steps_s, atol=2e-3, err_msg=thing["name"])


def at(stage: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(thing for thing in stage["things"] if thing["name"] == name)
    return found


def test_bodies_have_the_ids_and_labels_of_their_meshes(folder: Path) -> None:
    findings = json.loads((folder / "bodies.json").read_text())
    for frame in read(folder, "bodies"):
        state = findings["told"][frame.told["now"]["told_before"]]
        bodies = [i for i, thing in enumerate(frame.things) if thing["body"]]
        assert state["ids"] == [int(frame.planes["object"][frame.inside(i)][0]) for i in bodies]
        assert state["labels"] == [LABELS.index(frame.things[i]["label"]) for i in bodies]


def test_contacts_are_where_bodies_touch_and_carry_their_weight(folder: Path) -> None:
    findings = json.loads((folder / "bodies.json").read_text())
    frame = read(folder, "bodies")[-1]
    state = findings["told"][frame.told["now"]["told_before"]]
    names = {int(frame.planes["object"][frame.inside(i)][0]): thing["name"] for i, thing in enumerate(frame.things)}
    pairs = np.array(state["contact_ids"]).reshape(-1, 2)
    assert {(names[a], names[b]) for a, b in pairs} == {("resting", "floor")}
    points = np.array(state["contact_points"]).reshape(-1, 4)
    assert np.abs(points[:, 1]).max() < 0.03
    assert np.abs(points[:, [0, 2]] - [-2.0, -2.0]).max() < 0.45
    np.testing.assert_allclose(points[:, 3].sum(), 3.0 * 9.8, rtol=0.1)


@pytest.mark.parametrize("shot", MOBILE)
def test_mobile_gives_color_and_depth(mobile_folder: Path, shot: str) -> None:
    for frame in read(mobile_folder, shot):
        assert set(frame.planes) == {"color", "depth"}
        assert np.isposinf(frame.planes["depth"][frame.inside(-1)]).all(), frame.name
        for i, thing in enumerate(frame.things):
            where = frame.inside(i)
            assert where.sum() > 30, (frame.name, thing["name"])
            depth = frame.planes["depth"][where] / frame.truth.depth[where]
            assert np.abs(depth - 1).max() < 1e-3, (frame.name, thing["name"])
        plain = frame.inside([thing["name"] for thing in frame.things].index("unshaded"))
        right = linear(np.array(UNSHADED, float))
        # Mobile keeps 10 bits of half the light.
        np.testing.assert_allclose(
            frame.planes["color"][plain][:, :3], np.broadcast_to(right, (plain.sum(), 3)), atol=4e-3
        )


def test_plates_are_shown_in_forward_plus_alone(folder: Path, mobile_folder: Path) -> None:
    """The same link with the same plates: Mobile's colour cannot be written, and the engine's picture stays."""
    shown, kept = (json.loads((where / "plated.json").read_text()) for where in (folder, mobile_folder))
    assert shown["before"] == kept["before"] == kept["after"]
    assert shown["after"] == [243, 89, 231]  # (0.9, 0.1, 0.8) coded as sRGB
    assert (shown["picture"]["disposition"], kept["picture"]["disposition"]) == ("exact", "passthrough")


def test_compatibility_is_refused_with_a_reason(godot: Godot, extension: Path, tmp_path: Path) -> None:
    film(godot, extension, tmp_path, "refused", method="gl_compatibility").check(at_least=0)
    told = json.loads((tmp_path / "refused.json").read_text())
    assert told["blocked"]
    assert "Compatibility" in told["trouble"]
    assert "Forward+" in told["trouble"]
