"""A model of Wan's family behind an engine: what is declared before, chunk after chunk, and a reset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scripted_renderer import CAMERA, PLANES
from stage import G, until
from wan_folder import HEIGHT, WIDTH, added, write_networks

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.schema import Limits, PlaneName, Reset, SyncMode, Transport
from renderer.adapters.families import load_folder
from renderer.adapters.wan import Film
from renderer.chunks import limits_for
from renderer.models import ChunkModel
from renderer.serve import Renderer

CHUNK = 8


class Desk:
    """An engine and a renderer in one thread."""

    def __init__(self, model: ChunkModel) -> None:
        limits = limits_for(Limits(), model.card)
        engine_end, renderer_end = memory_pair(limits)
        self.renderer = Renderer(renderer_end, model, "", limits)
        self.client = Client(
            WIDTH, HEIGHT, PLANES, sync=SyncMode.FREERUN, transports=(Transport.INLINE,), connection=engine_end,
            frame_period_ms=5.0,
        )  # fmt: skip
        until(lambda: self.client.attached, self.client.tick, self.loop)

    def loop(self) -> None:
        self.renderer.step(0.0)

    def submit(self, count: int, reset: Reset = Reset.NONE) -> int:
        """So many frames; the newest one's id."""
        for _ in range(count):
            slot = self.client.begin()
            slot.inputs[PlaneName.COLOR][...] = np.random.default_rng(slot.frame_id).uniform(size=(HEIGHT, WIDTH, 4))
            self.client.submit(slot, CAMERA, reset=reset)
        return slot.frame_id

    @property
    def film(self) -> Film:
        """The stream's state."""
        (session,) = self.renderer.sessions
        latents = session.worlds["main"].latents
        assert isinstance(latents, Film)
        return latents


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = load_folder(added(write_networks(tmp_path / "tiny"), tmp_path / "models"))
    assert isinstance(model, ChunkModel)
    made = Desk(model)
    yield made
    made.client.close()
    assert not made.client.ledger.open_ids


def test_chunks_are_served_one_behind_the_other_and_a_reset_begins_anew(desk: Desk) -> None:
    welcome = desk.client.welcome
    assert welcome is not None
    assert (welcome.chunk_frames, welcome.response_window_ms, welcome.stall_ms) == (CHUNK, 500.0, 1500)
    for number in (1, 2):
        newest = desk.submit(CHUNK)
        for _ in range(3 * CHUNK):
            desk.loop()
        shown = desk.client.present()
        assert shown is not None
        assert (shown.frame_id, shown.disposition) == (newest, G)
        assert shown.picture()[..., :3].std() > 0.01
        assert desk.film.reel.context.blocks == number  # what the next one sees
    reel = desk.film.reel
    desk.submit(1, Reset.CUT)
    until(lambda: reel.context.blocks == 1, desk.loop)  # the same memory serves the new stream, from its beginning
    assert desk.film.reel is reel
