"""The add-on's way into a project: whole or not at all, nothing of a person's lost, one clear line per refusal."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from bridge.errors import ConfigError, MissingDependency, NotSupported, Refused
from renderer import cli, godot_project, placing, plugin_build, plugins

ROOT = Path(__file__).parent.parent
PROJECT = """; Engine configuration file.
config_version=5

[application]

config/name="A game"
config/description="Two lines, of which
[editor_plugins]
is no heading."
config/features=PackedStringArray("4.6", "Forward Plus")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "game"
    folder.mkdir()
    (folder / "project.godot").write_text(PROJECT)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The plugin as it is here, with a library that stands for the built one."""
    folder = tmp_path / "source"
    addon = folder / plugins.ADDON
    shutil.copytree(ROOT / "plugins" / "godot" / plugins.ADDON, addon, ignore=shutil.ignore_patterns("*.so*"))
    library = plugins.library_of(addon)
    assert library is not None
    library.parent.mkdir(exist_ok=True)
    library.write_bytes(b"built")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_it_copies_every_file_of_the_addon_and_nothing_else(project: Path, source: Path) -> None:
    done = plugins.install_godot(project, source=source)
    found = tree(project)
    assert found.pop("project.godot") == PROJECT.encode()
    record = found.pop(f"addons/worldplate/{placing.RECORD}").decode()
    shipped = {f"addons/worldplate/{n}": b for n, b in tree(source / plugins.ADDON).items() if ".gitignore" not in n}
    assert found == shipped
    assert len(record.splitlines()) == len(shipped)
    assert f"{hashlib.sha256(b'built').hexdigest()}  bin/" in record
    assert (done.before, done.after, done.changed) == ("", cli.VERSION, True)


def test_a_second_time_writes_nothing(project: Path, source: Path) -> None:
    plugins.install_godot(project, enable=True, source=source)
    before = {p: p.stat().st_mtime_ns for p in project.rglob("*")}
    done = plugins.install_godot(project, enable=True, source=source)
    assert not done.changed
    assert {p: p.stat().st_mtime_ns for p in project.rglob("*")} == before


def test_another_version_replaces_the_folder_and_says_both(project: Path, source: Path) -> None:
    plugins.install_godot(project, source=source)
    config = source / plugins.ADDON / "plugin.cfg"
    config.write_text(config.read_text().replace(cli.VERSION, "9.8.7"))
    (source / plugins.ADDON / "stream.gd").unlink(missing_ok=True)
    done = plugins.install_godot(project, source=source)
    assert (done.before, done.after) == (cli.VERSION, "9.8.7")
    assert not (project / plugins.ADDON / "stream.gd").exists()
    assert [p.name for p in (project / "addons").iterdir()] == ["worldplate"]


@pytest.mark.parametrize("change", ["changed", "added"])
def test_what_was_changed_by_hand_is_never_lost(project: Path, source: Path, change: str) -> None:
    plugins.install_godot(project, source=source)
    home = project / plugins.ADDON
    (home / ("plugin.cfg" if change == "changed" else "mine.gd")).write_text("mine")
    before = tree(project)
    with pytest.raises(Refused, match=r"plugin\.cfg|mine\.gd"):
        plugins.install_godot(project, enable=True, source=source)
    assert tree(project) == before


def test_a_folder_that_was_copied_by_hand_is_taken_when_it_is_the_same(project: Path, source: Path) -> None:
    shutil.copytree(source / plugins.ADDON, project / plugins.ADDON, ignore=shutil.ignore_patterns(".gitignore"))
    assert plugins.install_godot(project, source=source).changed
    assert (project / plugins.ADDON / placing.RECORD).is_file()


def test_what_the_editor_made_beside_our_files_stays(project: Path, source: Path) -> None:
    plugins.install_godot(project, source=source)
    made = project / plugins.ADDON / "plugin.cfg.import"
    made.write_text("uid://x")
    (source / plugins.ADDON / "new.gd").write_text("extends Node\n")
    assert plugins.install_godot(project, source=source).changed
    assert made.read_text() == "uid://x"


@pytest.mark.parametrize("at", ["_fill", "_keep_engine_files", "rename"])
def test_a_failure_in_the_middle_leaves_what_was_there(
    project: Path, source: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins.install_godot(project, source=source)
    (source / plugins.ADDON / "new.gd").write_text("extends Node\n")
    before = tree(project)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    if at == "rename":
        rename = Path.rename
        monkeypatch.setattr(Path, "rename", lambda p, to: full() if ".new-" in p.name else rename(p, to))
    else:
        monkeypatch.setattr(placing, at, full)
    with pytest.raises(OSError, match="no space"):
        plugins.install_godot(project, enable=True, source=source)
    assert tree(project) == before


def test_an_installation_that_was_killed_between_its_two_renames_is_repaired(project: Path, source: Path) -> None:
    plugins.install_godot(project, source=source)
    home = project / plugins.ADDON
    home.rename(home.with_name(".worldplate.old-1234"))
    home.with_name(".worldplate.new-1234").mkdir()
    assert not plugins.install_godot(project, source=source).changed
    assert [p.name for p in (project / "addons").iterdir()] == ["worldplate"]


def test_without_the_library_the_extension_stays_away(project: Path, source: Path) -> None:
    shutil.rmtree(source / plugins.ADDON / "bin")
    done = plugins.install_godot(project, source=source)
    assert not list((project / plugins.ADDON).glob("*.gdextension*"))
    assert plugins.BUILD in done.notes[0]


def test_a_missing_library_is_built_first(project: Path, source: Path) -> None:
    library = plugins.library_of(source / plugins.ADDON)
    assert library is not None
    library.unlink()
    plugins.install_godot(project, source=source, build=lambda: library.write_bytes(b"fresh"))
    assert (project / plugins.ADDON / "bin" / library.name).read_bytes() == b"fresh"


def test_a_build_that_fails_says_why_and_copies_the_rest(project: Path, source: Path) -> None:
    shutil.rmtree(source / plugins.ADDON / "bin")

    def fail() -> None:
        raise MissingDependency("Missing: zmq.h", fix="apt install libzmq3-dev")

    done = plugins.install_godot(project, source=source, build=fail)
    assert "libzmq3-dev" in done.notes[0]
    assert (project / plugins.ADDON / "plugin.cfg").is_file()


def test_a_link_in_the_place_of_the_folder_is_refused(project: Path, source: Path) -> None:
    (project / "addons").mkdir()
    (project / plugins.ADDON).symlink_to(source / plugins.ADDON)
    with pytest.raises(Refused, match="link"):
        plugins.install_godot(project, source=source)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('config_version=5\n[application]\nconfig/features=PackedStringArray("4.3", "Forward Plus")\n', "4.3"),
        ('config_version=5\n[application]\nconfig/features=PackedStringArray("3.9")\n', "3.9"),
        ("config_version=4\n", "Godot 3"),
    ],
)
def test_engines_that_are_too_old_are_refused(project: Path, source: Path, text: str, says: str) -> None:
    (project / "project.godot").write_text(text)
    with pytest.raises(NotSupported, match=says) as refusal:
        plugins.install_godot(project, source=source)
    assert "4.4" in str(refusal.value)
    assert not (project / "addons").exists()


@pytest.mark.parametrize("version", ["4.4", "4.10", "5.0"])
def test_newer_engines_are_taken(project: Path, source: Path, version: str) -> None:
    (project / "project.godot").write_text(PROJECT.replace("4.6", version))
    assert plugins.install_godot(project, source=source).changed


def test_a_folder_without_a_project_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plugin", "install", "godot", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "project.godot" in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_compatibility_renderer_is_pointed_out(project: Path, source: Path) -> None:
    (project / "project.godot").write_text(PROJECT.replace("Forward Plus", "GL Compatibility"))
    assert any("Forward+" in note for note in plugins.install_godot(project, source=source).notes)


ENABLED = 'enabled=PackedStringArray("res://addons/worldplate/plugin.cfg")\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PROJECT, f"{PROJECT}\n[editor_plugins]\n\n{ENABLED}"),
        ("a=1", f"a=1\n\n[editor_plugins]\n\n{ENABLED}"),
        ("[editor_plugins]\n\nx=1\n\n[input]\n\ny=2\n", f"[editor_plugins]\n\n{ENABLED}\nx=1\n\n[input]\n\ny=2\n"),
        ("[editor_plugins]", f"[editor_plugins]\n\n{ENABLED}"),
        (
            '[editor_plugins]\n\nenabled=PackedStringArray("res://addons/a/plugin.cfg")\n',
            '[editor_plugins]\n\nenabled=PackedStringArray("res://addons/a/plugin.cfg", '
            '"res://addons/worldplate/plugin.cfg")\n',
        ),
        ("[editor_plugins]\nenabled=PackedStringArray()\n", f"[editor_plugins]\n{ENABLED}"),
        (f"[editor_plugins]\n{ENABLED}[input]\n", f"[editor_plugins]\n{ENABLED}[input]\n"),
        ("[input]\r\n\r\ny=2\r\n", f"[input]\r\n\r\ny=2\r\n\r\n[editor_plugins]\r\n\r\n{ENABLED[:-1]}\r\n"),
        ("; [editor_plugins]\n[input]\n", f"; [editor_plugins]\n[input]\n\n[editor_plugins]\n\n{ENABLED}"),
    ],
)
def test_enabling_adds_one_entry_and_moves_no_other_byte(before: str, after: str) -> None:
    assert godot_project.with_plugin(before, plugins.PLUGIN) == after
    assert godot_project.plugins(after)[-1] == plugins.PLUGIN
    assert godot_project.with_plugin(after, plugins.PLUGIN) == after


def test_a_list_that_is_not_understood_is_left_alone() -> None:
    with pytest.raises(ConfigError, match="Project Settings"):
        godot_project.with_plugin("[editor_plugins]\nenabled=Array[String]([])\n", plugins.PLUGIN)


def test_enabling_keeps_the_mode_of_the_file(project: Path, source: Path) -> None:
    (project / "project.godot").chmod(0o640)
    plugins.install_godot(project, enable=True, source=source)
    assert (project / "project.godot").stat().st_mode & 0o777 == 0o640
    assert ENABLED.strip() in (project / "project.godot").read_text()
    assert not list(project.glob(".project.godot.*"))


def test_the_command_says_before_and_after(
    project: Path, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plugins, "godot_source", lambda: source)
    assert cli.main(["plugin", "install", "godot", str(project), "--enable"]) == 0
    said = capsys.readouterr().out
    assert f"The add-on {cli.VERSION} is in {project / plugins.ADDON} (before: none)." in said
    assert "enabled in project.godot" in said


@pytest.mark.parametrize("missing", ["cmake", "c++"])
def test_a_build_without_its_tools_names_what_to_install(
    source: Path, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in {"cmake", "c++", "ninja"} - {missing}:
        (tools / name).write_text("#!/bin/sh\nexit 0\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(MissingDependency, match="apt install") as refusal:
        plugin_build.build_godot(source)
    assert ("cmake" if missing == "cmake" else "g++") in refusal.value.what


def test_a_build_without_headers_names_their_packages(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cmake", "c++", "ninja"):  # CMake fails, and the compiler knows no header
        (tools / name).write_text("#!/bin/sh\nexit 1\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(MissingDependency, match="libzmq3-dev libmsgpack-cxx-dev nlohmann-json3-dev"):
        plugin_build.build_godot(source)


def test_the_libzmq_of_the_wheel_is_found() -> None:
    found = plugin_build.bundled_libzmq()
    assert found is not None
    assert found.is_file()


def test_the_addon_has_the_version_of_the_package() -> None:
    assert plugins.version_of(plugins.godot_source() / plugins.ADDON) == cli.VERSION


def test_the_wheel_carries_the_addon_and_installs_it_from_there(tmp_path: Path, project: Path) -> None:
    """Without a network: the environment sees the packages that are installed here, and worldplate from the wheel."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*build, str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("worldplate-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {"bridge", "renderer"}
    venv.create(tmp_path / "env", with_pip=True, symlinks=True)
    python = str(tmp_path / "env" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    packages = os.pathsep.join(p for p in sys.path if p.endswith("site-packages"))
    code = "import renderer; from renderer.cli import main; print(renderer.__file__); raise SystemExit(main())"
    command = [python, "-P", "-c", code, "plugin", "install", "godot", str(project)]
    environment = os.environ | {"PYTHONPATH": packages, "PATH": "/nowhere"}  # no compiler: what the wheel has must do
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "env"))
    assert plugins.version_of(project / plugins.ADDON) == cli.VERSION
