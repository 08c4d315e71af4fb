"""The native library for Windows in the plugins' archives: built by one command, the names of the header in it, and an
import library with the same. MSVC has seen none of it; tests/test_native_windows.py links with it, under Wine."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import native
import pytest
import unreal
import windows

from bridge.errors import MissingDependency
from renderer import cli, plugin_build, unity_package, unreal_package, windows_build

ROOT = Path(__file__).parent.parent
FOLDER = unreal_package.LIBRARIES["windows"][0].parent


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both plugins without a library, beside the native client, where the commands look for them."""
    home = tmp_path / "plugins"
    ignored = shutil.ignore_patterns("Plugins", "Binaries", "Intermediate")
    for engine in ("unity", "unreal"):
        shutil.copytree(ROOT / "plugins" / engine, home / engine, ignore=ignored)
    (home / "native").symlink_to(native.SOURCE)
    monkeypatch.setattr(unity_package, "unity_source", lambda: home / "unity")
    monkeypatch.setattr(unreal_package, "unreal_source", lambda: home / "unreal")
    return home


@pytest.fixture
def toolchain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mingw-w64 and libzmq where the build looks for them, which works in a folder in which all is built."""
    built, home = windows.build(), windows.home()
    unreal.need("llvm-dlltool", "llvm")
    monkeypatch.setenv("PATH", f"{home / 'root/usr/bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kept = windows_build.dependencies(native.SOURCE / "windows")
    kept.parent.mkdir(parents=True)
    kept.symlink_to(home / "windows")
    monkeypatch.setattr(windows_build, "TemporaryDirectory", lambda prefix: contextlib.nullcontext(str(built)))
    build = windows_build.build_for_windows  # of sources under the name under which they were built
    monkeypatch.setattr(plugin_build, "build_for_windows", lambda _, *files: build(native.SOURCE, *files))


def run(*command: str | Path) -> str:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


def declared() -> set[str]:
    header = (native.SOURCE / "include/worldplate.h").read_text()
    return set(re.findall(r"^WP_API .*?\b(wp_\w+)\(", header, re.MULTILINE))


def test_unreals_archive_has_the_library_and_what_links_with_it(
    plugins: Path, toolchain: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "Worldplate.zip"
    assert cli.main(["plugin", "build", "unreal", "--for", "windows"]) == 0
    assert capsys.readouterr().out == f"Built {plugins / 'unreal' / FOLDER / 'worldplate.dll'}\n"
    assert {path.name for path in (plugins / "unreal" / FOLDER).iterdir()} == {"worldplate.dll", "worldplate.lib"}
    assert cli.main(["plugin", "pack", "unreal", "--for", "windows", "--out", str(archive)]) == 0
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    folder = tmp_path / "Worldplate" / FOLDER
    exports = run("x86_64-w64-mingw32-objdump", "-p", folder / "worldplate.dll").split("[Ordinal/Name Pointer] Table")[
        1
    ]
    assert set(re.findall(r"(\w+)$", exports.split("\n\n")[0], re.MULTILINE)) == declared()
    told = run("llvm-readobj", folder / "worldplate.lib")
    records = re.findall(r"Format: COFF-import-file[-\w]*\nType: code\nName type: name\n(?:.+\n)*", told)
    assert {name for record in records for name in re.findall(r"^Symbol: (\w+)$", record, re.MULTILINE)} == {
        symbol for name in declared() for symbol in (name, f"__imp_{name}")
    }
    assert "File: worldplate.dll" in told


def test_unitys_archive_has_the_same_library_for_windows_alone(plugins: Path, toolchain: None, tmp_path: Path) -> None:
    archive = tmp_path / "com.worldplate.tgz"
    assert cli.main(["plugin", "pack", "unity", "--for", "windows", "--out", str(archive)]) == 0
    with tarfile.open(archive) as packed:
        names = {name for name in packed.getnames() if "/Plugins/x86_64/" in name}
        library = packed.extractfile("package/Plugins/x86_64/worldplate.dll")
        assert library is not None
        assert library.read(2) == b"MZ"
    assert names == {f"package/Plugins/x86_64/worldplate.dll{end}" for end in ("", ".meta")}


@pytest.mark.parametrize(
    ("engine", "packages"),
    [
        ("unity", "cmake ninja-build g++-mingw-w64-x86-64-posix"),
        ("unreal", "cmake ninja-build g++-mingw-w64-x86-64-posix llvm"),
    ],
)
def test_without_its_tools_the_line_says_what_to_install_and_nothing_is_written(
    plugins: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    packages: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["plugin", "pack", engine, "--for", "windows", "--out", str(tmp_path / "archive")]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"On Debian and Ubuntu: apt install {packages}")
    assert not (tmp_path / "archive").exists()


def test_where_the_librarys_own_libraries_cannot_be_had_their_script_says_why(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cmake", "ninja", "x86_64-w64-mingw32-g++-posix"):
        (tools / name).symlink_to("/bin/true")
    (tools / "bash").write_text("#!/bin/sh\necho 'dependencies.sh: no source' >&2\nexit 3\n")
    (tools / "bash").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(MissingDependency, match=r"dependencies\.sh: no source"):
        plugin_build.build_unity(plugins / "unity", "windows")


def test_godots_extension_is_for_this_machine_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plugin", "install", "godot", str(tmp_path), "--for", "windows"]) == 2
    assert "Leave out --for" in capsys.readouterr().err
