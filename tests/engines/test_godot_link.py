"""The add-on's GDExtension in a real Godot without a window: every call, sessions with a real renderer, a killed
renderer, a hundred times play and stop, a reload; and nothing is left behind or read out of bounds."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = Path(__file__).parent / "projects" / "link"
ADDON = ROOT / "plugins" / "godot" / "addons" / "worldplate"
LIMIT_S = 180.0
LEAKS = re.compile(r"leaked|unclaimed string names|Orphan StringName|still in use at exit", re.IGNORECASE)
FAULTS = re.compile(r"ERROR: AddressSanitizer|runtime error|handle_crash|SCRIPT ERROR: (?!Parse Error)")
END = re.compile(r"^END passed=(\d+) failed=(\d+)$")

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


@pytest.fixture(scope="session")
def godot() -> list[str]:
    command = os.environ.get("WORLDPLATE_GODOT")
    if not command:
        pytest.skip("no Godot: set WORLDPLATE_GODOT to its executable")
    return [command]


def build(folder: Path, sanitize: str = "") -> Path:
    """The extension's library, in a folder of its own."""
    out = folder / "bin"
    configure = ["cmake", "-S", str(ROOT / "plugins" / "godot"), "-B", str(folder / "build"), "-G", "Ninja"]
    configure += [f"-DWORLDPLATE_GODOT_BIN={out}", f"-DWORLDPLATE_SANITIZE={sanitize}"]
    for command in (configure, ["cmake", "--build", str(folder / "build"), "-j", "2"]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return out


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("extension"))


def make_project(folder: Path, library: Path) -> Path:
    """The project of these tests with the extension alone as its add-on, as if it had been imported."""
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".godot", "*.uid"))
    addon = project / "addons" / "worldplate"
    shutil.copytree(library, addon / "bin")
    shutil.copy(ADDON / "worldplate.gdextension", addon)
    (project / ".godot").mkdir()
    (project / ".godot" / "extension_list.cfg").write_text("res://addons/worldplate/worldplate.gdextension\n")
    return project


@pytest.fixture
def project(tmp_path: Path, extension: Path) -> Path:
    return make_project(tmp_path, extension)


class Renderer:
    """`worldplate serve` in a private folder; it can be killed, and started again in the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    @property
    def connection(self) -> Path:
        return self.folder / "connection.json"

    def start(self) -> None:
        command = [sys.executable, "-m", "renderer.cli", "serve", "--model", "passthrough", "--threads", "1"]
        log = (self.folder / "renderer.log").open("ab")
        self.process = subprocess.Popen(
            [*command, "--runtime-dir", str(self.folder)], stdout=log, stderr=subprocess.STDOUT, cwd=ROOT
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:  # short: sockets lie in it
        child = Renderer(Path(folder))
        try:
            yield child
        finally:
            child.kill()


@dataclass
class Outcome:
    """What a run of the engine said, and how it ended."""

    status: int
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "\n".join(self.lines)

    def check(self, at_least: int) -> None:
        """A pass is an end mark with enough checks, not the absence of a failure: a crash fails nothing."""
        ends = [match for line in self.lines if (match := END.match(line))]
        assert len(ends) == 1, self.text()[-4000:]
        assert int(ends[0][2]) == 0, "\n".join(line for line in self.lines if line.startswith("FAILED"))
        assert int(ends[0][1]) >= at_least
        assert self.status == 0
        faults = [line for line in self.lines if FAULTS.search(line)]
        assert not faults, faults


def run(
    godot: list[str],
    project: Path,
    script: str,
    *arguments: str,
    flags: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    on: dict[str, Callable[[], None]] | None = None,
) -> Outcome:
    """Runs a script of the project to its end; `on` is called when the script prints such a line."""
    command = [*godot, "--headless", "--verbose", *flags, "--path", str(project), "--script", script, "--", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | (environment or {})
    )
    watchdog = threading.Timer(LIMIT_S, process.kill)
    watchdog.start()
    lines = []
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if on and lines[-1] in on:
                on[lines[-1]]()
    watchdog.cancel()
    return Outcome(process.wait(), lines)


def check_nothing_leaked(outcome: Outcome) -> None:
    assert not [line for line in outcome.lines if LEAKS.search(line)]


def segments() -> set[str]:
    return {entry.name for entry in Path("/dev/shm").glob("worldplate-*")}


def test_every_call_answers_in_its_types_and_refuses_with_value_and_limit(godot: list[str], project: Path) -> None:
    outcome = run(godot, project, "calls.gd")
    outcome.check(150)
    check_nothing_leaked(outcome)


@pytest.mark.parametrize("transport", ["shm", "inline"])
def test_what_is_submitted_comes_back_to_the_bit(
    godot: list[str], project: Path, renderer: Renderer, transport: str
) -> None:
    before = segments()
    outcome = run(godot, project, "session.gd", str(renderer.connection), transport, "steady")
    outcome.check(80)
    check_nothing_leaked(outcome)
    assert segments() == before


def test_a_killed_renderer_is_left_and_the_next_one_found(godot: list[str], project: Path, renderer: Renderer) -> None:
    before = segments()
    on: dict[str, Callable[[], None]] = {"KILL": renderer.kill, "START": renderer.start}
    outcome = run(godot, project, "session.gd", str(renderer.connection), "shm", "killed", on=on)
    outcome.check(160)
    check_nothing_leaked(outcome)
    assert segments() == before


def test_a_hundred_times_play_and_stop_leave_nothing_behind(
    godot: list[str], project: Path, renderer: Renderer
) -> None:
    before = segments()
    outcome = run(godot, project, "cycles.gd", str(renderer.connection))
    outcome.check(100)
    check_nothing_leaked(outcome)
    assert segments() == before


def test_the_editor_loads_the_library_again_under_an_open_link(godot: list[str], project: Path) -> None:
    run(godot, project, "reload.gd", flags=("--editor",)).check(20)


def test_no_memory_is_touched_out_of_bounds_or_lost(
    godot: list[str], tmp_path: Path, renderer: Renderer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Under AddressSanitizer and UndefinedBehaviorSanitizer. The engine and its loader leak a little themselves: a leak
    is ours when our names are in its stack."""
    project = make_project(tmp_path, build(tmp_path_factory.mktemp("sanitized"), "address;undefined"))
    outcomes = [
        run(godot, project, "calls.gd", environment=sanitized(tmp_path)),
        run(godot, project, "session.gd", str(renderer.connection), "shm", "steady", environment=sanitized(tmp_path)),
    ]
    for outcome in outcomes:
        outcome.check(80)
        assert not [leak for leak in outcome.text().split("\n\n") if " leak of " in leak and "worldplate" in leak]


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
