"""What an engine is: a network that a library has made into a file for one kind of machine, which takes it a while.

An engine runs as code does (it holds kernels), so only such as were built here, by this user, are ever loaded:
`engine_cache.py` signs them. Who makes and runs them is an `EngineMaker`; `tensorrt.py` has the one that ships.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from renderer.adapters.weights import ports_of

if TYPE_CHECKING:
    from renderer.runtimes import Runtime
    from renderer.runtimes.engine_cache import EngineCache

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]  # by the network's input
# Worst PSNR of plates against torch's in fp32, on the display. A picture of 8 bits has 59 dB.
GATES_DB = {"fp32": 50.0, "fp16": 50.0, "int8": 40.0}
BLOCK_BYTES = 1 << 20  # of a file that is hashed


@dataclass(frozen=True)
class Profile:
    """Of each of a network's inputs the least, the usual and the largest shape that an engine takes."""

    least: Shapes
    usual: Shapes
    most: Shapes

    @staticmethod
    def over(shapes: Iterable[Shapes], usual: Shapes) -> Profile:
        """One that takes all of these."""
        every = [*shapes, usual]
        names = list(usual)
        least = {name: tuple(map(min, *(each[name] for each in every))) for name in names}
        most = {name: tuple(map(max, *(each[name] for each in every))) for name in names}
        return Profile(least, dict(usual), most)

    def takes(self, shapes: Shapes) -> bool:
        """Whether every side is within it."""
        return shapes.keys() == self.usual.keys() and all(
            len(shape) == len(self.usual[name])
            and all(a <= b <= c for a, b, c in zip(self.least[name], shape, self.most[name], strict=True))
            for name, shape in shapes.items()
        )


class EngineMaker(Protocol):
    """A library that makes engines, and runs them."""

    name: str  # library and version as a person is told, such as "tensorrt-rtx 1.7"
    precision: str  # of the engines, a key of GATES_DB
    arguments: Mapping[str, object]  # JSON: what makes the same maker in another process

    def identity(self) -> dict[str, str]:
        """All that an engine depends on besides the network and the profile: library, version, GPU, driver."""

    def build(self, network: Path, profile: Profile) -> bytes:
        """The engine of an ONNX. It takes long, and is called in a process of its own. Raises ModelError."""

    def load(self, engine: bytes, cache: EngineCache) -> Runtime:
        """Here, ready to be bound; what is made of it on the way may be kept in the cache. Raises ModelError,
        MissingDependency."""


@dataclass(frozen=True)
class Order:
    """An engine that is wanted."""

    maker: EngineMaker
    network: Path  # ONNX
    profile: Profile

    def identity(self) -> dict[str, object]:
        """What tells this engine from all others. The network counts by its content: new weights are a new engine.

        Raises what `ports_of` does.
        """
        return {
            "network": _content(self.network), "precision": self.maker.precision,
            "profile": {name: [self.profile.least[name], self.profile.usual[name], self.profile.most[name]]
                        for name in self.profile.usual},
            **self.maker.identity(),
        }  # fmt: skip


def _content(network: Path) -> str:
    """SHA-256 of the ONNX and of the files beside it that hold its weights."""
    digest = hashlib.sha256()
    for path in (network, *(network.parent / name for name in ports_of(network).external)):
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def text_of(identity: Mapping[str, object]) -> bytes:
    """An identity as bytes, the same for the same."""
    return json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()
