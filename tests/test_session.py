"""What a session agrees to, refuses, and remembers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bridge.errors import InvalidValue, LimitExceeded, MissingPlane, NotSupported, OutOfOrder, RingCorrupt
from bridge.ring import Ring
from bridge.schema import (
    Camera,
    Frame,
    Hello,
    Limits,
    PixelFormat,
    PlaneName,
    PlaneOffer,
    Pose,
    RendererState,
    Reset,
    SetControls,
    SyncMode,
    Transport,
)
from renderer.models.passthrough import Passthrough
from renderer.session import Session
from renderer.take_state import TakeState

IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
OFFERS = (
    PlaneOffer(name=PlaneName.COLOR, formats=(PixelFormat.RGBA16F,)),
    PlaneOffer(name=PlaneName.DEPTH, formats=(PixelFormat.R32F,)),
    PlaneOffer(name=PlaneName.LABEL, formats=(PixelFormat.R8UI,)),
)


def hello(**changes: object) -> Hello:
    values: dict[str, object] = {
        "token": "t", "client": "test", "width": 16, "height": 8, "planes": OFFERS,
        "transports": (Transport.SHM, Transport.INLINE),
    }  # fmt: skip
    return Hello(**(values | changes))  # type: ignore[arg-type]


def frame(session: Session, frame_id: int, slot: int = 0, generation: int = 1, **changes: object) -> Frame:
    camera = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=IDENTITY)
    values: dict[str, object] = {
        "session": session.id, "id": frame_id, "slot": slot, "generation": generation,
        "capture_ns": 1, "camera": camera,
    }  # fmt: skip
    return Frame(**(values | changes))  # type: ignore[arg-type]


def open_session(**changes: object) -> tuple[Session, Ring]:
    session = Session(b"peer", hello(**changes), Passthrough(), Limits())
    ring = Ring.create(session.welcome.planes, session.welcome.outputs, 4, 1)
    session.open_ring(ring.message(session.id))
    return session, ring


def submit(ring: Ring, frame_id: int) -> int:
    slot = ring.begin(frame_id)
    slot.inputs[PlaneName.COLOR][...] = frame_id
    slot.inputs[PlaneName.DEPTH][...] = 5.0
    slot.inputs[PlaneName.LABEL][...] = 2
    slot.inputs[PlaneName.LABEL][0, 0] = 10
    ring.commit(slot)
    return slot.index


def test_a_frame_comes_back_bit_for_bit_and_without_a_copy_between_buffers() -> None:
    session, ring = open_session()
    index = submit(ring, 1)
    _, result, parts = session.render(frame(session, 1, index), ())
    plate = ring.plate(index, 1)
    assert plate is not None
    assert np.all(plate[PlaneName.PLATE] == np.float16(1.0))
    assert (result.disposition, result.host_bytes_copied, parts) == ("generated", 0, ())
    assert set(result.stages_ms) == {"ingest", "recall", "generate", "blend", "mark"}
    session.close()
    ring.close()


def test_the_best_common_transport_is_chosen_and_the_reason_told() -> None:
    assert Session(b"", hello(), Passthrough(), Limits()).welcome.transport is Transport.SHM
    inline = Session(b"", hello(transports=(Transport.INLINE,)), Passthrough(), Limits()).welcome
    assert inline.transport is Transport.INLINE
    assert "shared memory" in inline.transport_reason
    with pytest.raises(NotSupported, match="cuda"):
        Session(b"", hello(transports=(Transport.CUDA,)), Passthrough(), Limits())


def test_a_plane_that_the_model_needs_and_the_engine_lacks_is_refused_by_name() -> None:
    with pytest.raises(MissingPlane, match="color"):
        Session(b"", hello(planes=OFFERS[1:]), Passthrough(), Limits())


@pytest.mark.parametrize(("width", "height"), [(0, 0), (100_000, 100_000), (16, 0)])
def test_a_size_out_of_range_is_refused(width: int, height: int) -> None:
    with pytest.raises((InvalidValue, LimitExceeded), match=r"px|pixels"):
        Session(b"", hello(width=width, height=height), Passthrough(), Limits())


def test_planes_over_the_byte_limit_are_refused_by_the_name_of_the_limit() -> None:
    with pytest.raises(LimitExceeded, match="max_frame_bytes"):
        Session(b"", hello(width=64, height=64), Passthrough(), Limits(max_frame_bytes=1000))


def test_a_sync_mode_of_a_later_version_is_refused() -> None:
    with pytest.raises(NotSupported, match="genlocked"):
        Session(b"", hello(sync=SyncMode.GENLOCKED), Passthrough(), Limits())


def test_frame_ids_must_increase_within_a_stream() -> None:
    session, ring = open_session()
    session.render(frame(session, 5, submit(ring, 5)), ())
    with pytest.raises(OutOfOrder, match="5"):
        session.render(frame(session, 5, submit(ring, 5)), ())


def test_a_frame_before_its_ring_is_refused() -> None:
    session = Session(b"", hello(), Passthrough(), Limits())
    with pytest.raises(InvalidValue, match="PLANES"):
        session.render(frame(session, 1), ())


def test_a_ring_with_other_planes_than_agreed_is_refused_and_the_old_one_stays() -> None:
    session, ring = open_session()
    other = Ring.create(session.welcome.planes[:1], session.welcome.outputs, 4, 2)
    with pytest.raises((InvalidValue, RingCorrupt)):
        session.open_ring(other.message(session.id))
    session.render(frame(session, 1, submit(ring, 1)), ())


def test_a_slot_overwritten_while_it_is_read_gives_no_plate() -> None:
    session, ring = open_session()
    index = submit(ring, 1)
    ring.release(index)
    for later in range(2, 7):  # the engine goes round the ring and writes over the slot
        ring.release(submit(ring, later))
    with pytest.raises((RingCorrupt, InvalidValue)):
        session.render(frame(session, 1, index), ())


def test_controls_and_ownership_hold_from_the_frame_they_name() -> None:
    session, ring = open_session()
    session.set_controls(SetControls(session=session.id, from_id=2, engine_labels=(10,)))
    for frame_id, matte in ((1, 1.0), (2, 0.0)):
        index = submit(ring, frame_id)
        session.render(frame(session, frame_id, index), ())
        plate = ring.plate(index, frame_id)
        assert plate is not None
        alpha = plate[PlaneName.PLATE][..., 3]
        assert (alpha[0, 0] == 0.0) == (matte == 0.0)
        assert alpha[1, 1] == np.float16(frame_id)
        ring.release(index)


def test_an_unknown_control_changes_nothing() -> None:
    session, _ = open_session()
    with pytest.raises(InvalidValue, match="no control 'wind'"):
        session.set_controls(SetControls(session=session.id, values={"wind": 1.0}))


def test_a_cut_starts_the_world_anew() -> None:
    session, ring = open_session()
    for frame_id, reset in ((1, Reset.NONE), (2, Reset.NONE), (3, Reset.CUT)):
        session.render(frame(session, frame_id, submit(ring, frame_id), reset=reset), ())
    world = session._worlds["main"]
    assert (world.epoch, world.steps) == (1, 1)


def test_too_many_streams_are_refused() -> None:
    session, ring = open_session()
    for n in range(Limits().max_streams):
        index = submit(ring, n + 1)
        session.render(frame(session, n + 1, index, stream=f"eye{n}"), ())
        ring.release(index)
    with pytest.raises(LimitExceeded, match="max_streams"):
        session.render(frame(session, 99, submit(ring, 99), stream="one too many"), ())


def test_status_tells_percentiles_and_dispositions() -> None:
    session, ring = open_session()
    result = session.render(frame(session, 1, submit(ring, 1)), ()).result
    session.count(result.disposition)
    status = session.status("running", "")  # type: ignore[arg-type]
    assert status.dispositions == {"generated": 1}
    assert status.plates_per_s == 1.0
    assert set(status.frame_age_ms) == {"p50", "p95", "p99"}


def test_frames_are_steady_while_a_take_is_recorded_and_when_the_engine_renders_offline() -> None:
    for sync, steady in ((SyncMode.FREERUN, False), (SyncMode.OFFLINE, True)):
        session, ring = open_session(sync=sync)
        assert session.render(frame(session, 1, submit(ring, 1)), ()).frame.steady == steady
        session.take = TakeState("court")
        assert session.render(frame(session, 2, submit(ring, 2)), ()).frame.steady
        session.close()
        ring.close()


def test_status_says_why_this_runtime_serves_when_there_is_nothing_else_to_say() -> None:
    model = Passthrough()
    session = Session(b"peer", hello(), model, Limits())
    model.card = replace(model.card, runtime_why="it was asked for")
    assert session.status(RendererState.RUNNING, "").text == "it was asked for"
    assert session.status(RendererState.RUNNING, "taken").text == "taken"
    session.close()
