"""Runs a real Godot on a project: copies the project, gives it a screen, reads what it prints, and ends it for sure.

A script that tests prints `WORLDPLATE-END <ok> <failed>` last: a pass is that line, not the absence of a failure.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDON = ROOT / "plugins/godot/addons/worldplate"
PROJECTS = Path(__file__).parent / "projects"
OUT = Path(__file__).parent / "out"  # what people look at: CI keeps it
VERSION = "4.6.3"
END = re.compile(r"^WORLDPLATE-END (\d+) (\d+)$")
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # a killed test run leaves nothing behind
FAULTS = re.compile(r"^(SCRIPT )?ERROR:|handle_crash|Program crashed|Parse Error", re.MULTILINE)
LEAKS = re.compile(r"leaked|still in use at exit|Orphan StringName|unclaimed string name", re.IGNORECASE)


@dataclass
class Outcome:
    """What a run printed (stdout and stderr as they came) and how it ended; `status` is negative for a signal, `pid`
    the process that it was."""

    status: int
    lines: list[str] = field(default_factory=list)
    pid: int = 0

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def check(self, at_least: int = 1, expected: str = "(?!)") -> None:
        """Asserts the end mark, with no failure and at least so many passes, status 0, and no error or leak.

        `expected`: a pattern of lines that look like errors and are what the script provokes.
        """
        ends = [match for line in self.lines if (match := END.match(line))]
        assert len(ends) == 1, f"{len(ends)} end marks, status {self.status}:\n{self.text[-4000:]}"
        failed = "\n".join(line for line in self.lines if line.startswith("FAILED"))
        assert int(ends[0][2]) == 0, f"{self.text[-4000:]}\n{failed}"
        assert int(ends[0][1]) >= at_least, f"only {ends[0][1]} checks:\n{self.text[-4000:]}"
        assert self.status == 0, f"status {self.status}:\n{self.text[-4000:]}"
        wrong = [line for line in self.lines if FAULTS.search(line) or LEAKS.search(line)]
        wrong = [line for line in wrong if not re.search(expected, line)]
        assert not wrong, "\n".join(wrong[:20])


@dataclass(frozen=True)
class Godot:
    """A Godot: its executable, a folder for what it keeps between runs, such as compiled shaders, and one for what the
    software GPU's driver keeps, which others may use at the same time."""

    executable: Path
    home: Path
    driver_cache: Path

    def run(
        self,
        project: Path,
        *arguments: str,
        flags: tuple[str, ...] = (),
        display: bool = True,
        size: tuple[int, int] = (1280, 720),
        method: str = "forward_plus",
        timeout_s: float = 120.0,
        env: dict[str, str] | None = None,
        on: dict[str, Callable[[], None]] | None = None,
    ) -> Outcome:
        """Runs the project to its end; past `timeout_s` it is killed.

        `flags` are the engine's (`--script`, `--editor`), `arguments` the project's. Without `display` nothing is
        drawn. `on` names calls to make when a line is printed.
        """
        command = [*ENDS_WITH_US, str(self.executable), "--path", str(project), "--audio-driver", "Dummy", *flags]
        command += ["--rendering-method", method] if display else ["--headless"]
        environment = os.environ | self._folders() | (env or {})
        with screen(*size) if display else contextlib.nullcontext("") as name:
            return _follow([*command, "--", *arguments], environment | {"DISPLAY": name}, timeout_s, on or {})

    def _folders(self) -> dict[str, str]:
        names = {"XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"}
        folders = {variable: str(self.home / folder) for variable, folder in names.items()}
        return folders | {"MESA_SHADER_CACHE_DIR": str(self.driver_cache)}


def find() -> Path | None:
    """The executable: what WORLDPLATE_GODOT names (it, or the folder that fetch_godot.sh made), or the fetched one."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = Path(os.environ.get("WORLDPLATE_GODOT") or cache / f"worldplate/engines/godot-{VERSION}")
    executable = named / "godot" if named.is_dir() else named
    return executable if executable.is_file() else None


def make_project(source: Path, folder: Path, *, library: Path | None = None, addon: bool = True) -> Path:
    """A copy of a project in `folder`, with the add-on in it as `worldplate plugin install` would put it.

    `library`: folder with the built extension. Without an import run the engine does not know extensions or the global
    names of scripts, so both lists are written as the editor would.
    """
    copy_project(source, folder, "addons" if addon else "")
    if addon:
        shutil.copytree(ADDON, folder / "addons/worldplate", ignore=shutil.ignore_patterns("bin"))
    (folder / ".godot").mkdir()
    if library is not None:
        shutil.copytree(library, folder / "addons/worldplate/bin")
        (folder / ".godot/extension_list.cfg").write_text("res://addons/worldplate/worldplate.gdextension\n")
    _write_class_names(folder)
    return folder


def copy_project(source: Path, folder: Path, but: str = "") -> None:
    """A project as it is in the repository, with the checks that those of the tests share."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".godot", "*.uid", but))
    if source.parent == PROJECTS:
        shutil.copy(PROJECTS / "checks.gd", folder)


def _write_class_names(project: Path) -> None:
    entries = []
    for path in sorted(project.rglob("*.gd")):
        text = path.read_text()
        name = re.search(r"^class_name (\w+)", text, re.MULTILINE)
        if name is None:
            continue
        base = re.search(r"^(?:class_name \w+ )?extends (\w+)", text, re.MULTILINE)
        entry = {
            "base": f'&"{base[1] if base else "RefCounted"}"',
            "class": f'&"{name[1]}"',
            "icon": '""',
            "is_abstract": "false",
            "is_tool": str(text.startswith("@tool")).lower(),
            "language": '&"GDScript"',
            "path": f'"res://{path.relative_to(project).as_posix()}"',
        }
        entries.append("{" + ", ".join(f'"{key}": {value}' for key, value in entry.items()) + "}")
    (project / ".godot/global_script_class_cache.cfg").write_text(f"list=[{', '.join(entries)}]\n")


@contextlib.contextmanager
def screen(width: int, height: int) -> Iterator[str]:
    """A screen of its own, on a display that is free."""
    read, write = os.pipe()
    command = [
        *ENDS_WITH_US,
        "Xvfb",
        "-displayfd",
        str(write),
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(
        command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    os.close(write)
    try:
        with open(read) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def _follow(
    command: list[str], environment: dict[str, str], timeout_s: float, on: dict[str, Callable[[], None]]
) -> Outcome:
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,  # so that what it starts is ended with it
    )
    watchdog = threading.Timer(timeout_s, _kill, [process])
    watchdog.start()
    lines: list[str] = []
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if lines[-1] in on:
                on[lines[-1]]()
        return Outcome(process.wait(), lines, process.pid)
    finally:
        watchdog.cancel()
        _kill(process)
        process.stdout.close()
        process.wait()


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):  # nobody of the group is left
        os.killpg(process.pid, signal.SIGKILL)
