"""The known scene in the embedded engine, built by code: what a sample for another engine does with scene.json.

Its shading has no unlit surface, so the light is chosen so that what faces +Z is as bright as its base colour: the sun
stands behind it, and of the sky's even light such a face takes three quarters (bridge/engine/shading.py).
"""

from __future__ import annotations

from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.engine.scripted import Scripted
from bridge.engine.world import CameraKey, Primitive, Sun, World
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.schema import Frame
from bridge.spaces import GOLDEN, rotate
from renderer.conformance.scene import FRAMES_PER_S, THINGS, body_pose, body_velocity, camera_pose
from renderer.conformance.shot import F64, Shot, shot_of

BEHIND = Sun(azimuth_deg=20.0, elevation_deg=40.0, irradiance=(2.0, 1.9, 1.7), sky_radiance=(4.0 / 3.0,) * 3)
STEP_S = 1.0 / FRAMES_PER_S


def known_world() -> World:
    """The scene's boxes, light and camera path; frame n of the loop is at n / 30 s."""
    primitives = tuple(
        Primitive(
            object_id=n + 1, label=thing.label, shape="box", size_m=_halved(thing.size_m), position_m=thing.position_m,
            albedo=thing.albedo, roughness=thing.roughness, metallic=thing.metallic,
            density_kg_m3=float(thing.moves),
        )
        for n, thing in enumerate(THINGS)
    )  # fmt: skip
    return World(
        "conformance", 0, primitives, BEHIND, _camera_key, GOLDEN.vertical_fov_deg, GOLDEN.near_m, GOLDEN.far_m
    )


def known_engine(width: int, height: int, step: int = 0) -> EmbeddedEngine:
    """The scene at a step of its loop; each `engine.step(STEP_S)` is the next."""

    def pose_at(n: int, time_s: float) -> F64:
        return body_pose(THINGS[n], time_s * FRAMES_PER_S)

    def velocity_at(n: int, time_s: float) -> F64:
        return body_velocity(THINGS[n], time_s * FRAMES_PER_S)

    world = known_world()
    engine = EmbeddedEngine(world, width, height, script=Scripted(world, pose_at, velocity_at))
    for _ in range(step):
        engine.step(STEP_S)
    return engine


def _halved(size_m: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = size_m
    return (x / 2.0, y / 2.0, z / 2.0)


def _camera_key(time_s: float) -> CameraKey:
    pose = camera_pose(time_s * FRAMES_PER_S)
    ahead = pose[:3] + rotate(pose[3:], (0.0, 0.0, -1.0))
    (x, y, z), (a, b, c) = ((float(v) for v in at) for at in (pose[:3], ahead))
    return CameraKey((x, y, z), (a, b, c))


def shoot(engine: EmbeddedEngine, frames: int, dt_s: float = STEP_S) -> list[Shot]:
    """Frames of an embedded engine as the kit keeps them, one step apart, without a link between."""
    layouts = pack_layouts(FORMATS, engine.width, engine.height)
    planes = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
    taken = []
    for number in range(1, frames + 1):
        engine.step(dt_s)
        engine.render(planes)
        now_ns = round(engine.time_s * 1e9)
        header = Frame(session="0" * 32, id=number, capture_ns=now_ns, camera=engine.camera(), bodies=engine.bodies())
        taken.append(shot_of(header, planes, now_ns))
    return taken
