"""What a mark says about a picture's making, and the number by which the watermark names a take."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from bridge.take import TakeInfo


class Generation(Struct, frozen=True, kw_only=True):
    """The assertion `worldplate.generation` of content credentials, and `about` of a signed manifest."""

    take: str  # its name
    take_id: str  # 32 hex digits, see `take_id`
    model: str
    model_sha256: str = ""  # of the weights; empty when the model has none
    runtime: str = ""
    seed: int = 0
    software: str = ""
    picture: str = "composite"  # composite, plate or engine
    watermark: str = ""  # its payload, 8 hex digits; empty when there is none


def generation_of(
    info: TakeInfo, software: str, *, picture: str = "composite", watermarked: bool = False
) -> Generation:
    identity = take_id(info.name, info.created_ns)
    return Generation(
        take=info.name,
        take_id=identity,
        model=info.model,
        model_sha256=info.model_sha256,
        runtime=info.runtime,
        seed=info.seed,
        software=software,
        picture=picture,
        watermark=f"{payload_of(identity):08x}" if watermarked else "",
    )


def take_id(name: str, created_ns: int) -> str:
    """32 hex digits that name a take wherever its file goes."""
    return hashlib.sha256(f"{created_ns} {name}".encode()).hexdigest()[:32]


def payload_of(identity: str) -> int:
    """The 32 bits of a take's id that the watermark carries."""
    return int(identity[:8], 16)
