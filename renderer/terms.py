"""What a renderer and an engine agree on when a session opens: planes, transport, pace, limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from bridge.errors import DeviceError, DeviceMismatch, DeviceTimeout, InvalidValue, LimitExceeded, NotSupported
from bridge.planes import check_layouts, pack_layouts, payload_bytes
from bridge.schema import Hello, Limits, PixelFormat, PlaneName, SyncMode, Transport, Welcome
from renderer.ingest import agree_planes
from renderer.models import ModelCard
from renderer.recall import controls_of

if TYPE_CHECKING:
    from renderer.cuda import Gpu

SUPPORTED_SYNC = frozenset({SyncMode.LOCKSTEP, SyncMode.DELAYED, SyncMode.FREERUN, SyncMode.OFFLINE})
STALL_MS = 500  # of a model that does not say how long it thinks
STALL_WINDOWS = 3  # of a model that does: so many times its response window


@dataclass
class GpuSide:
    """The renderer's GPU, which whoever opened it closes; or why it has none, or none any more, in words."""

    gpu: Gpu | None = None
    why_not: str = "this renderer uses no CUDA"
    broken: str = ""  # what failed: a context that has failed does so until the process ends


NO_GPU = GpuSide()


def agree(session: str, hello: Hello, card: ModelCard, limits: Limits, side: GpuSide) -> Welcome:
    """Raises LimitExceeded, InvalidValue, NotSupported or MissingPlane: the terms that cannot be met."""
    check_size(hello.width, hello.height, limits)
    if hello.sync not in SUPPORTED_SYNC:
        raise NotSupported(
            f"sync mode '{hello.sync}' is not in this version", fix=f"Use {', '.join(sorted(SUPPORTED_SYNC))}."
        )
    inputs = pack_layouts(agree_planes(card, hello.planes), hello.width, hello.height)
    outputs = pack_layouts({PlaneName.PLATE: PixelFormat.RGBA16F}, hello.width, hello.height)
    check_layouts(inputs, payload_bytes(inputs), limits)
    transport, reason = choose_transport(hello, card, side)
    return Welcome(
        session=session,
        model=card.name,
        runtime=card.runtime,
        planes=inputs,
        outputs=outputs,
        transport=transport,
        transport_reason=reason,
        sync=hello.sync,
        delay_frames=hello.delay_frames,
        late=hello.late,
        limits=limits,
        stall_ms=stall_ms(card),
        controls=controls_of(card),
        chunk_frames=card.chunk_frames,
        response_window_ms=card.response_window_ms,
        licence=card.licence,
    )


def stall_ms(card: ModelCard) -> int:
    """After how long an engine may think that the renderer is dead."""
    return max(STALL_MS, round(STALL_WINDOWS * card.response_window_ms))


def check_size(width: int, height: int, limits: Limits) -> None:
    """Raises InvalidValue, LimitExceeded."""
    for name, side in (("width", width), ("height", height)):
        if side < 1:
            raise InvalidValue(f"{name} is {side} px", fix="Send planes of at least 1x1 pixels.")
        if side > limits.max_side_px:
            raise LimitExceeded(f"{name} in pixels", side, limits.max_side_px, "max_side_px")


def choose_transport(hello: Hello, card: ModelCard, side: GpuSide) -> tuple[Transport, str]:
    """The best transport that both have, cuda > shm > inline, and why it is not a better one. Raises NotSupported."""
    offered = hello.transports
    reason = why_no_cuda(hello, card, side) if Transport.CUDA in offered else ""
    if Transport.CUDA in offered and not reason:
        return Transport.CUDA, ""
    return without_gpu(offered, reason)


def fallen_back(welcome: Welcome, offered: Sequence[Transport], error: DeviceError, side: GpuSide) -> Welcome:
    """The terms of a session whose hand-over has ended, from now on. An engine that does not signal takes the GPU from
    itself alone; a driver that fails, from all that come. Raises NotSupported when the engine offered nothing else."""
    if not isinstance(error, DeviceTimeout):
        side.broken = error.what
    transport, reason = without_gpu(offered, f"planes left the GPU: {error.what}"[:256])
    return msgspec.structs.replace(welcome, transport=transport, transport_reason=reason)


def without_gpu(offered: Sequence[Transport], reason: str) -> tuple[Transport, str]:
    """The best transport through the CPU, and why it is not a better one. Raises NotSupported."""
    if Transport.SHM in offered:
        return Transport.SHM, reason
    if Transport.INLINE in offered:
        return Transport.INLINE, f"{reason}; the engine offered no shared memory".removeprefix("; ")
    raise NotSupported(
        f"the engine offers only {', '.join(offered)}, which cannot be used here: {reason}",
        fix="Offer 'shm' or 'inline' as well.",
    )


def why_no_cuda(hello: Hello, card: ModelCard, side: GpuSide) -> str:
    """For a person; empty when planes can stay on the GPU."""
    if side.gpu is None:
        return side.why_not
    if side.broken:
        return f"the GPU has failed since the renderer started ({side.broken})"
    if not card.on_device:
        return f"the model {card.name} reads planes on the CPU"
    from renderer.cuda.share import check_device

    try:
        check_device(hello.device, side.gpu)
    except DeviceMismatch as error:
        return error.what
    return ""
