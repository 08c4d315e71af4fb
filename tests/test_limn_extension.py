"""Where an engine's set ends its level ground goes on: where rays say, while the world lives, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, ControlValue, Frame, Label, PlaneName, Pose
from bridge.spaces import gl_projection
from renderer.frame import Ownership, RenderFrame
from renderer.models.limn.extension import Ground, extended, ground_of, opened
from renderer.models.limn.model import Limn
from renderer.recall import World

WIDTH, HEIGHT, EYE_M, FLOOR_M, EDGE_M = 64, 48, 2.1, 0.5, 6.0
PROJECTION = gl_projection(60.0, WIDTH / HEIGHT, 0.1, 1000.0)
CONTROLS: dict[str, ControlValue] = {c.name: c.default for c in Limn.card.controls}
TURNED = (0.0, np.sin(0.3), 0.0, np.cos(0.3))  # to the left, level
F32 = NDArray[np.float32]


def camera(orientation: Any = TURNED) -> Camera:
    pose = Pose(position_m=(3.0, EYE_M, -7.0), orientation=orientation)
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=PROJECTION)


def true_depth() -> F32:
    """Of an endless floor under a level camera; +inf from the horizon up."""
    up = (1 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 2) / PROJECTION[5]
    with np.errstate(divide="ignore"):
        depth = np.where(up < 0, (EYE_M - FLOOR_M) / -up, np.inf)
    return np.repeat(depth[:, None], WIDTH, axis=1).astype(np.float32)


def planes(edge_m: float = EDGE_M) -> PlaneViews:
    """A floor that ends `edge_m` away, over nothing."""
    depth = np.where(true_depth() < edge_m, true_depth(), np.float32(np.inf)).astype(np.float32)
    solid = np.isfinite(depth)

    def four(values: tuple[float, float, float]) -> NDArray[np.float16]:
        out = np.zeros((HEIGHT, WIDTH, 4), np.float16)
        out[solid, :3] = values
        return out

    return {
        PlaneName.COLOR: four((0.4, 0.35, 0.3)), PlaneName.DEPTH: depth, PlaneName.NORMAL: four((0.0, 1.0, 0.0)),
        PlaneName.ALBEDO: four((0.5, 0.45, 0.4)), PlaneName.OBJECT: np.where(solid, 7, 0).astype(np.uint32),
        PlaneName.LABEL: np.where(solid, int(Label.GROUND), int(Label.SKY)).astype(np.uint8),
        PlaneName.MATERIAL: np.where(solid[..., None], 0.5, 0.0).repeat(2, axis=2).astype(np.float16),
        PlaneName.MOTION: np.zeros((HEIGHT, WIDTH, 2), np.float16),
    }  # fmt: skip


def test_the_ground_goes_on_where_rays_meet_its_plane() -> None:
    ground = ground_of(planes(), camera())
    assert ground is not None
    assert ground.height_m == pytest.approx(FLOOR_M, abs=1e-3)
    assert (ground.object_id, ground.roughness) == (7, 0.5)
    out = extended(planes(), camera(), ground, 1000.0)
    truth = true_depth()
    assert np.allclose(out[PlaneName.DEPTH], np.where(truth < 1000.0, truth, np.inf), rtol=1e-3)
    new = np.isinf(planes()[PlaneName.DEPTH]) & np.isfinite(out[PlaneName.DEPTH])
    assert new.sum() > 100
    assert (out[PlaneName.LABEL][new] == Label.GROUND).all()
    assert np.allclose(out[PlaneName.ALBEDO][new][:, :3], (0.5, 0.45, 0.4), atol=1e-3)
    assert np.isnan(out[PlaneName.MOTION][new]).all()  # the engine said nothing of it


def test_what_the_engine_has_is_not_touched() -> None:
    told = planes()
    before = {name: plane.tobytes() for name, plane in told.items()}
    ground = ground_of(told, camera())
    assert ground is not None
    out = extended(told, camera(), ground, 50.0)
    assert {name: plane.tobytes() for name, plane in told.items()} == before
    solid = np.isfinite(told[PlaneName.DEPTH])
    assert all((out[name][solid] == told[name][solid]).all() for name in told)
    assert out[PlaneName.DEPTH][np.isfinite(out[PlaneName.DEPTH])].max() <= 50.0


def test_without_ground_or_under_it_nothing_goes_on() -> None:
    assert ground_of(planes(0.0), camera()) is None
    high = Ground(EYE_M + 1.0, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 7, 0.9)
    told = planes()
    assert extended(told, camera(), high, 100.0) is told


def test_what_carries_the_declared_label_counts_as_nothing() -> None:
    told = planes()
    wall = np.zeros((HEIGHT, WIDTH), bool)
    wall[10:20] = True
    told[PlaneName.DEPTH][wall], told[PlaneName.OBJECT][wall] = 4.0, 9
    told[PlaneName.LABEL][wall] = int(Label.FABRIC)
    before = {name: plane.tobytes() for name, plane in told.items()}
    out = opened(told, Label.FABRIC)
    assert np.isinf(out[PlaneName.DEPTH][wall]).all()
    assert (out[PlaneName.OBJECT][wall] == 0).all()
    assert all((out[name][~wall] == told[name][~wall]).all() for name in told)
    assert {name: plane.tobytes() for name, plane in told.items()} == before
    assert opened(told, Label.GLASS) is told


def test_limn_paints_on_behind_a_declared_backdrop(limn: Limn) -> None:
    told = planes()
    wall = np.isinf(true_depth())  # everything above the horizon
    told[PlaneName.DEPTH][wall], told[PlaneName.LABEL][wall] = 8.0, int(Label.FABRIC)
    told[PlaneName.NORMAL][wall, 2] = 1.0
    declared = painted(limn, World(seed=1), told, 1, 0.0, "fabric")
    assert (
        np.abs(declared[wall].astype(np.float32) - painted(limn, World(seed=1), planes(), 1, 0.0)[wall]).mean() < 0.02
    )
    assert np.abs(declared[wall].astype(np.float32) - painted(limn, World(seed=1), told, 1, 0.0)[wall]).mean() > 0.05


@pytest.fixture(scope="module")
def limn() -> Limn:
    return Limn()


def painted(
    limn: Limn, world: World, told: PlaneViews, frame: int, reach_m: float, label: str = "none"
) -> NDArray[np.float16]:
    header = Frame(session="0" * 32, id=frame, capture_ns=1, camera=camera(), bodies=Bodies())
    plate = np.zeros((HEIGHT, WIDTH, 4), np.float16)
    limn.step(
        RenderFrame(header, told, plate, CONTROLS | {"extend_m": reach_m, "extend_label": label}, Ownership()),
        world,
        plate,
    )
    return plate


def test_limn_paints_the_set_on_and_remembers_where_its_ground_was(limn: Limn) -> None:
    world = World(seed=1)
    plain = painted(limn, World(seed=1), planes(), 1, 0.0)
    on = painted(limn, world, planes(), 1, 500.0)
    truth = true_depth()
    beyond = (truth > EDGE_M * 1.5) & (truth < 300.0)
    assert np.abs(on[beyond].astype(np.float32) - plain[beyond]).mean() > 0.05  # ground in place of sky
    saved = limn.save_latents(world.latents)
    assert saved["ground"][0] == pytest.approx(FLOOR_M, abs=1e-3)
    again = World(seed=1, latents=limn.load_latents(saved))
    nothing = planes(0.0)  # the set has left the picture
    assert (painted(limn, again, nothing, 2, 500.0) == painted(limn, world, nothing, 2, 500.0)).all()
    near = (truth > 3.0) & (truth < 30.0)
    assert np.abs(painted(limn, World(seed=1), nothing, 1, 500.0)[near].astype(np.float32) - on[near]).mean() > 0.05
