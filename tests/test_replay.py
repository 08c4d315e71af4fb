"""Takes fed back and rendered again: bit for bit, in part or whole, changed, and going on where it was broken off."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_take import write_take
from take_stage import Stage

from bridge.ends import EngineEnd, memory_pair
from bridge.errors import InvalidValue, TakeEmpty, TakeExists, TakeMixed
from bridge.schema import Control, ControlType, Disposition, Limits, PlaneName, Reset
from bridge.take import Take
from renderer import taking
from renderer.cli import main
from renderer.frame import RenderFrame
from renderer.models import ModelCard, WorldModel
from renderer.models.passthrough import Passthrough
from renderer.recall import World
from renderer.remake import Changes, Remake
from renderer.replay import Played, Player
from renderer.rerender import Job, Report, changes_of, rerender
from renderer.serve import Renderer

TINT = Control(name="tint", type=ControlType.NUMBER, text="How bright.", default=1.0, minimum=0.0, maximum=4.0)


class Trail(Passthrough):
    """A recurrent model: its plate is half the picture and half its own plate before, so a lost frame shows."""

    card = ModelCard(
        name="trail", needs=frozenset({PlaneName.COLOR}), optional=Passthrough.card.optional, controls=(TINT,),
        sha256="a" * 64,
    )  # fmt: skip

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        color = frame.planes[PlaneName.COLOR].astype(np.float32) * np.float32(frame.controls["tint"])
        before = world.latents
        known = isinstance(before, np.ndarray) and before.shape == color.shape
        mixed = color * 0.5 + before * 0.5 if known else color  # type: ignore[operator]
        world.latents = mixed
        plate[:] = mixed
        plate[..., 3] = 1.0

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return {"plate": latents} if isinstance(latents, np.ndarray) else {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return arrays["plate"] if arrays else None


def silent(done: int, count: int) -> None:
    """Progress that nobody sees."""


@contextmanager
def renderer_of(model: WorldModel) -> Iterator[EngineEnd]:
    engine_end, renderer_end = memory_pair()
    renderer, stop = Renderer(renderer_end, model, "", Limits()), threading.Event()
    thread = threading.Thread(target=renderer.run, args=(stop,))
    thread.start()
    try:
        yield engine_end
    finally:
        stop.set()
        thread.join(20.0)


def played(path: Path, model: WorldModel, *, offline: bool = True) -> Played:
    with Take.open(path) as take, renderer_of(model) as end:
        return Player(take, end, offline=offline).play(silent)


def remade(path: Path, first: int, last: int, changes: Changes = Changes()) -> tuple[list[bool | None], int]:  # noqa: B008
    with Take.open(path) as take:
        remake = Remake(take, Trail(), changes)
        return [made.same for made in remake.frames(first, last)], remake.warm_up


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of a recurrent model from its first: a cut at frame 9, a world saved after frame 4, 8 and 12."""
    folder = tmp_path_factory.mktemp("takes")
    with pytest.MonkeyPatch.context() as patch, Stage(folder, Trail(), (48, 28)) as stage:
        patch.setattr(taking, "SAVE_EVERY", 4)
        stage.record("trail")
        stage.show(8)
        stage.show(4, reset=Reset.CUT)
        stage.stop()
    return folder / "trail.mcap"


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames from the middle of a session."""
    folder = tmp_path_factory.mktemp("takes")
    with Stage(folder, Trail(), (48, 28)) as stage:
        stage.show(3)
        stage.record("late")
        stage.show(6)
        stage.stop()
    return folder / "late.mcap"


def test_a_take_is_replayed_bit_for_bit_three_times_over(trail: Path) -> None:
    turns = [played(trail, Trail()) for _ in range(3)]
    for turn in turns:
        assert (turn.frames, turn.equal, turn.different, turn.unchecked) == (12, 12, 0, 0)
        assert turn.dispositions == {Disposition.GENERATED: 12}


def test_a_replay_notices_a_model_that_makes_something_else(trail: Path) -> None:
    class Other(Trail):
        def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
            super().step(frame, world, plate)
            if frame.header.id == 7:
                plate[0, 0, 0] += 1.0

    turn = played(trail, Other())
    assert (turn.equal, turn.different, turn.first_different) == (11, 1, [7])


def test_a_replay_of_the_middle_of_a_session_is_not_compared_before_its_world_is_known(late: Path) -> None:
    turn = played(late, Trail())
    assert (turn.frames, turn.equal, turn.different, turn.unchecked) == (6, 0, 0, 6)


def test_a_replay_of_a_model_that_remembers_nothing_is_compared_from_anywhere(tmp_path: Path) -> None:
    with Stage(tmp_path, size=(48, 28)) as stage:
        stage.show(2)
        stage.record("late")
        stage.show(3)
        stage.stop()
    assert played(tmp_path / "late.mcap", Passthrough()).equal == 3


def test_a_replay_at_the_recorded_pace_takes_the_recorded_time(trail: Path) -> None:
    with Take.open(trail) as take:
        seconds = take.info.seconds
    turn = played(trail, Trail(), offline=False)
    assert turn.seconds >= seconds
    assert (turn.frames, turn.unchecked) == (12, 12)


def test_a_session_that_was_resized_is_replayed_with_its_sizes(tmp_path: Path) -> None:
    with Stage(tmp_path, Trail(), (48, 28)) as stage:
        stage.record("sizes")
        stage.show(3)
        stage.resize(32, 20)
        stage.client.set_controls({"tint": 2.0})
        stage.show(3)
        stage.stop()
    turn = played(tmp_path / "sizes.mcap", Trail())
    assert (turn.equal, turn.different, turn.unchecked) == (6, 0, 0)
    assert remade(tmp_path / "sizes.mcap", 1, 6) == ([True] * 6, 0)


def test_a_world_that_was_restored_is_followed_from_the_next_that_is_saved(tmp_path: Path) -> None:
    with Stage(tmp_path, Trail(), (48, 28)) as stage:
        stage.record("again")
        stage.show(2)
        stage.client.worlds.snapshot("before")
        stage.show(2)
        stage.client.worlds.restore("before")
        stage.show(3)
        stage.client.worlds.reset()
        stage.show(2)
        stage.stop()
    assert remade(tmp_path / "again.mcap", 1, 9)[0] == [True, True, True, True, None, True, True, True, True]
    turn = played(tmp_path / "again.mcap", Trail())
    assert (turn.equal, turn.different, turn.unchecked) == (6, 0, 3)


def test_ids_that_were_left_out_are_left_out_again(tmp_path: Path) -> None:
    seen: list[int] = []

    class Listens(Trail):
        def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
            seen.append(frame.header.id)
            super().step(frame, world, plate)

    with Stage(tmp_path, Listens(), (48, 28)) as stage:
        stage.record("gaps")
        stage.show(2)
        stage.client.begin()
        stage.client.begin()
        stage.show(2)
        stage.stop()
    assert seen == [1, 2, 5, 6]
    assert played(tmp_path / "gaps.mcap", Listens()).equal == 4
    assert seen[4:] == [1, 2, 5, 6]


def test_frames_are_made_again_bit_for_bit_without_a_renderer(trail: Path) -> None:
    assert remade(trail, 1, 12) == ([True] * 12, 0)


@pytest.mark.parametrize(
    ("first", "last", "warm_up"),
    [(3, 4, 2), (5, 6, 0), (7, 8, 2), (9, 12, 0), (11, 11, 2), (8, 10, 3)],
)
def test_a_range_warms_up_from_the_nearest_reset_or_saved_world(
    trail: Path, first: int, last: int, warm_up: int
) -> None:
    assert remade(trail, first, last) == ([True] * (last - first + 1), warm_up)


def test_with_changes_a_range_warms_up_from_a_reset_and_is_as_in_the_whole(trail: Path) -> None:
    changes = Changes({"tint": 2.0}, "tint is 2.0")
    with Take.open(trail) as take:
        whole = [made.outputs[PlaneName.PLATE] for made in Remake(take, Trail(), changes).frames(1, 12)]
        remake = Remake(take, Trail(), changes)
        part = list(remake.frames(6, 7))
    assert remake.warm_up == 5
    assert [made.same for made in part] == [None, None]
    assert all(np.array_equal(made.outputs[PlaneName.PLATE], whole[n]) for made, n in zip(part, (5, 6), strict=True))


def test_a_take_from_the_middle_of_a_session_is_made_again_from_its_saved_world(late: Path) -> None:
    assert remade(late, 1, 6) == ([True] * 6, 0)
    assert remade(late, 4, 5) == ([True] * 2, 3)


def test_after_frames_that_are_lost_nothing_is_compared_until_the_world_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Stage(tmp_path, Trail(), (48, 28)) as stage:
        stage.record("lost")
        stage.show(2)
        stage.wait_until_written(2)
        monkeypatch.setattr(taking, "MOST_WAITING_BYTES", 0)
        monkeypatch.setattr(taking.Buffers, "take", lambda *_: None)
        stage.show(2)
        monkeypatch.undo()
        stage.show(3)
        stage.stop()
    with Take.open(tmp_path / "lost.mcap") as take:
        assert [take.header(n).id for n in range(1, 6)] == [1, 2, 5, 6, 7]
    assert remade(tmp_path / "lost.mcap", 1, 5)[0] == [True, True, None, True, True]


def job_of(
    path: Path, out: Path | None, first: int = 1, last: int = 12, values: Mapping[str, str] | None = None
) -> Report:
    with Take.open(path) as take:
        model = Trail()
        return rerender(take, model, Job(first, last, changes_of(take, model, values or {}), out), silent)


def test_a_take_made_again_is_a_take_like_the_first(trail: Path, tmp_path: Path) -> None:
    report = job_of(trail, tmp_path / "again.mcap")
    assert (report.frames, report.equal, report.different, report.unchecked) == (12, 12, 0, 0)
    with Take.open(trail) as first, Take.open(tmp_path / "again.mcap") as again:
        assert (again.info.remade_from, again.info.fresh, again.info.complete) == ("trail", True, True)
        for one, two in zip(first.frames(), again.frames(), strict=True):
            assert one.outputs_sha256 == two.outputs_sha256
            assert one.planes[PlaneName.DEPTH].tobytes() == two.planes[PlaneName.DEPTH].tobytes()
    assert remade(tmp_path / "again.mcap", 1, 12) == ([True] * 12, 0)


def test_a_part_of_a_take_can_be_made_again_from_itself(trail: Path, tmp_path: Path) -> None:
    job_of(trail, tmp_path / "part.mcap", 6, 8)
    with Take.open(tmp_path / "part.mcap") as take:
        assert not take.info.fresh
    assert remade(tmp_path / "part.mcap", 2, 3) == ([True, True], 0)


def test_controls_are_changed_by_name_and_refused_by_name(trail: Path, tmp_path: Path) -> None:
    report = job_of(trail, tmp_path / "bright.mcap", values={"tint": "2"})
    assert (report.unchecked, report.changed) == (12, "tint is 2.0")
    with Take.open(tmp_path / "bright.mcap") as take:
        assert take.frame(1).controls == {"tint": 2.0}
        bright = take.frame(1).outputs[PlaneName.PLATE]
        color = take.frame(1).planes[PlaneName.COLOR]
    assert np.array_equal(bright[..., :3], (color[..., :3].astype(np.float32) * 2).astype(np.float16))
    for values in ({"tint": "9"}, {"tint": "red"}, {"wind": "1"}):
        with pytest.raises(InvalidValue, match=next(iter(values))):
            job_of(trail, None, values=values)


def test_a_job_that_is_done_is_not_done_again_and_another_takes_place_is_left_alone(
    trail: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again.mcap"
    job_of(trail, out)
    before = out.stat().st_mtime_ns
    assert job_of(trail, out).done_before
    with pytest.raises(TakeExists, match="is there already"):
        job_of(trail, out, values={"tint": "2"})
    assert out.stat().st_mtime_ns == before


@pytest.mark.parametrize("after", [3, 9])
def test_a_job_that_was_broken_off_goes_on_and_comes_to_the_same(trail: Path, tmp_path: Path, after: int) -> None:
    def breaks_off(done: int, count: int) -> None:
        if done == after:
            raise KeyboardInterrupt

    out = tmp_path / "again.mcap"
    with Take.open(trail) as take, pytest.raises(KeyboardInterrupt):
        rerender(take, Trail(), Job(1, 12, changes_of(take, Trail(), {}), out), breaks_off)
    assert not out.exists()
    report = job_of(trail, out)
    assert (report.taken_over, report.frames, report.equal) == (after, 12 - after, 12 - after)
    assert [path.name for path in tmp_path.iterdir()] == ["again.mcap"]
    with Take.open(trail) as first, Take.open(out) as again:
        assert [f.outputs_sha256 for f in first.frames()] == [f.outputs_sha256 for f in again.frames()]


def test_a_take_without_frames_is_refused_by_name(tmp_path: Path) -> None:
    with Take.open(write_take(tmp_path / "empty.mcap", count=0)) as take, pytest.raises(TakeEmpty):
        Player(take, None)


def test_the_commands_tell_what_a_take_is_and_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write_take(tmp_path / "court.mcap", ((48, 28), (32, 20)), count=2))
    assert main(["info", path]) == 0
    assert "4 of 48x28, then 32x20" in capsys.readouterr().out
    assert main(["info", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sizes"] == [[48, 28], [32, 20]]
    # The take's plates have the engine's own left half, which the model does not make.
    assert main(["rerender", path, "--frames", "2-3", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["frames"], told["different"], told["first_different"]) == (2, 2, [2, 3])
    assert main(["rerender", path, "--out", str(tmp_path / "new")]) == 1
    assert main(["rerender", str(tmp_path / "new.mcap")]) == 0
    told_lines = capsys.readouterr()
    assert "rerender new: 100 %, frame 4 of 4" in told_lines.err
    assert "4 equal bit for bit" in told_lines.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "absent"],
        ["info", "../../etc/passwd"],
        ["rerender", "TAKE", "--frames", "3-9"],
        ["rerender", "TAKE", "--out", "a b"],
        ["rerender", "TAKE", "--set", "wind=3"],
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = write_take(tmp_path / "court.mcap", count=2)
    assert main([str(path) if word == "TAKE" else word for word in arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_take_of_several_streams_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Take.open(write_take(tmp_path / "court.mcap", count=1)) as take:
        object.__setattr__(take.info, "streams", ("left", "right"))
        with pytest.raises(TakeMixed, match="left, right"):
            Player(take, None)
