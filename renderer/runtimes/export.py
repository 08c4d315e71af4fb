"""`python -m renderer.runtimes.export`: limn's network as ONNX beside its weights, and its hash in the manifest.

For whoever ships new weights; needs `pip install "worldplate[dev]"`. The file ships with the package because it is
small (4.7 MB), while making it takes packages of 40 MB and ten seconds that no user should need.
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

from renderer.models.limn.features import CHANNELS, TOLD
from renderer.models.limn.model import FOLDER, ONNX, network_of, write_manifest
from renderer.models.limn.network import STRIDE

OPSET = 20
MOST_STRIDES = 512  # per side: 8192 pixels
NAMES_IN, NAMES_OUT = ["x", "low", "told"], ["answers"]


class ChannelsLast(nn.Module):
    """Pictures as [1, H, W, C]: as features and plate lie in memory."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, low: Tensor, told: Tensor) -> tuple[Tensor]:
        (answers,) = self.inner(x.permute(0, 3, 1, 2), low.permute(0, 3, 1, 2), told)
        return (answers.permute(0, 2, 3, 1),)


def export(network: nn.Module) -> bytes:
    """ONNX of a limn network, for any sizes that it takes."""
    small = {axis: Dim(name, min=1, max=MOST_STRIDES) for axis, name in ((1, "rows"), (2, "columns"))}
    full = {axis: Dim(f"full_{name}", min=16, max=8192) for axis, name in ((1, "rows"), (2, "columns"))}
    low = {axis: STRIDE * dim for axis, dim in small.items()}
    rows, columns = 6 * STRIDE, 10 * STRIDE
    example = (
        torch.zeros(1, 2 * rows, 2 * columns, CHANNELS),
        torch.zeros(1, rows, columns, CHANNELS),
        torch.zeros(1, TOLD),
    )
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it names the packages that it can do without
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(
            ChannelsLast(network).eval(), example, dynamo=True, opset_version=OPSET, verbose=False,
            dynamic_shapes=(full, low, {}), input_names=NAMES_IN, output_names=NAMES_OUT,
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
    network = network_of(folder)
    onnx = folder / ONNX
    onnx.write_bytes(export(network))
    write_manifest(folder)
    return onnx


if __name__ == "__main__":
    sys.stdout.write(f"{ship(FOLDER)}\n")
