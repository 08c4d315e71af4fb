"""The Unreal plugin's engine-free C++, under sanitizers: it does with a real renderer what the native client does, and
says in canonical space what Unreal says in its own."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import model_change
import native
import numpy as np
import pytest
import unreal
from numpy.typing import NDArray

from bridge import spaces
from renderer.process import RendererProcess

SAMPLE = f"{unreal.ROOT / 'samples/05_your_own_model.py'}:Blueprint"
NEAR_CM = 10.0
F64 = NDArray[np.float64]


@pytest.fixture(scope="module")
def passthrough() -> Iterator[RendererProcess]:
    unreal.build()
    with RendererProcess("passthrough") as renderer:
        renderer.wait_until_ready()
        yield renderer


def turned(quaternion: F64, axis: tuple[float, float, float]) -> F64:
    return np.asarray(spaces.rotate(tuple(quaternion), np.array(axis)), np.float64)


def asked(before_cm: F64, now_cm: F64, turn: F64, lens: tuple[float, float], far_cm: float = math.inf) -> str:
    """A line for the tool's `spaces`: a view as Unreal has it, moved between two frames."""
    a = 0.0 if math.isinf(far_cm) else NEAR_CM / (NEAR_CM - far_cm)
    b = NEAR_CM if math.isinf(far_cm) else -far_cm * NEAR_CM / (NEAR_CM - far_cm)
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1], projection[2] = 1.2, 2.1, (*lens, a, 1.0)
    projection[3, 2] = b
    axes = [turned(turn, axis) for axis in ((0, 1, 0), (0, 0, 1), (1, 0, 0))]
    words = [*before_cm, *now_cm, *np.concatenate(axes), *projection.ravel(), 0.001, -0.002]
    return " ".join(repr(float(word)) for word in words) + " 640 360"


def numbers(line: str) -> F64:
    return np.array([float(word) for word in line.split()])


def test_unreals_space_and_lens_become_canonical_ones() -> None:
    random = np.random.default_rng(6)
    turns = random.normal(size=(20, 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    places_cm = random.normal(size=(20, 3)) * 1e4
    steps_cm, lenses = random.normal(size=(20, 3)) * 10, random.uniform(-0.3, 0.3, (20, 2))
    rows = [
        asked(place - step, place, turn, (float(lens[0]), float(lens[1])), 5e5 if at % 2 else math.inf)
        for at, (place, step, turn, lens) in enumerate(zip(places_cm, steps_cm, turns, lenses, strict=True))
    ]
    for at, line in enumerate(unreal.tool("spaces", lines="\n".join(rows))):
        found = numbers(line)
        np.testing.assert_allclose(found[:3], spaces.position_from(spaces.UNREAL, places_cm[at]), rtol=1e-12)
        expected = spaces.quaternion_from(spaces.UNREAL, turns[at])
        np.testing.assert_allclose(found[3:7] * np.sign(found[3:7] @ expected), expected, atol=1e-9)
        projection = found[7:23].reshape(4, 4)
        np.testing.assert_allclose(projection[:2, 2], -lenses[at])
        np.testing.assert_allclose(found[23:25], [0.001 * 320, 0.002 * 180])
        np.testing.assert_allclose(found[25:27], [0.1, 5e3 if at % 2 else math.inf])
        assert found[27] == 0
        point = np.array([1.0, 2.0, -5.0])  # the turn is the same in both frames, so the step moves it alone
        moved = point + turned_back(expected, spaces.position_from(spaces.UNREAL, steps_cm[at]))
        np.testing.assert_allclose(found[28:32], projection @ np.append(moved, 1.0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found[32:36], projection @ np.append(point, 0.0), rtol=1e-4, atol=1e-5)
        right = turned(turns[at], (0, 1, 0))
        np.testing.assert_allclose(found[36:39], spaces.direction_from(spaces.UNREAL, right), atol=1e-6)
        np.testing.assert_allclose(found[39:42], -found[36:39])  # axial: the mirror's sign on top


def turned_back(quaternion: F64, vector: F64) -> F64:
    return np.asarray(spaces.rotate(tuple(quaternion * (-1, -1, -1, 1)), vector), np.float64)


def test_a_jump_is_a_cut() -> None:
    here, level = np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])
    near, far = np.array([499.0, 0.0, 0.0]), np.array([501.0, 0.0, 0.0])
    lines = unreal.tool("spaces", lines="\n".join(asked(here, to, level, (0.0, 0.0)) for to in (near, far)))
    assert [numbers(line)[27] for line in lines] == [0, 1]


def test_films_get_each_frames_own_plate_bit_for_bit(passthrough: RendererProcess) -> None:
    found = unreal.tool("offline", str(passthrough.folder), "300")
    assert found == ["exact 300", "transport shm", "model passthrough", "generated 300"]


def test_a_film_without_a_renderer_is_told_why() -> None:
    (found,) = unreal.tool("alone", "/nowhere")
    assert found.startswith("engine ")
    assert "no renderer is attached" in found


def test_read_backs_that_come_late_are_lent_to_the_link_and_plates_are_carried(passthrough: RendererProcess) -> None:
    found = unreal.tool("freerun", str(passthrough.folder), "200")
    assert found == ["plated 200", "carried some", "wrong 0"]


def test_controls_are_typed_and_each_refusal_says_why() -> None:
    unreal.build()
    with RendererProcess(SAMPLE) as renderer:
        renderer.wait_until_ready()
        found = unreal.tool("controls", str(renderer.folder))
    assert found[0] == "ink number"
    assert found[3] == "grid number"
    assert found[1] == found[4] == "set "
    assert "ink" in found[2]
    assert "2" in found[2]
    assert "the model has no control of this name" in found[6] or "no such" in found[6]
    assert found[7] == "labels "
    assert len(found[8]) > 10
    assert found[9] == "world "


def test_another_model_takes_over_when_it_is_asked_for_and_its_refusal_is_told(tmp_path: Path) -> None:
    model_change.check(tmp_path, [str(unreal.build())], os.environ | native.sanitizer_options())


def test_late_frames_are_shown_by_the_policy_and_never_across_a_cut(passthrough: RendererProcess) -> None:
    folder = str(passthrough.folder)
    carried, faded, held, passed = (
        [line.split() for line in unreal.tool("late", folder, name)]
        for name in ("reproject", "fade", "hold", "passthrough")
    )
    steps_m = [f"{number / 100:.2f}" for number in range(1, 14)]  # how far the camera has gone since the plate
    assert carried[:13] == [["plate", "1", "reprojected", "1.00", step] for step in steps_m]
    strengths = [float(row[3]) for row in faded[:13]]
    assert strengths[0] == 1.0
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[-1] < 0.2
    assert {row[1] for row in held[:8]} == {"1"}  # that whole picture stays
    assert passed[12][0] == "engine"
    for rows in (carried, faded, held, passed):
        assert rows[13][:3] == ["engine", "0", "passthrough"]


@contextmanager
def serve(folder: str) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "renderer.cli", "serve", "--model", "passthrough", "--no-panel"]
    process = subprocess.Popen([*words, "--runtime-dir", folder], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_killed_renderer_is_left_and_the_next_one_found() -> None:
    tool = unreal.build()
    with tempfile.TemporaryDirectory(prefix="wp-") as name, ExitStack() as stack:  # short: sockets lie in it
        first = stack.enter_context(serve(name))
        command = [str(tool), "kill", name]
        pipes = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process = stack.enter_context(pipes)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "plate 1\n"
        first.kill()
        process.stdin.write("killed\n")
        process.stdin.flush()
        assert process.stdout.readline() == "engine 1\n"
        first.wait()
        stack.enter_context(serve(name))
        process.stdin.write("another\n")
        process.stdin.flush()
        assert process.stdout.readline() == "plate 2\n"
        assert process.stdout.readline() == "done\n"
        assert process.wait() == 0


def test_a_hundred_plays_leave_no_thread_file_or_segment(passthrough: RendererProcess) -> None:
    before, after, plates = unreal.tool("cycles", str(passthrough.folder), "100")
    assert plates == "plates 100"
    assert after.removeprefix("after") == before.removeprefix("before")
    assert after.endswith("segments 0")


def test_a_person_reads_what_is_and_what_to_do() -> None:
    waiting, refused, still, slow, large = unreal.tool("words")
    assert waiting == "Waiting for a renderer; Start one here, or run `worldplate serve` in a terminal."
    assert refused == "The renderer refused this stream; no depth. Send it."
    assert still == "Attached, but the renderer does not move"
    assert slow == "Attached, but slow"
    assert large.startswith("refused ")
    assert "9000" in large


def test_what_keeps_a_project_from_running_is_named_with_its_setting() -> None:
    assert unreal.tool("troubles") == [
        "fine:",
        "blendable:",
        "adaptive: !r.Substrate.ProjectGBufferFormat=0",
        "old substrate: !r.Substrate=False",
        "forward: !r.ForwardShading=0",
        "no stencil: r.CustomDepth=3",
        "mobile: !none",
    ]


def test_packs_stay_while_their_plates_may_come() -> None:
    assert unreal.tool("shelf") == ["packs 8", "missing 0 doubled 0 gone -1"]


def test_things_have_a_stencil_value_of_their_own_while_there_are_any() -> None:
    assert unreal.tool("stencils") == [
        "box 1 2 6",
        "again 2 7",
        "removed 1 0",
        "next 1 3",
        "shared 62 1 11",
        "late 61 242",
    ]


def test_bodies_know_where_they_were_and_contacts_are_told_once() -> None:
    assert unreal.tool("bodies") == [
        "bodies 1 moved 0 1 at 1 turning -2",
        "contacts 1 of 1 7 at 0.2 0.3 -0.1",
        "forgotten 1",
    ]


def test_the_self_test_finds_each_mistake_and_names_it_alone() -> None:
    found = dict(line.split("|", 1) for line in unreal.tool("selftest"))
    assert found.pop("none") == ""
    words = {
        "rows": "rows are upside down", "columns": "columns are mirrored", "depth": "depth is linear",
        "normal": "normals are world-space", "motion": "motion is previous - current", "albedo": "base colour is",
        "label": "what the box is", "id": "the box has an id", "sky": "where nothing is, depth is infinite",
    }  # fmt: skip
    assert set(found) == set(words)
    for mistake, said in words.items():
        assert said in found[mistake]
        assert found[mistake].count(";") == 1 or mistake in ("rows", "columns")  # there the box itself is not found


def test_no_engine_header_is_in_what_runs_without_an_engine() -> None:
    own = {path.name for path in unreal.LINK.glob("*.h")} | {"worldplate.h"}
    sources = [*unreal.LINK.glob("*.h"), *unreal.LINK.glob("*.cpp")]
    assert len(sources) > 20
    for path in sources:
        assert set(re.findall(r'#include "([^"]+)"', path.read_text())) <= own, path.name


def test_the_renderer_reads_the_plugins_name_with_its_version() -> None:
    facts = (unreal.PLUGIN / "Worldplate.uplugin").read_text()
    version = re.search(r'"VersionName": "([^"]+)"', facts)
    assert version is not None
    assert f"Worldplate for Unreal {version[1]}" in (unreal.LINK / "Version.h").read_text()
