"""Whatever comes, and whoever dies: every frame has one end, shown ids increase, and pictures are true."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st
from scripted_renderer import CAMERA, PLANES, Hotel, plate_value
from stage import until

from bridge.client import Client
from bridge.schema import Disposition, LatePolicy, PlaneName, Reset, SyncMode, Transport
from bridge.shown import Shown

ACTIONS = (
    "paint",
    "paint",
    "paint newest",
    "drop",
    "fail",
    "pass",
    "pump",
    "kill",
    "move in",
    "leave",
    "idle",
    "begin",
)

Tick = tuple[bool, bool, list[str]]
TICKS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([True] + [False] * 7), st.lists(st.sampled_from(ACTIONS), max_size=4)),
    min_size=5,
    max_size=40,
)


class Watcher:
    """Follows what is shown, knowing only what was painted and when the resets were."""

    def __init__(self) -> None:
        self.cut_id = 0  # of the last reset
        self.last_id = 0

    def check(self, shown: Shown) -> None:
        assert shown.frame_id > self.last_id
        self.last_id = shown.frame_id
        value = float(shown.picture()[1, 1, 0])
        if shown.disposition is Disposition.GENERATED:
            assert value == plate_value(shown.frame_id)
        elif shown.disposition is Disposition.PASSTHROUGH:
            assert value == shown.frame_id
        else:
            assert shown.plate is not None
            source_id = float(shown.plate[1, 1, 0]) - 0.5
            assert source_id < shown.frame_id
            if shown.frame_id >= self.cut_id:
                assert source_id >= self.cut_id
        assert shown.age_ms >= shown.state_age_ms >= 0


def act(hotel: Hotel, client: Client, action: str) -> None:
    renderer = hotel.renderer
    if action == "move in" and renderer is None:
        hotel.move_in()
    elif action == "begin":
        client.begin()  # and never submitted
    if renderer is None:
        return
    renderer.pump()
    waiting = sorted(renderer.waiting)
    if action == "kill":
        hotel.kill()
    elif action == "leave":
        renderer.leave()
    elif waiting and action.startswith("paint"):
        paint(hotel, waiting[-1] if action.endswith("newest") else waiting[0])
    elif waiting and action == "drop":
        renderer.drop(waiting[0])
    elif waiting and action == "fail":
        renderer.fail(waiting[0])
    elif waiting and action == "pass":
        renderer.drop(waiting[0], Disposition.PASSTHROUGH, "as it is")


def paint(hotel: Hotel, frame_id: int) -> None:
    renderer = hotel.renderer
    assert renderer is not None
    if not renderer.paint_if_there(frame_id):
        renderer.drop(frame_id, reason="its slot was overwritten")


@settings(max_examples=200, deadline=None)
@given(
    sync=st.sampled_from([SyncMode.LOCKSTEP, SyncMode.DELAYED, SyncMode.FREERUN, SyncMode.OFFLINE]),
    late=st.sampled_from(list(LatePolicy)),
    delay=st.integers(0, 3),
    transport=st.sampled_from([Transport.INLINE, Transport.INLINE, Transport.SHM]),
    ticks=TICKS,
)
def test_every_schedule_keeps_the_promises(
    sync: SyncMode, late: LatePolicy, delay: int, transport: Transport, ticks: list[Tick]
) -> None:
    hotel, watcher, submitted = Hotel(), Watcher(), 0
    renderer = hotel.move_in()
    client = Client(
        8,
        4,
        PLANES,
        sync=sync,
        late=late,
        delay_frames=delay,
        transports=(transport,),
        connection=hotel,
        frame_period_ms=0.2,
        offline_wait_s=0.001,
    )
    until(lambda: client.attached, client.tick, renderer.pump)
    for submits, cuts, actions in ticks:
        if submits:
            slot = client.begin()
            for name, value in ((PlaneName.COLOR, slot.frame_id), (PlaneName.DEPTH, 3), (PlaneName.OBJECT, 1)):
                slot.inputs[name][...] = value
            if cuts:
                watcher.cut_id = slot.frame_id
            client.submit(slot, CAMERA, reset=Reset.CUT if cuts else Reset.NONE)
            submitted += 1
        for action in actions:
            act(hotel, client, action)
        shown = client.present()
        if shown is not None:
            watcher.check(shown)
    client.close()
    hotel.kill()
    assert not client.ledger.open_ids
    assert sum(client.ledger.counts.values()) == submitted
    assert len({entry.frame_id for entry in client.ledger.history}) == submitted
    assert client.ledger.last_shown_id == watcher.last_id
