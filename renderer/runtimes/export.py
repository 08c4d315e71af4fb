"""`python -m renderer.runtimes.export`: limn's network as ONNX beside its weights, and its hash in the manifest.

For whoever ships new weights; needs `pip install "worldplate[dev]"`. The file ships with the package because it is
small (0.4 MB), while making it takes packages of 40 MB and ten seconds that no user should need.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from renderer.models.limn.features import CHANNELS
from renderer.models.limn.fused import STRIDE_PX
from renderer.models.limn.model import FOLDER, ONNX, network_of, write_manifest

OPSET = 20
MOST_STRIDES = 1024  # per side: 8192 pixels


class ChannelsLast(nn.Module):
    """[1, H, W, C] -> [1, H, W, K]: as features and plate lie in memory."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x.permute(0, 3, 1, 2))
        return y.permute(0, 2, 3, 1)


def export(network: nn.Module, channels: int) -> bytes:
    """ONNX of a network whose sides are any multiples of 8."""
    sides = {axis: STRIDE_PX * Dim(name, min=1, max=MOST_STRIDES) for axis, name in ((1, "rows"), (2, "columns"))}
    example = torch.zeros(1, 8 * STRIDE_PX, 12 * STRIDE_PX, channels)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it names the packages that it can do without
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(
            ChannelsLast(network).eval(), (example,), dynamo=True, opset_version=OPSET, verbose=False,
            dynamic_shapes=(sides,), input_names=["x"], output_names=["y"],
        )  # fmt: skip
        if program is None:
            raise RuntimeError("torch exported nothing")
        for node in program.model.graph:
            node.metadata_props.clear()  # paths and stack traces of whoever exports
        path = Path(folder) / "network.onnx"
        program.save(path, external_data=False)
        return path.read_bytes()


def ship(folder: Path) -> Path:
    """Write the ONNX of a model folder's weights, and tell its manifest."""
    onnx = folder / ONNX
    onnx.write_bytes(export(network_of(folder), CHANNELS))
    write_manifest(folder)
    return onnx


if __name__ == "__main__":
    sys.stdout.write(f"{ship(FOLDER)}\n")
