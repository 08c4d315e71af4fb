"""Blockout worlds to train on, in the families that users have. A family is a function from a seed to a blockout."""

from __future__ import annotations

from collections.abc import Callable

from renderer.training.worlds.court import court
from renderer.training.worlds.hall import hall
from renderer.training.worlds.interior import interior
from renderer.training.worlds.kit import Blockout
from renderer.training.worlds.landscape import landscape
from renderer.training.worlds.stage import stage
from renderer.training.worlds.street import street

FAMILIES: dict[str, Callable[[int], Blockout]] = {
    "street": street,
    "courtyard": court,
    "interior": interior,
    "landscape": landscape,
    "stage": stage,
    "hall": hall,
}
