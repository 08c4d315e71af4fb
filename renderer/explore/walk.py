"""A walk through the world behind one picture, out and back: a film, the pictures of it, and whether the place to
which one comes back is the place that one left."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bridge.planes import PlaneViews
from bridge.schema import Camera, ControlValue, Frame, PlaneName, Pose
from bridge.spaces import rotate
from renderer.evaluate.image import psnr_db, ssim, tone_map
from renderer.explore.still import F32, Still
from renderer.explore.view import Explorable
from renderer.film import write_mp4
from renderer.frame import Ownership, RenderFrame
from renderer.memory.model_files import glb
from renderer.models import WorldModel
from renderer.recall import World

U8 = NDArray[np.uint8]
FPS = 25
SHARE_OF_DEPTH = 0.22  # of the median depth: how far one walks when nothing is said
MOST_M = 4.0
SWAY_DEG = 14.0  # of the head, to either side
SHEET = 6  # moments on the sheet
FINER = 2  # rays each way in a pixel of a picture that no model paints
SESSION = "0" * 32


@dataclass(frozen=True)
class Walk:
    """What is walked, and what is written."""

    out: Path
    seconds: float = 8.0
    metres: float | None = None  # to the farthest point; None: as the picture's depth has it
    seed: int = 0
    glb: bool = False


@dataclass(frozen=True)
class Told:
    """How it went. `continued` are shares of pixels that the picture did not show."""

    frames: int
    metres: float
    painted_by: str  # the model, or the picture itself
    return_psnr_db: float  # of the last picture against the first; 120 is the same bit for bit
    return_ssim: float
    return_identical: bool
    start_psnr_db: float | None  # of the first picture against the given one; None when a model painted it
    continued_mean: float
    continued_most: float
    triangles: int


def walk(still: Still, options: Walk, model: WorldModel | None = None) -> Told:
    """Builds the world, walks, and writes explore.mp4, start.png, farthest.png, return.png, sheet.png, report.json and,
    when asked, world.glb into `options.out`. Raises MissingDependency without Open3D, ModelFailed."""
    options.out.mkdir(parents=True, exist_ok=True)
    world = Explorable(still)
    metres = step_m(still) if options.metres is None else options.metres
    count = max(8, round(options.seconds * FPS))
    paint = _painter(world, model, options.seed)
    pictures: list[U8] = []
    shares: list[float] = []
    ends: list[F32] = []
    for index, pose in enumerate(path(still.pose, metres, count)):
        display, share = paint(pose)
        pictures.append((display * 255.0 + 0.5).astype(np.uint8))
        shares.append(share)
        if index in (0, count - 1):
            ends.append(display)
    told = Told(
        frames=count, metres=metres, painted_by=model.card.name if model is not None else "picture",
        return_psnr_db=psnr_db(ends[1], ends[0]), return_ssim=ssim(ends[1], ends[0]),
        return_identical=bool((ends[0] == ends[1]).all()),
        start_psnr_db=psnr_db(ends[0], tone_map(still.color)) if model is None else None,
        continued_mean=float(np.mean(shares)), continued_most=max(shares),
        triangles=len(world.surfaces.triangles),
    )  # fmt: skip
    _write(options, pictures, shares, told)
    if options.glb:
        (options.out / "world.glb").write_bytes(glb(world.mesh()))
    return told


def step_m(still: Still) -> float:
    """How far one can walk into the picture before its pixels are too coarse, metres."""
    solid = still.depth_m[np.isfinite(still.depth_m)]
    return min(MOST_M, SHARE_OF_DEPTH * float(np.median(solid)))


def path(start: Pose, metres: float, count: int) -> Iterator[Pose]:
    """Out to one side and ahead, on to the other, and back: the last pose is the first. Level, as people walk."""
    ahead, right = (
        rotate(start.orientation, np.array([0.0, 0.0, -1.0])),
        rotate(start.orientation, np.array([1.0, 0.0, 0.0])),
    )
    flat = ahead * np.array([1.0, 0.0, 1.0])
    flat = flat / max(float(np.linalg.norm(flat)), 1e-6)
    for index in range(count):
        if index in (0, count - 1):
            yield start
            continue
        phase = index / (count - 1)
        forward = metres * math.sin(math.pi * phase) ** 2 * 0.8
        sideways = metres * math.sin(2.0 * math.pi * phase) * 0.6
        turn = math.radians(SWAY_DEG) * math.sin(2.0 * math.pi * phase)  # towards where one came from
        x, y, z = np.array(start.position_m) + flat * forward + right * sideways
        yield Pose(position_m=(float(x), float(y), float(z)), orientation=_turned(start, turn))


def _turned(start: Pose, angle: float) -> tuple[float, float, float, float]:
    """The start's orientation after a turn to the left about the world's +Y."""
    a, b = math.sin(angle / 2.0), math.cos(angle / 2.0)
    x, y, z, w = start.orientation
    return (b * x + a * z, b * y + a * w, b * z - a * x, b * w - a * y)


Paint = Callable[[Pose], tuple[F32, float]]


def _painter(world: Explorable, model: WorldModel | None, seed: int) -> Paint:
    """What makes the display picture [H, W, 3] of a pose, and the share of it that was continued."""
    if model is None:

        def plain(pose: Pose) -> tuple[F32, float]:
            seen = world.look(pose, finer=FINER)
            return tone_map(seen.planes[PlaneName.COLOR][..., :3]), float(seen.continued.mean())

        return plain
    painter, memory = model, World(seed=seed)
    controls: dict[str, ControlValue] = {control.name: control.default for control in model.card.controls}

    def painted(pose: Pose) -> tuple[F32, float]:
        seen = world.look(pose)
        plate = _plate(painter, memory, seen.planes, _camera(world.still, memory, pose), controls)
        return tone_map(plate[..., :3]), float(seen.continued.mean())

    return painted


def _plate(
    model: WorldModel, memory: World, planes: PlaneViews, camera: Camera, controls: dict[str, ControlValue]
) -> NDArray[np.float16]:
    memory.steps += 1
    header = Frame(session=SESSION, id=memory.steps, capture_ns=memory.steps * 1_000_000_000 // FPS, camera=camera)
    plate = np.zeros(planes[PlaneName.COLOR].shape, np.float16)
    model.step(RenderFrame(header, planes, plate, controls, Ownership()), memory, plate)
    memory.last = header
    return plate


def _camera(still: Still, memory: World, pose: Pose) -> Camera:
    right, up = still.tangents
    before = memory.last.camera.world_from_camera if memory.last is not None else pose
    matrix = (1 / right, 0.0, 0.0, 0.0, 0.0, 1 / up, 0.0, 0.0, 0.0, 0.0, -1.0, -0.1, 0.0, 0.0, -1.0, 0.0)
    return Camera(
        world_from_camera=pose, previous_world_from_camera=before, projection=matrix, near_m=0.05, far_m=math.inf
    )


def _write(options: Walk, pictures: list[U8], shares: list[float], told: Told) -> None:
    even = [picture[: len(picture) // 2 * 2, : picture.shape[1] // 2 * 2] for picture in pictures]
    write_mp4(options.out / "explore.mp4", even, FPS)
    farthest = int(np.argmax(shares))
    for name, index in (("start", 0), ("farthest", farthest), ("return", -1)):
        Image.fromarray(pictures[index]).save(options.out / f"{name}.png")
    moments = [round(n * (len(pictures) - 1) / (SHEET - 1)) for n in range(SHEET)]
    sheet([(pictures[at], f"{at / FPS:.1f} s, {shares[at] * 100:.0f} % continued") for at in moments]).save(
        options.out / "sheet.png"
    )
    (options.out / "report.json").write_text(json.dumps(asdict(told), indent=1) + "\n")


def sheet(moments: list[tuple[U8, str]]) -> Image.Image:
    """Pictures with a line of text each, three in a row."""
    height, width = moments[0][0].shape[:2]
    line, gap, columns = 22, 6, 3
    rows = -(-len(moments) // columns)
    page = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + line + gap) + gap), (22, 23, 26))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for n, (picture, text) in enumerate(moments):
        x, y = gap + n % columns * (width + gap), gap + n // columns * (height + line + gap)
        page.paste(Image.fromarray(picture), (x, y))
        draw.text((x + 2, y + height + 3), text, font=font, fill=(210, 210, 206))
    return page
