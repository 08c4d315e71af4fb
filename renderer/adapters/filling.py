"""Weights into a network: every tensor of the file and every one of the network must be the other's, by name and shape.

The libraries fill what is missing with random numbers and say so in a log alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch

from bridge.errors import ModelIncomplete, ModelMismatch

N = TypeVar("N", bound=torch.nn.Module)
BRING = "Bring that folder anew from where the model came; then run `worldplate models add` again."


def check_filled(network: torch.nn.Module, state: Mapping[str, torch.Tensor], place: Any) -> None:
    """Raises ModelIncomplete naming a tensor that the file lacks, ModelMismatch naming one that the network lacks or
    that has another shape there. `place` is where the file is, for people."""
    wanted = network.state_dict()
    missing, unexpected = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing:
        raise ModelIncomplete(
            f"the weights of {place} lack {len(missing)} tensors, the first is '{missing[0]}'", fix=BRING
        )
    if unexpected:
        raise ModelMismatch(
            f"the weights of {place} have {len(unexpected)} tensors that its network has not, the first is"
            f" '{unexpected[0]}'",
            fix="Its config.json is of another model.",
        )
    for key, tensor in state.items():
        if tensor.shape != wanted[key].shape:
            shapes = ["x".join(map(str, each.shape)) for each in (tensor, wanted[key])]
            raise ModelMismatch(
                f"'{key}' of {place} is {shapes[0]}, and its network's is {shapes[1]}",
                fix="Its config.json is of another model.",
            )


def fill(network: N, state: Mapping[str, torch.Tensor], place: Any) -> N:
    """`network`, which then holds the file's own tensors and is not trained. Raises what `check_filled` does."""
    check_filled(network, state, place)
    network.load_state_dict(dict(state), assign=True)
    return network.eval().requires_grad_(False)
