"""What limn's kernels are given (limn.cu), and which there are."""

from __future__ import annotations

import ctypes

from bridge.schema import PixelFormat
from renderer.cuda.kernels import Source
from renderer.cuda.planes import DevicePlane

MEASURE, ADD, TELL = "limn_measure", "limn_add", "limn_tell"
CLEAR, GATHER, SHINE, SHADE = "limn_clear", "limn_gather", "limn_shine", "limn_shade"
SEE, REDUCE, COMPOSE, SOFTEN, BODIES = "limn_see", "limn_reduce", "limn_compose", "limn_soften", "limn_bodies"
TILE = 8  # pixels of a side that one thread of MEASURE counts
SUMMED = 32  # sums that one thread of ADD adds
LAMP_ROW = 256  # threads of a row of CLEAR and SHINE
MOST_BODIES = 64  # that one launch of BODIES takes
SUMS_BYTES, LAMP_BYTES = 7 * 8, 6 * 8  # of `Sums` and `Lamp` in limn_frame.hpp
FLOATS = (PixelFormat.RGBA32F, PixelFormat.RG32F)


class Plane(ctypes.Structure):
    """An engine's plane; the address 0 is none."""

    _fields_ = (("at", ctypes.c_uint64), ("pitch", ctypes.c_uint32), ("floats", ctypes.c_uint32))

    @staticmethod
    def of(plane: DevicePlane | None) -> Plane:
        """For the kernels; of none for None."""
        if plane is None:
            return Plane()
        return Plane(plane.address, plane.layout.row_pitch_bytes, int(plane.layout.format in FLOATS))


class LightNumbers(ctypes.Structure):
    """`Light` in limn_frame.hpp."""

    _fields_ = (
        *((name, ctypes.c_float * 3) for name in ("to_sun", "sun", "ambient", "fog", "disc", "ground", "lamp")),
        ("harmonics", ctypes.c_float * 27),
        *((name, ctypes.c_float) for name in ("fog_per_m", "cloud", "night", "sun_level")),
    )


PLANES = ("color", "depth", "normal", "albedo", "material", "label", "object", "plate")
POINTERS = (
    "depth_m", "x", "low", "parts", "hard", "told", "answers", "place_m", "turned", "seen_m", "shades", "sums", "total",
    "lamps", "lamp_list", "shining", "mirrored", "sky", "finishes", "ids", "poses",
)  # fmt: skip
COUNTS = (
    "width", "height", "x_columns", "low_rows", "low_columns", "factor", "cell", "grid_rows", "grid_columns",
    "lamp_rows", "bodies", "opened_label", "salt", "cloud_salt",
)  # fmt: skip


class LimnFrame(ctypes.Structure):
    """A frame: `Limn` in limn_frame.hpp, which says what each is. All kernels but ADD and BODIES take it."""

    _fields_ = (
        *((name, Plane) for name in PLANES),
        *((name, ctypes.c_uint64) for name in POINTERS),
        ("projection_x", ctypes.c_double),
        ("projection_y", ctypes.c_double),
        *((name, ctypes.c_uint32) for name in COUNTS),
        ("pinhole", ctypes.c_float * 17),
        ("to_sun", ctypes.c_float * 3),
        ("scale", ctypes.c_float * 4),
        *((name, ctypes.c_float) for name in ("lamp_luminance", "lamp_area", "wetness", "snow", "autumn", "strength")),
        ("controls", ctypes.c_float * 13),
        ("there", ctypes.c_float * 3),
        ("light", LightNumbers),
    )


class Add(ctypes.Structure):
    """Of ADD."""

    _fields_ = (
        ("from_", ctypes.c_uint64),
        ("to", ctypes.c_uint64),
        ("count", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class Bodies(ctypes.Structure):
    """Of BODIES: the table, which rows of it, and what goes there."""

    _fields_ = (
        ("ids", ctypes.c_uint64),
        ("poses", ctypes.c_uint64),
        ("first", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("some_ids", ctypes.c_uint32 * MOST_BODIES),
        ("some_poses", ctypes.c_float * (12 * MOST_BODIES)),
    )


_OF_A_FRAME = (MEASURE, TELL, CLEAR, GATHER, SHINE, SHADE, SEE, REDUCE, COMPOSE, SOFTEN)
LIMN = Source("limn", {**dict.fromkeys(_OF_A_FRAME, LimnFrame), ADD: Add, BODIES: Bodies})
