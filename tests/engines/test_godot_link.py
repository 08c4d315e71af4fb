"""The add-on's GDExtension in a real Godot without a window: every call, sessions with a real renderer, a killed
renderer, a hundred times play and stop, a reload; and nothing is left behind or read out of bounds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import build_extension
from godot import PROJECTS, Godot, Outcome, make_project
from segments import made_by
from served import Renderer

LIMIT_S = 180.0
NOT_OURS = "^(?!.*[Ww]orldplate|SCRIPT)"  # an editor that a script ends leaves much of its own behind
# of what calls.gd gives GDScript's analyser, and the engine, to refuse
WRONG_CALLS = "Parse Error: (Cannot|Invalid|Too few)|Error calling method from 'callv': 'WorldplateLink"

# The engine opens libraries with RTLD_DEEPBIND, which keeps a sanitizer from seeing their calls, and closes them before
# leaks are looked for, which keeps it from naming them.
PLAIN_DLOPEN = """
#define _GNU_SOURCE
#include <dlfcn.h>
void *dlopen(const char *name, int flags)
{
    void *(*next)(const char *, int) = dlsym(RTLD_NEXT, "dlopen");
    return next(name, flags & ~RTLD_DEEPBIND);
}
int dlclose(void *library)
{
    (void)library;
    return 0;
}
"""


@pytest.fixture
def project(tmp_path: Path, extension: Path) -> Path:
    return make_project(PROJECTS / "link", tmp_path / "project", library=extension)


def run(
    godot: Godot, project: Path, script: str, *arguments: str, flags: tuple[str, ...] = (),
    env: dict[str, str] | None = None, on: dict[str, Callable[[], None]] | None = None,
) -> Outcome:  # fmt: skip
    """Runs a script of the project to its end, without a screen; `on` is called when the script prints such a line."""
    flags = ("--verbose", *flags, "--script", script)
    return godot.run(project, *arguments, flags=flags, display=False, timeout_s=LIMIT_S, env=env, on=on)


def test_every_call_answers_in_its_types_and_refuses_with_value_and_limit(godot: Godot, project: Path) -> None:
    run(godot, project, "calls.gd").check(150, WRONG_CALLS)


@pytest.mark.parametrize("transport", ["shm", "inline"])
def test_what_is_submitted_comes_back_to_the_bit(
    godot: Godot, project: Path, renderer: Renderer, transport: str
) -> None:
    outcome = run(godot, project, "session.gd", str(renderer.connection), transport, "steady")
    outcome.check(80)
    assert not made_by(outcome.pid)


def test_a_killed_renderer_is_left_and_the_next_one_found(godot: Godot, project: Path, renderer: Renderer) -> None:
    on: dict[str, Callable[[], None]] = {"KILL": renderer.kill, "START": renderer.start}
    outcome = run(godot, project, "session.gd", str(renderer.connection), "shm", "killed", on=on)
    outcome.check(160)
    assert not made_by(outcome.pid)


def test_a_hundred_times_play_and_stop_leave_nothing_behind(godot: Godot, project: Path, renderer: Renderer) -> None:
    outcome = run(godot, project, "cycles.gd", str(renderer.connection))
    outcome.check(100)
    assert not made_by(outcome.pid)


def test_the_editor_loads_the_library_again_under_an_open_link(godot: Godot, project: Path) -> None:
    run(godot, project, "reload.gd", flags=("--editor",)).check(20, NOT_OURS)


def test_no_memory_is_touched_out_of_bounds_or_lost(
    godot: Godot, tmp_path: Path, renderer: Renderer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Under AddressSanitizer and UndefinedBehaviorSanitizer. The engine and its loader leak a little themselves: a leak
    is ours when our names are in its stack."""
    library = build_extension(tmp_path_factory.mktemp("sanitized"), "address,undefined")
    project = make_project(PROJECTS / "link", tmp_path / "project", library=library)
    outcomes = [
        run(godot, project, "calls.gd", env=sanitized(tmp_path)),
        run(godot, project, "session.gd", str(renderer.connection), "shm", "steady", env=sanitized(tmp_path)),
    ]
    for outcome in outcomes:
        outcome.check(80, f"{WRONG_CALLS}|SUMMARY: AddressSanitizer: .* leaked")
        assert not [leak for leak in outcome.text.split("\n\n") if " leak of " in leak and "libworldplate" in leak]


def sanitized(folder: Path) -> dict[str, str]:
    """The environment of an engine that is not sanitized and loads a library that is."""
    source, shim = folder / "plain_dlopen.c", folder / "plain_dlopen.so"
    source.write_text(PLAIN_DLOPEN)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim), str(source)], check=True)
    runtimes = [
        subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    return {
        "LD_PRELOAD": ":".join([str(shim), *(str(Path(runtime).resolve()) for runtime in runtimes)]),
        "ASAN_OPTIONS": "verify_asan_link_order=0:handle_segv=0:fast_unwind_on_malloc=0",
        "LSAN_OPTIONS": "exitcode=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
