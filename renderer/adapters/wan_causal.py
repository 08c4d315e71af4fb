"""The family `wan_causal`: Wan in causal blocks, as Self-Forcing distils it, on the engine's colour.

What the engine shows is coded, noised as far as `strength` says, and painted anew in the steps that are left; each
block sees those before it. `wan.py` has the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from renderer.adapters.families import Proposal
from renderer.adapters.folder import ModelFolder
from renderer.adapters.manifest import Family
from renderer.adapters.wan_folder import proposed
from renderer.models import WorldModel

if TYPE_CHECKING:
    from renderer.adapters.graphs import Graph


def load(folder: ModelFolder, *, runtime: str = "auto", threads: int = 1) -> WorldModel:
    """Sets torch's number of threads. Raises what `load_wan` and `device_for` do."""
    from renderer.adapters.parts import device_for  # first: it says what is not installed
    from renderer.adapters.wan_load import load_wan

    return load_wan(folder, lambda: device_for(folder, runtime, threads))


def graphs(folder: ModelFolder) -> list[Graph]:
    """Its networks, for other runtimes. Raises what `looked_into` does."""
    from renderer.adapters import parts  # noqa: F401 - first: it says what is not installed
    from renderer.adapters.wan_export import graphs_of

    return graphs_of(folder)


def propose(folder: Path, files: Sequence[Path]) -> Proposal | None:
    """A folder with a transformer of Wan's that takes its own latents alone. Raises ModelMismatch for one of Wan's
    that no family here runs, ModelIncomplete for a file that is not whole."""
    return proposed(folder, files, Family.WAN_CAUSAL)
