"""Planes in GPU memory, and tensors that alias them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.planes import BYTES_PER_PIXEL, CHANNELS, DTYPE
from bridge.schema import PlaneLayout

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class DevicePlane:
    """A plane where an engine has it: [H, W] or [H, W, C], rows `row_pitch_bytes` apart."""

    address: int  # of the first row, in the GPU's memory
    layout: PlaneLayout
    owner: object  # keeps the memory mapped while a tensor lives

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Version 3 (numba.readthedocs.io, "CUDA Array Interface"). No stream: all use the context's one."""
        layout, dtype = self.layout, DTYPE[self.layout.format]
        shape: tuple[int, ...] = (layout.height, layout.width)
        strides: tuple[int, ...] = (layout.row_pitch_bytes, BYTES_PER_PIXEL[layout.format])
        if CHANNELS[layout.format] > 1:
            shape, strides = (*shape, CHANNELS[layout.format]), (*strides, dtype.itemsize)
        return {
            "shape": shape,
            "strides": strides,
            "typestr": dtype.str,
            "data": (self.address, False),
            "version": 3,
            "stream": None,
        }

    def tensor(self) -> torch.Tensor:
        """A tensor over the same memory, without a copy. It must not outlive the frame."""
        import torch

        return torch.as_tensor(self, device="cuda")
