"""The Unity plugin's engine-free C#, compiled by Roslyn against netstandard2.1 and run on a CLR: it lays memory out as
the header says, and does with a real renderer what the native client does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dotnet
import model_change
import native
import numpy as np
import pytest

from bridge import codegen, codegen_abi, spaces
from renderer.process import RendererProcess

SAMPLE = f"{dotnet.ROOT / 'samples/05_your_own_model.py'}:Blueprint"


@pytest.fixture(scope="module")
def passthrough() -> Iterator[RendererProcess]:
    dotnet.build()
    with RendererProcess("passthrough") as renderer:
        renderer.wait_until_ready()
        yield renderer


def header() -> codegen_abi.Abi:
    known = {f"WP_{name}": value for name, value in codegen.NUMBERS.items()}
    known |= {f"WP_{codegen.c_name(enum.__name__)}_COUNT": len(enum) for enum in codegen.ENUMS}
    return codegen_abi.read(codegen.ABI.read_text(), known)


def test_structs_lie_in_memory_as_a_c_compiler_lays_them_out(tmp_path: Path) -> None:
    lines = []
    for name, fields in header().structs.items():
        known = codegen_abi.pascal(name)
        lines.append(f'printf("{known} size %zu\\n", sizeof({name}));')
        for field in fields:
            is_struct = field.sizes and field.c_type.startswith("wp_")
            for at in range(field.sizes[0]) if is_struct else [None]:
                place = field.name if at is None else f"{field.name}[{at}]"
                member = codegen_abi.pascal(field.name) + ("" if at is None else str(at))
                lines.append(f'printf("{known} {member} %zu\\n", offsetof({name}, {place}));')
    source = tmp_path / "layout.c"
    source.write_text(f'#include <stdio.h>\n#include "{codegen.ABI}"\nint main(void) {{ {" ".join(lines)} return 0; }}')
    native.build()
    subprocess.run(["gcc", str(source), "-o", str(tmp_path / "layout")], check=True)
    expected = subprocess.run(
        [str(tmp_path / "layout")], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(expected) > 150
    assert sorted(dotnet.tool("layout")) == sorted(expected)


def test_a_declaration_that_is_not_understood_is_refused() -> None:
    with pytest.raises(ValueError, match="does not read"):
        codegen_abi.read("typedef union wp_odd { int a; } wp_odd;\n", {})
    with pytest.raises(ValueError, match="wp_unknown"):
        codegen_abi.csharp(codegen_abi.read("\nWP_API void wp_call(wp_unknown value);", {}), {}, "")


def test_unitys_space_becomes_the_canonical_one() -> None:
    random = np.random.default_rng(6)
    positions, turns = random.normal(size=(20, 3)) * 50, random.normal(size=(20, 4))
    given = np.concatenate([positions, turns / np.linalg.norm(turns, axis=1, keepdims=True)], axis=1).astype(np.float32)
    lines = "\n".join(" ".join(map(repr, map(float, row))) for row in given)
    found = np.array([[float(word) for word in line.split()] for line in dotnet.tool("spaces", lines=lines)])
    turned = given[:, 3:].astype(np.float64)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    expected = spaces.position_from(spaces.UNITY, given[:, :3])
    assert np.array_equal(found[:, :3], expected)
    assert np.allclose(found[:, 3:7], spaces.quaternion_from(spaces.UNITY, turned), atol=1e-7)
    assert np.allclose(found[:, 7:10], expected)
    assert np.allclose(found[:, 10:], -expected)  # axial: the mirror's sign on top


def test_a_thousand_frames_come_back_bit_for_bit_through_the_ring(passthrough: RendererProcess) -> None:
    found = dotnet.tool("frames", str(passthrough.folder), "1000")
    assert found == ["exact 1000", "transport Shm", "model passthrough", "generated 1000"]


def test_controls_are_typed_and_each_refusal_says_why() -> None:
    dotnet.build()
    with RendererProcess(SAMPLE) as renderer:
        renderer.wait_until_ready()
        found = dotnet.tool("controls", str(renderer.folder))
    assert found[0].split() == ["ink", "Number", "0..2"]
    assert found[3].split() == ["grid", "Number", "0..1"]
    assert found[1] == found[4] == "set "
    assert "ink" in found[2]
    assert "2" in found[2]
    assert found[6].startswith("none the model has no control of this name")
    assert found[7] == "labels "
    assert found[8].startswith("range ")
    assert len(found[8]) > 10
    assert found[9] == "world "


def test_another_model_takes_over_when_it_is_asked_for_and_its_refusal_is_told(tmp_path: Path) -> None:
    model_change.check(tmp_path, dotnet.command(), os.environ)


def shown(policy: str, folder: Path) -> list[list[str]]:
    return [line.split() for line in dotnet.tool("late", str(folder), policy)]


def test_late_frames_are_shown_by_the_policy_and_never_across_a_cut(passthrough: RendererProcess) -> None:
    folder = passthrough.folder
    carried, faded, held, passed = (shown(name, folder) for name in ("Reproject", "Fade", "Hold", "Passthrough"))
    words = 56 + 50 * 20  # of Carry: its head, and fifty bodies
    assert carried[0] == ["2", "1", "Reprojected", "1.00", "True", str(words)]
    assert [row[1] for row in carried[:13]] == ["1"] * 13
    strengths = [float(row[3]) for row in faded[:13]]
    assert strengths[0] == 1.0
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[-1] < 0.2
    assert {row[0] for row in held[:13]} <= {"0", "1"}  # nothing newer, or that whole picture again
    assert passed[12][1:3] == ["0", "Passthrough"]
    for rows in (carried, faded, held, passed):
        assert rows[13][:3] == ["15", "0", "Passthrough"]


@contextmanager
def serve(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "renderer.cli", "serve", "--model", "passthrough", "--no-panel"]
    process = subprocess.Popen([*words, "--runtime-dir", str(folder)], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_killed_renderer_is_left_and_the_next_one_found() -> None:
    dotnet.build()
    with tempfile.TemporaryDirectory(prefix="wp-") as name, ExitStack() as stack:  # short: sockets lie in it
        folder = Path(name)
        first = stack.enter_context(serve(folder))
        pipes = subprocess.Popen(dotnet.command("kill", name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process = stack.enter_context(pipes)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "plate 1\n"
        first.kill()
        process.stdin.write("killed\n")
        process.stdin.flush()
        assert re.fullmatch(r"engine (Searching|Connecting|Greeting)\n", process.stdout.readline())
        first.wait()
        stack.enter_context(serve(folder))
        process.stdin.write("another\n")
        process.stdin.flush()
        assert process.stdout.readline() == "plate 2\n"
        assert process.stdout.readline() == "done\n"
        assert process.wait() == 0


def test_a_hundred_plays_leave_no_thread_socket_or_segment(passthrough: RendererProcess) -> None:
    before, after, plates = dotnet.tool("cycles", str(passthrough.folder), "100")
    assert plates == "plates 100"
    assert counts(after) == counts(before)
    assert counts(after)["segments"] == 0


def test_links_that_nobody_disposes_end_when_they_are_collected(passthrough: RendererProcess) -> None:
    before, forgotten, after = map(counts, dotnet.tool("forgotten", str(passthrough.folder)))
    assert forgotten["segments"] >= 4  # they did live
    assert forgotten["threads"] > before["threads"]
    assert after == before


def counts(line: str) -> dict[str, int]:
    words = line.split()[1:]
    return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)}


def test_without_a_renderer_a_person_reads_what_to_do() -> None:
    waiting, refused = dotnet.tool("words")
    assert waiting.startswith("Waiting for a renderer; Start one here")
    assert refused.startswith("BadArgument: ")
    assert "9000" in refused


def test_the_self_test_finds_each_mistake_and_names_it_alone() -> None:
    found = dict(line.split("| ", 1) for line in dotnet.tool("selftest"))
    assert found.pop("none") == ""
    words = {
        "rows": "rows are upside down", "columns": "columns are mirrored", "depth": "depth is linear",
        "normal": "normals are world-space", "motion": "motion is previous - current", "albedo": "base colour is",
        "label": "what the box is", "id": "the box has an id", "sky": "where nothing is, depth is infinite",
    }  # fmt: skip
    assert set(found) == set(words)
    for mistake, said in words.items():
        assert said in found[mistake]
        assert found[mistake].count("; ") == 1 or mistake in ("rows", "columns")  # there the box itself is not found
