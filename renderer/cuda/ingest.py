"""A network's input, straight from the planes: what the kernel `worldplate_ingest` is given."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import InvalidValue
from bridge.planes import CHANNELS
from bridge.schema import PixelFormat, PlaneName
from renderer.cuda.frame import DeviceFrame
from renderer.cuda.kernels import INGEST, MOST_PLANES, Ingest

FORMATS = (  # as the kernel numbers them
    PixelFormat.RGBA16F, PixelFormat.RGBA32F, PixelFormat.RG16F, PixelFormat.RG32F, PixelFormat.R16F, PixelFormat.R32F,
    PixelFormat.R32UI, PixelFormat.R8UI,
)  # fmt: skip


def ingest(frame: DeviceFrame, wanted: Sequence[tuple[PlaneName, int]], address: int) -> None:
    """Enqueues what writes float32 [H, W, C] to `address` in the GPU's memory: the first channels of each plane, as
    many as are wanted, in that order. NaN becomes 0, and what half floats cannot hold their largest: that is how a
    network is told of no motion, and of the sky's depth. Ids above 2^24 are rounded.

    Raises InvalidValue for more than MOST_PLANES planes, and for more channels than a plane has.
    """
    layout = frame.plate.layout
    if len(wanted) > MOST_PLANES:
        raise InvalidValue(f"{len(wanted)} planes are wanted at once", fix=f"Take {MOST_PLANES} planes at most.")
    row_bytes = sum(channels for _, channels in wanted) * 4 * layout.width
    arguments = Ingest(
        target=address, width=layout.width, height=layout.height, count=len(wanted), target_pitch=row_bytes
    )  # fmt: skip
    for at, (name, channels) in enumerate(wanted):
        plane = frame.planes[name]
        if not 0 < channels <= CHANNELS[plane.layout.format]:
            raise InvalidValue(
                f"{channels} channels of `{name}` are wanted", fix=f"It has {CHANNELS[plane.layout.format]}."
            )
        arguments.planes[at], arguments.pitches[at] = plane.address, plane.layout.row_pitch_bytes
        arguments.formats[at], arguments.channels[at] = FORMATS.index(plane.layout.format), channels
    frame.gpu.run(INGEST, arguments, layout.width, layout.height)
