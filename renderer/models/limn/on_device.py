"""limn's frame on the GPU: planes where the engine has them, the kernels of limn.cu, the network, the plate.

The counterpart of `model.Canvas`. All of it is enqueued on one queue: nothing is allocated, read back or waited for
once a size is warm, and each launch's arguments travel with it. The weather's tables are copied over when it changes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from bridge.errors import ModelFailed, NotSupported
from bridge.schema import Bodies, Label, PlaneName
from renderer.cuda import limn as kernels
from renderer.cuda.limn import LIMN, LimnFrame, Plane
from renderer.models.limn.features import CELL, CHANNELS, PARTS, TOLD, factor_of
from renderer.models.limn.fused import pinhole_of, poses_of
from renderer.models.limn.lanes_light import numbers_of
from renderer.models.limn.lanes_surface import table_of
from renderer.models.limn.light import MAP, controls_of
from renderer.models.limn.network import STRIDE
from renderer.models.limn.plate import ANSWERS
from renderer.models.limn.shadows import MOST_LAMPS, SHADES, sun_of
from renderer.models.limn.surface import LABELS
from renderer.models.limn.weather import COLUMNS, LUMINANCE, ROWS
from renderer.runtimes.on_device import KINDS, OnDevice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from renderer.cuda import Gpu
    from renderer.cuda.frame import DeviceFrame
    from renderer.models.limn.light import Light
    from renderer.runtimes import Network, Step
    from renderer.runtimes.on_device import Lane, Tensors

MOST_SIZES = 4  # of streams, whose canvases are kept
NO_LABEL = 256  # of `opened_label`: no label is
FIRST_BODIES = 256  # rows of the table of bodies, before there are more
FINISH = 26  # numbers of a finish's row, as `lanes_surface.table_of` has them


class DeviceSide:
    """limn where planes stay on the GPU: its network on that GPU's queue, and a canvas for each size of picture. Used
    from the thread of the GPU, and closed before it."""

    def __init__(self, network: Network, precision: str) -> None:
        """Nothing is loaded before the first frame. Without `precision` it is fp16 on a GPU."""
        self._network, self._precision = network, precision
        self._runtime: OnDevice | None = None
        self._canvases: dict[tuple[int, int], DeviceCanvas] = {}
        self._failed: dict[tuple[int, int], str] = {}

    def prepare(self, frame: DeviceFrame) -> None:
        """Take what frames of that size need, which waits for the queue the first time. Raises DeviceFailed, and
        ModelFailed where torch has no room or no kernels for it; then it is not tried again."""
        self._canvas(frame)

    def paint(self, frame: DeviceFrame, light: Light) -> None:
        """Enqueue the plate of a frame, as its controls ask. Raises NotSupported where a set is to go on, what
        `prepare` does, and RuntimeError where torch fails."""
        controls = frame.controls
        if float(controls.get("extend_m", 0.0)) > 0.0:
            raise NotSupported(
                "limn measures the ground of a set that goes on in planes on the CPU, and these stay on the GPU",
                fix="Set extend_m to 0, or have the engine say HELLO without `cuda`.",
            )
        declared = str(controls.get("extend_label", "none"))
        opened = None if declared == "none" else Label[declared.upper()]
        self._canvas(frame).paint(frame, light, float(controls["strength"]), opened)

    def close(self) -> None:
        """Lets go of the GPU's memory; nothing that was enqueued is still at it."""
        self._canvases.clear()
        self._runtime = None

    def _canvas(self, frame: DeviceFrame) -> DeviceCanvas:
        size = (frame.plate.layout.width, frame.plate.layout.height)
        if size not in self._canvases:
            if size in self._failed:
                raise _no_canvas(size, self._failed[size])
            if len(self._canvases) == MOST_SIZES:
                self._canvases.clear()
            try:
                self._canvases[size] = self._new_canvas(size, frame.gpu)
            except RuntimeError as error:
                self._failed[size] = str(error)
                raise _no_canvas(size, str(error)) from error
        return self._canvases[size]

    def _new_canvas(self, size: tuple[int, int], gpu: Gpu) -> DeviceCanvas:
        lane = gpu.lane()
        self._runtime = self._runtime or OnDevice(self._network, self._precision_on(lane), lane)
        return DeviceCanvas(*size, gpu, lane, self._runtime)

    def _precision_on(self, lane: Lane) -> str:
        if self._precision in KINDS:
            return self._precision
        return "fp16" if lane.device.type == "cuda" else "fp32"  # int8 is TensorRT's


def _no_canvas(size: tuple[int, int], why: str) -> ModelFailed:
    return ModelFailed(
        f"limn cannot paint {size[0]}x{size[1]} on the GPU: {why}",
        fix="Show smaller pictures, close what else uses the GPU, or have the engine say HELLO without `cuda`.",
    )


class DeviceRuntime(Protocol):
    """A network on the canvas's own queue, as runtimes.on_device.OnDevice."""

    def bind_device(self, inputs: Tensors, outputs: Tensors) -> Step: ...


class DeviceCanvas:
    """Pictures of one size in the GPU's memory: some 260 bytes per pixel, and what the runtime keeps. The memory is the
    canvas's, and goes with it; nothing enqueued may use it then. Used from the thread of its GPU."""

    def __init__(self, width: int, height: int, gpu: Gpu, lane: Lane, runtime: DeviceRuntime) -> None:
        """Takes its memory, and compiles kernels and network for this GPU and size, which takes seconds the first time
        on a machine. `lane` is torch's way to the GPU's queue, which is `runtime`'s too. Raises DeviceFailed, and what
        `runtime` does when it is bound."""
        gpu.load(LIMN)
        self.size, self._gpu, self._lane = (width, height), gpu, lane
        self._held: list[torch.Tensor] = []
        self._light: Light | None = None
        self._body_rows = 0
        factor = factor_of(width)
        rows, columns = (-(-side // (STRIDE * factor)) * STRIDE for side in (height, width))
        self._given = LimnFrame(
            width=width, height=height, factor=factor, low_rows=rows, low_columns=columns, x_columns=columns * factor
        )
        x = self._zeros("x", 1, rows * factor, columns * factor, CHANNELS)
        low = x if factor == 1 else self._zeros("low", 1, rows, columns, CHANNELS)
        told, answers = self._zeros("told", 1, TOLD), self._zeros("answers", 1, *x.shape[1:3], ANSWERS)
        self._take_pictures(width, height)
        self._take_cells(width, height, CELL * factor)
        self._adds = list(self._take_sums(width, height))
        self._mirrored = self._zeros("mirrored", MAP, MAP, 3)
        self._sky, self._finishes = self._zeros("sky", ROWS, COLUMNS, 3), self._zeros("finishes", LABELS, FINISH)
        self._take_bodies(FIRST_BODIES)
        self._step = runtime.bind_device([x, low, told], [answers])

    def paint(self, frame: DeviceFrame, light: Light, strength: float, opened: Label | None = None) -> None:
        """Enqueue the plate of a frame; alpha is 1. Things labelled `opened` count as nothing."""
        self._tell(frame, light, strength, opened)
        self._move(frame.header.bodies)
        given, (width, height) = self._given, self.size
        run = self._gpu.run
        run(kernels.MEASURE, given, -(-width // kernels.TILE), -(-height // kernels.TILE))
        for add in self._adds:
            run(kernels.ADD, add, -(-add.count // kernels.SUMMED), 1)
        run(kernels.TELL, given, 1, 1)
        run(kernels.CLEAR, given, kernels.LAMP_ROW, -(-given.lamp_rows // kernels.LAMP_ROW))
        run(kernels.GATHER, given, given.grid_columns, given.grid_rows)
        cells = given.grid_columns * given.grid_rows
        run(kernels.SHINE, given, kernels.LAMP_ROW, -(-cells // kernels.LAMP_ROW))
        run(kernels.SHADE, given, given.grid_columns, given.grid_rows)
        run(kernels.SEE, given, width, height)
        if given.factor > 1:
            run(kernels.REDUCE, given, given.low_columns * CHANNELS, given.low_rows)
        self._step()
        run(kernels.COMPOSE, given, width, height)
        run(kernels.SOFTEN, given, width, height)

    def _tell(self, frame: DeviceFrame, light: Light, strength: float, opened: Label | None) -> None:
        """What a launch is given of a frame."""
        given, planes, camera = self._given, frame.planes, frame.header.camera
        width, height = self.size
        for name in kernels.PLANES[:-1]:
            setattr(given, name, Plane.of(planes.get(PlaneName(name))))
        given.plate = Plane.of(frame.plate)
        given.pinhole[:] = pinhole_of(camera, width, height).tolist()
        given.to_sun[:] = sun_of(camera, light).tolist()
        given.projection_x, given.projection_y = camera.projection[0], camera.projection[5]
        scale = (width / given.cell, height / given.cell, given.projection_x, given.projection_y)
        given.scale[:] = scale
        given.lamp_area = 4.0 / (scale[0] * scale[1] * scale[2] * scale[3])
        given.there[:] = [float(name in planes) for name in (PlaneName.ALBEDO, PlaneName.LABEL, PlaneName.MATERIAL)]
        given.strength, given.opened_label = strength, NO_LABEL if opened is None else int(opened)
        if light is not self._light:
            self._light_up(light)

    def _light_up(self, light: Light) -> None:
        """The numbers of another light, and its tables."""
        given, numbers = self._given, numbers_of(light, 0.0)
        for name in ("to_sun", "sun", "fog", "disc", "ground", "lamp"):
            getattr(given.light, name)[:] = getattr(numbers, name).tolist()
        given.light.ambient[:] = numbers.sky_ambient.tolist()
        given.light.harmonics[:] = numbers.harmonics.ravel().tolist()
        given.light.fog_per_m, given.light.cloud, given.light.night, given.light.sun_level, _ = numbers.scalars.tolist()
        given.controls[:] = controls_of(light).tolist()
        given.lamp_luminance = float(light.lamp @ LUMINANCE)
        weather = light.weather
        given.wetness, given.snow, given.autumn = weather.wetness, weather.snow, weather.autumn
        given.salt, given.cloud_salt = light.seed & 0xFFFFFFFF, (light.seed * 7919) & 0xFFFFFFFF
        self._copy(self._mirrored, light.mirrored)
        self._copy(self._sky, light.sky.table)
        self._copy(self._finishes, table_of(light.seed))
        self._light = light

    def _copy(self, target: torch.Tensor, source: NDArray[np.floating[Any]]) -> None:
        with self._lane.used():
            target.copy_(torch.from_numpy(np.ascontiguousarray(source, np.float32)), non_blocking=True)
        self._gpu.counters.host_to_device_bytes += target.nbytes

    def _move(self, bodies: Bodies) -> None:
        """Moving bodies, some with each launch."""
        ids, poses = poses_of(bodies)
        self._given.bodies = len(ids)
        if len(ids) > self._body_rows:
            self._take_bodies(max(len(ids), 2 * self._body_rows))
        for first in range(0, len(ids), kernels.MOST_BODIES):
            some = ids[first : first + kernels.MOST_BODIES]
            launch = kernels.Bodies(ids=self._given.ids, poses=self._given.poses, first=first, count=len(some))
            _fill(launch.some_ids, some)
            _fill(launch.some_poses, poses[first : first + len(some)])
            self._gpu.run(kernels.BODIES, launch, len(some), 1)

    def _take_pictures(self, width: int, height: int) -> None:
        for name, channels in (("depth_m", 1), ("parts", PARTS), ("hard", 4)):
            self._zeros(name, height, width, channels)

    def _take_cells(self, width: int, height: int, cell: int) -> None:
        """Of the shades, and a table for the lamps in them, which is at least half empty."""
        rows, columns = (-(-side // cell) for side in (height, width))
        given = self._given
        given.cell, given.grid_rows, given.grid_columns = cell, rows, columns
        given.lamp_rows = max(kernels.LAMP_ROW, 1 << (2 * rows * columns - 1).bit_length())
        for name, planes in (("place_m", 3), ("turned", 3), ("seen_m", 1), ("shades", SHADES)):
            self._zeros(name, planes, rows, columns)
        self._zeros("lamps", given.lamp_rows, kernels.LAMP_BYTES, dtype=torch.uint8)
        self._zeros("lamp_list", 1 + rows * columns, dtype=torch.int32)
        self._zeros("shining", MOST_LAMPS, 4)

    def _take_sums(self, width: int, height: int) -> Iterator[kernels.Add]:
        """Of tiles, and the launches that add them up to one."""
        count = -(-width // kernels.TILE) * -(-height // kernels.TILE)
        last = self._zeros("sums", count, kernels.SUMS_BYTES, dtype=torch.uint8).data_ptr()
        while count > 1:
            fewer = -(-count // kernels.SUMMED)
            total = self._zeros("total", fewer, kernels.SUMS_BYTES, dtype=torch.uint8).data_ptr()
            yield kernels.Add(from_=last, to=total, count=count)
            count, last = fewer, total
        self._given.total = last

    def _take_bodies(self, rows: int) -> None:
        self._zeros("ids", rows, dtype=torch.int32)
        self._zeros("poses", rows, 12)
        self._body_rows = rows

    def _zeros(self, name: str, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Memory of the canvas's own, whose address the kernels are given by that name."""
        with self._lane.used():
            tensor = torch.zeros(shape, dtype=dtype, device=self._lane.device)
        self._gpu.counters.allocations += 1
        self._held.append(tensor)
        setattr(self._given, name, tensor.data_ptr())
        return tensor


def _fill(array: ctypes.Array[ctypes.c_uint32] | ctypes.Array[ctypes.c_float], values: NDArray[np.generic]) -> None:
    """A launch's array from its beginning, of numbers of the same kind."""
    ctypes.memmove(array, np.ascontiguousarray(values).ctypes.data, values.nbytes)
