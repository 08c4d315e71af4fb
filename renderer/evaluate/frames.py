"""The frames of a test sequence as an engine would send them: one after the other, again, or backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, PlaneName
from renderer.evaluate.motion import earlier
from renderer.models.limn.weather import Weather

if TYPE_CHECKING:
    from renderer.training.sequences import Clip

F32 = NDArray[np.float32]
GOLDEN_BELOW_DEG = 13.0  # a sun of a base weather that is lower than this is a golden hour's


@dataclass(frozen=True)
class Frame:
    """What a row is given of one frame. `setting` names the control setting: a weather kind."""

    planes: PlaneViews
    camera: Camera
    bodies: Bodies
    weather: Weather
    seed: int  # of the world
    setting: str


def setting_of(clip: Clip) -> str:
    """The weather kind of a clip; the base weathers of test worlds are told apart by their sun."""
    if clip.plan["kind"] != "base":
        return str(clip.plan["kind"])
    return "golden" if clip.weather.sun_elevation_deg < GOLDEN_BELOW_DEG else "clear"


def frame_of(clip: Clip, t: int) -> Frame:
    """Frame `t` as it was made: it comes after the frame before it."""
    return Frame(clip.planes[t], clip.cameras[t], clip.bodies[t], clip.weather, clip.plan["seed"], setting_of(clip))


def asked(frame: Frame, weather: Weather, setting: str) -> Frame:
    """The same frame with other controls."""
    return replace(frame, weather=weather, setting=setting)


def frame_after(clip: Clip, t: int, last: int) -> Frame:
    """Frame `t` as the engine would send it when frame `last` of the same sequence was the one before: its previous
    poses are those of `last`, and its motion follows from them. With `t == last` everything stands still."""
    then_pose = clip.cameras[last].world_from_camera
    camera = msgspec.structs.replace(clip.cameras[t], previous_world_from_camera=then_pose)
    now, then = (np.frombuffer(clip.bodies[k].poses, "<f8").reshape(-1, 7) for k in (t, last))
    velocities = np.zeros((len(now), 6), "<f4")
    velocities[:, :3] = (now[:, :3] - then[:, :3]) / clip.dt_s
    bodies = msgspec.structs.replace(
        clip.bodies[t], previous_poses=then.astype("<f8").tobytes(), velocities=velocities.tobytes()
    )
    planes = dict(clip.planes[t])
    planes[PlaneName.MOTION] = _motion(camera, bodies, planes)
    return replace(frame_of(clip, t), planes=planes, camera=camera, bodies=bodies)


def _motion(camera: Camera, bodies: Bodies, planes: PlaneViews) -> NDArray[np.float16]:
    """The motion plane [H, W, 2], previous uv - uv, NaN for what was behind the camera."""
    uv, _ = earlier(camera, bodies, planes)
    height, width = uv.shape[:2]
    own = np.stack(np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height), axis=-1)
    return np.asarray(uv - own, np.float16)


def to_and_fro(count: int, steps: int) -> Iterator[tuple[int, int]]:
    """Pairs of a frame and the one before it on a walk of at least `steps` frames from frame 0 of `count` to the last
    one and back, as often as needed, that ends at frame 0. With one frame it stands still."""
    if count == 1:
        yield from ((0, 0) for _ in range(steps))
        return
    lap = [*range(1, count), *range(count - 2, -1, -1)]
    last = 0
    for _ in range(-(-steps // len(lap))):
        for t in lap:
            yield t, last
            last = t
