"""An engine of a few pixels on a stage with a scripted renderer, for the tests of the client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from scripted_renderer import CAMERA, PLANES, Formats, Hotel, color_value, plate_value

from bridge.client import Client
from bridge.schema import Disposition, LatePolicy, PlaneName, Reset, SyncMode, Transport
from bridge.shown import Shown

G, R, P, D = Disposition.GENERATED, Disposition.REPROJECTED, Disposition.PASSTHROUGH, Disposition.DROPPED
WIDTH, HEIGHT = 8, 4


def until(condition: Callable[[], object], *steps: Callable[[], object]) -> None:
    for _ in range(5000):
        if condition():
            return
        for step in steps:
            step()
        time.sleep(0.001)
    pytest.fail("it never came to be")


class Stage:
    """An engine of 8x4 pixels and a renderer that waits for orders. A frame's colour is its id."""

    def __init__(self, client: Client, hotel: Hotel, wanted: Formats = PLANES) -> None:
        self.client, self.hotel = client, hotel
        self.renderer = hotel.move_in(wanted)
        self.attach()

    def attach(self) -> None:
        until(lambda: self.client.attached, self.exchange)

    def exchange(self) -> None:
        self.client.tick()
        self.renderer.pump()

    def replace_renderer(self) -> None:
        """Its renderer dies, and another takes over."""
        self.hotel.kill()
        until(lambda: not self.client.attached, self.client.tick)
        self.renderer = self.hotel.move_in()
        self.attach()

    def submit(self, reset: Reset = Reset.NONE) -> int:
        slot = self.client.begin()
        slot.inputs[PlaneName.COLOR][...] = color_value(slot.frame_id)
        slot.inputs[PlaneName.DEPTH][...] = 3.0
        slot.inputs[PlaneName.OBJECT][...] = 1
        self.client.submit(slot, CAMERA, reset=reset)
        self.renderer.pump()
        return slot.frame_id

    def show(self) -> Shown | None:
        shown = self.client.present()
        if shown is not None:
            check_picture(shown)
        return shown

    def generated(self, reset: Reset = Reset.NONE) -> int:
        """One frame that comes back in time."""
        frame_id = self.submit(reset)
        self.renderer.paint(frame_id)
        return frame_id


def check_picture(shown: Shown) -> None:
    """The picture is what the disposition says."""
    value = float(shown.picture()[0, 0, 0])
    if shown.disposition is G:
        assert value == plate_value(shown.frame_id)
    elif shown.disposition is P:
        assert value == color_value(shown.frame_id)
        assert shown.reason
    else:
        assert shown.disposition is R
        assert shown.reason


def ends(client: Client) -> dict[int, Disposition]:
    return {entry.frame_id: entry.disposition for entry in client.ledger.history}


Make = Callable[..., Stage]


@contextmanager
def stages(transport: Transport) -> Iterator[Make]:
    """A maker of stages by sync mode and late policy. At the end each closes with no frame left without an end."""
    made: list[Stage] = []

    def build(sync: SyncMode, late: LatePolicy = LatePolicy.PASSTHROUGH, delay_frames: int = 1) -> Stage:
        hotel = Hotel()
        client = Client(
            WIDTH,
            HEIGHT,
            PLANES,
            sync=sync,
            late=late,
            delay_frames=delay_frames,
            transports=(transport,),
            connection=hotel,
            frame_period_ms=5.0,
            offline_wait_s=0.05,
            slot_count=4,
        )
        made.append(Stage(client, hotel))
        return made[-1]

    yield build
    for stage in made:
        stage.client.close()
        assert not stage.client.ledger.open_ids
        stage.hotel.kill()
