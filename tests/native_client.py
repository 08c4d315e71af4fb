"""plugins/native's shared library through ctypes, as an engine would call it; structs as in worldplate.h."""

from __future__ import annotations

import ctypes as ct
import functools
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import native
import numpy as np
from numpy.typing import NDArray

from bridge.schema import Disposition, LatePolicy, PixelFormat, PlaneName, SyncMode

NAME, TEXT = ct.c_char * 65, ct.c_char * 1025
PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.7, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)
CODES = (
    "OK", "NO_CLIENT", "BAD_ARGUMENT", "BAD_ABI", "NO_RENDERER", "NO_FRAME", "NO_SLOT", "NO_CONTROL", "TIMEOUT",
    "NOT_SUPPORTED", "NO_MEMORY", "NO_RESOURCES", "INTERNAL", "NO_MODEL",
)  # fmt: skip
PROGRESS = ("unasked", "loading", "serves", "refused")  # of another model
STATES = ("searching", "connecting", "greeting", "opening", "attached", "stalled", "refused")
RELEASE = ct.CFUNCTYPE(None, ct.c_void_p)


class Handle(ct.Structure):
    _fields_ = (("id", ct.c_uint32),)


class PlaneStruct(ct.Structure):
    _fields_ = (("name", ct.c_int), ("format", ct.c_int))


class PlanePlace(ct.Structure):
    _fields_ = (
        ("name", ct.c_int), ("format", ct.c_int), ("row_pitch_bytes", ct.c_uint32), ("offset_bytes", ct.c_uint64),
    )  # fmt: skip


PLATE_ARRIVED = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_uint64, ct.c_void_p, ct.c_uint32, ct.c_uint32, ct.c_uint32)


class Desc(ct.Structure):
    _fields_ = (
        ("abi_version", ct.c_uint32), ("width", ct.c_uint32), ("height", ct.c_uint32),
        ("planes", ct.POINTER(PlaneStruct)), ("plane_count", ct.c_uint32), ("sync", ct.c_int),
        ("delay_frames", ct.c_uint32), ("late", ct.c_int), ("seed", ct.c_uint64), ("slot_count", ct.c_uint32),
        ("frames_in_flight", ct.c_uint32), ("frame_period_ms", ct.c_double), ("name", ct.c_char_p),
        ("engine", ct.c_char_p), ("connection_file", ct.c_char_p), ("inline_only", ct.c_uint8),
        ("plate_arrived", PLATE_ARRIVED), ("plate_user", ct.c_void_p),
    )  # fmt: skip


class PoseStruct(ct.Structure):
    _fields_ = (("position_m", ct.c_double * 3), ("orientation", ct.c_double * 4))


class CameraStruct(ct.Structure):
    _fields_ = (
        ("world_from_camera", PoseStruct), ("previous_world_from_camera", PoseStruct),
        ("projection", ct.c_double * 16), ("jitter_px", ct.c_double * 2), ("near_m", ct.c_double),
        ("far_m", ct.c_double), ("focal_length_mm", ct.c_double), ("sensor_width_mm", ct.c_double),
        ("f_number", ct.c_double), ("focus_distance_m", ct.c_double),
    )  # fmt: skip


class BodyStruct(ct.Structure):
    _fields_ = (
        ("id", ct.c_uint32), ("label", ct.c_uint8), ("world_from_body", PoseStruct),
        ("previous_world_from_body", PoseStruct), ("velocity_m_s", ct.c_float * 3),
        ("angular_velocity_rad_s", ct.c_float * 3),
    )  # fmt: skip


class ContactStruct(ct.Structure):
    _fields_ = (("ids", ct.c_uint32 * 2), ("point_m", ct.c_float * 3), ("normal_force_n", ct.c_float))


class TimecodeStruct(ct.Structure):
    _fields_ = (
        ("hours", ct.c_uint8), ("minutes", ct.c_uint8), ("seconds", ct.c_uint8), ("frames", ct.c_uint8),
        ("drop_frame", ct.c_uint8), ("rate_numerator", ct.c_uint32), ("rate_denominator", ct.c_uint32),
    )  # fmt: skip


class FrameStruct(ct.Structure):
    _fields_ = (
        ("capture_ns", ct.c_uint64), ("camera", CameraStruct), ("bodies", ct.POINTER(BodyStruct)),
        ("body_count", ct.c_uint32), ("contacts", ct.POINTER(ContactStruct)), ("contact_count", ct.c_uint32),
        ("reset", ct.c_int), ("seed", ct.c_uint64), ("timecode", ct.POINTER(TimecodeStruct)),
    )  # fmt: skip


class Picture(ct.Structure):
    _fields_ = (
        ("target_id", ct.c_uint64), ("plate_id", ct.c_uint64), ("disposition", ct.c_int), ("strength", ct.c_float),
        ("plate", ct.c_void_p), ("width", ct.c_uint32), ("height", ct.c_uint32), ("row_pitch_bytes", ct.c_uint32),
        ("age_ms", ct.c_double), ("state_age_ms", ct.c_double), ("reason", TEXT),
    )  # fmt: skip


class Stage(ct.Structure):
    _fields_ = (("name", NAME), ("ms", ct.c_double))


class StatusStruct(ct.Structure):
    _fields_ = (
        ("state", ct.c_int), ("session_count", ct.c_uint32), ("renderer_pid", ct.c_uint64), ("transport", ct.c_int),
        ("transport_reason", TEXT), ("model", NAME), ("runtime", NAME), ("licence", NAME), ("renderer_state", ct.c_int),
        ("renderer_text", TEXT), ("error_code", NAME), ("error_text", TEXT), ("error_fix", TEXT),
        ("wanted_planes", ct.c_uint32), ("begun", ct.c_uint64), ("submitted", ct.c_uint64), ("answered", ct.c_uint64),
        ("dispositions", ct.c_uint64 * 4), ("repeated", ct.c_uint64), ("plates_per_s", ct.c_double),
        ("age_p50_ms", ct.c_double), ("age_p95_ms", ct.c_double), ("age_p99_ms", ct.c_double),
        ("round_trip_ms", ct.c_double), ("host_bytes_copied", ct.c_uint64), ("renderer_bytes_copied", ct.c_uint64),
        ("stages", Stage * 16), ("stage_count", ct.c_uint32),
    )  # fmt: skip


class Reprojection(ct.Structure):
    _fields_ = (
        ("source_view_from_target_view", ct.c_float * 16), ("source_projection", ct.c_float * 16),
        ("target_projection", ct.c_float * 16), ("source_jitter_px", ct.c_float * 2),
        ("target_jitter_px", ct.c_float * 2),
    )  # fmt: skip


class BodyMotion(ct.Structure):
    _fields_ = (("id", ct.c_uint32), ("known", ct.c_uint32), ("source_view_from_target_view", ct.c_float * 16))


class ControlStruct(ct.Structure):
    _fields_ = (
        ("name", NAME), ("type", ct.c_int), ("text", TEXT), ("unit", NAME), ("minimum", ct.c_double),
        ("maximum", ct.c_double), ("step", ct.c_double), ("default_number", ct.c_double), ("default_text", TEXT),
        ("choice_count", ct.c_uint32), ("choices", NAME * 64),
    )  # fmt: skip


class ModelChangeStruct(ct.Structure):
    _fields_ = (
        ("progress", ct.c_int), ("name", NAME), ("error_code", NAME), ("error_text", TEXT), ("error_fix", TEXT),
    )  # fmt: skip


# Every struct of the header and its mirror here.
STRUCTS: dict[str, type[ct.Structure]] = {
    "wp_client": Handle, "wp_plane": PlaneStruct, "wp_client_desc": Desc, "wp_pose": PoseStruct,
    "wp_camera": CameraStruct, "wp_body": BodyStruct, "wp_contact": ContactStruct, "wp_timecode": TimecodeStruct,
    "wp_frame": FrameStruct, "wp_plane_place": PlanePlace, "wp_picture": Picture, "wp_reprojection_data": Reprojection,
    "wp_body_motion": BodyMotion, "wp_control": ControlStruct, "wp_model_change": ModelChangeStruct, "wp_stage": Stage,
    "wp_status": StatusStruct,
}  # fmt: skip


class NativeError(Exception):
    """A code that is not OK, and what the library says of it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


@functools.cache
def library() -> ct.CDLL:
    handle = ct.CDLL(str(native.build() / "libworldplate.so"))
    handle.wp_last_error.restype = handle.wp_code_text.restype = ct.c_char_p
    handle.wp_client_defaults.restype = Desc
    handle.wp_now_ns.restype = ct.c_uint64
    return handle


def pose(position_m: tuple[float, float, float] = (0, 0, 0), turn: tuple[float, ...] = (0, 0, 0, 1)) -> PoseStruct:
    return PoseStruct((ct.c_double * 3)(*position_m), (ct.c_double * 4)(*turn))


class NativeClient:
    """An engine with color and depth."""

    def __init__(
        self, folder: Path, width: int = 64, height: int = 36, *, sync: SyncMode = SyncMode.FREERUN,
        late: LatePolicy = LatePolicy.REPROJECT, **settings: Any,
    ) -> None:  # fmt: skip
        self.lib, self.size = library(), (width, height)
        planes = (PlaneStruct * 2)(
            PlaneStruct(list(PlaneName).index(PlaneName.COLOR), list(PixelFormat).index(PixelFormat.RGBA16F)),
            PlaneStruct(list(PlaneName).index(PlaneName.DEPTH), list(PixelFormat).index(PixelFormat.R32F)),
        )
        desc = self.lib.wp_client_defaults()
        desc.width, desc.height, desc.planes, desc.plane_count = width, height, planes, 2
        desc.sync, desc.late = list(SyncMode).index(sync), list(LatePolicy).index(late)
        desc.connection_file = str(folder / "connection.json").encode()
        for name, value in settings.items():
            setattr(desc, name, value)
        self.handle = ct.c_uint32()
        self._kept: dict[int, Any] = {}  # pixels until the worker releases them
        self.released_by: list[int] = []  # the thread, of each release
        self._release = RELEASE(self._on_release)
        self._check(self.lib.wp_open(ct.byref(desc), ct.byref(self.handle)))

    def _on_release(self, user: int) -> None:
        del self._kept[user]
        self.released_by.append(threading.get_native_id())

    def _check(self, code: int) -> None:
        if code:
            raise NativeError(CODES[code], self.lib.wp_last_error().decode())

    def begin(
        self, position_m: tuple[float, float, float] = (0, 0, 0), *, bodies: tuple[BodyStruct, ...] = (), **fields: Any
    ) -> int:
        """`fields` are others of the frame."""
        camera = CameraStruct(pose(position_m), pose(position_m), PROJECTION, (0, 0), 0.1, 100.0)
        held = (BodyStruct * len(bodies))(*bodies)
        frame = FrameStruct(camera=camera, bodies=held, body_count=len(bodies))
        for name, value in fields.items():
            setattr(frame, name, value)
        frame_id = ct.c_uint64()
        self._check(self.lib.wp_begin_frame(self.handle, ct.byref(frame), ct.byref(frame_id)))
        return frame_id.value

    def pixels(self, value: float) -> NDArray[np.uint8]:
        width, height = self.size
        color = np.full((height, width, 4), value, np.float16).view(np.uint8).ravel()
        padding = np.zeros(-len(color) % 64, np.uint8)
        depth = np.full((height, width), 5.0, np.float32).view(np.uint8).ravel()
        return np.concatenate([color, padding, depth, np.zeros(-len(depth) % 64, np.uint8)])

    def submit(self, frame_id: int, pixels: NDArray[np.uint8]) -> None:
        self._kept[frame_id] = pixels
        address = pixels.ctypes.data_as(ct.c_void_p)
        code = self.lib.wp_submit(
            self.handle,
            ct.c_uint64(frame_id),
            address,
            ct.c_uint64(pixels.nbytes),
            self._release,
            ct.c_void_p(frame_id),
        )
        self._check(code)

    def slot(self, frame_id: int) -> list[int | None]:
        """The addresses of the planes."""
        planes = (ct.c_void_p * 2)()
        self._check(self.lib.wp_slot(self.handle, ct.c_uint64(frame_id), planes))
        return list(planes)

    def submit_slot(self, frame_id: int) -> None:
        self._check(self.lib.wp_submit_slot(self.handle, ct.c_uint64(frame_id)))

    def wait(self, frame_id: int, timeout_ms: float = 5000.0) -> None:
        self._check(self.lib.wp_wait(self.handle, ct.c_uint64(frame_id), ct.c_double(timeout_ms)))

    def present(self) -> Picture:
        picture = Picture()
        self._check(self.lib.wp_present(self.handle, ct.byref(picture)))
        return picture

    def plate(self, picture: Picture) -> NDArray[np.float16]:
        """A copy; it must have been whole."""
        size = picture.height * picture.row_pitch_bytes
        raw = np.frombuffer(ct.string_at(picture.plate, size), np.float16)
        assert self.lib.wp_plate_whole(self.handle) == 1
        return raw.reshape(picture.height, picture.width, 4)

    @property
    def status(self) -> StatusStruct:
        status = StatusStruct()
        self._check(self.lib.wp_get_status(self.handle, ct.byref(status)))
        return status

    @property
    def state(self) -> str:
        return STATES[self.status.state]

    def until(self, state: str, timeout_s: float = 20.0) -> None:
        end_s = time.monotonic() + timeout_s
        while self.state != state:
            assert time.monotonic() < end_s, f"still {self.state}: {self.status.error_text.decode()}"
            time.sleep(0.002)

    def until_sessions(self, count: int, timeout_s: float = 20.0) -> None:
        end_s = time.monotonic() + timeout_s
        while self.status.session_count < count or self.state != "attached":
            assert time.monotonic() < end_s, f"{self.status.session_count} of {count} sessions"
            time.sleep(0.002)

    def until_released(self, count: int, timeout_s: float = 20.0) -> None:
        end_s = time.monotonic() + timeout_s
        while len(self.released_by) < count:
            assert time.monotonic() < end_s, f"{len(self.released_by)} of {count} pixels were released"
            time.sleep(0.001)

    def log(self) -> list[str]:
        """The lines since the last call."""
        lines: list[bytes] = []
        line, level = TEXT(), ct.c_int()
        while True:
            self._check(self.lib.wp_next_log(self.handle, line, ct.byref(level)))
            if not line.value:
                return [text.decode() for text in lines]
            lines.append(line.value)

    def set_number(self, name: str, value: float) -> None:
        self._check(self.lib.wp_set_number(self.handle, name.encode(), ct.c_double(value)))

    def set_text(self, name: str, value: str) -> None:
        self._check(self.lib.wp_set_text(self.handle, name.encode(), value.encode()))

    def models(self) -> list[str]:
        names: list[str] = []
        name = NAME()
        while self.lib.wp_model_at(self.handle, ct.c_uint32(len(names)), name) == 0:
            names.append(name.value.decode())
        return names

    def use_model(self, name: str) -> None:
        self._check(self.lib.wp_use_model(self.handle, name.encode()))

    @property
    def model_change(self) -> ModelChangeStruct:
        change = ModelChangeStruct()
        self._check(self.lib.wp_get_model_change(self.handle, ct.byref(change)))
        return change

    @property
    def progress(self) -> str:
        return PROGRESS[self.model_change.progress]

    def counts(self) -> dict[Disposition, int]:
        return dict(zip(Disposition, self.status.dispositions, strict=True))

    def close(self) -> None:
        self._check(self.lib.wp_close(self.handle))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.lib.wp_close(self.handle) == 0:
            assert not self._kept, "wp_close returned with pixels that were not released"
