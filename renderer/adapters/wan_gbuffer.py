"""The family `wan_gbuffer`: Wan on G-buffers, as AlayaRenderer trains it: each map's latents go in beside the noise.

The same networks and the same loop as `wan_causal`, by another manifest: with `causal = false` each chunk is a film of
its own; a causal checkpoint on maps goes on from block to block.
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
    """A folder with a transformer of Wan's that takes maps beside its noise. Raises what `wan_causal`'s does."""
    return proposed(folder, files, Family.WAN_GBUFFER)
