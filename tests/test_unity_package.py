"""The Unity package's way into a project: whole, with the names by which scenes know its files, and a clear refusal
where it does not belong."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from bridge.errors import ConfigError, NotSupported, Refused
from renderer import cli, placing, unity_package

ROOT = Path(__file__).parent.parent
(LIBRARY,) = unity_package.LIBRARIES["linux"]
URP = {"dependencies": {"com.unity.render-pipelines.universal": "17.0.3"}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "game"
    (folder / "ProjectSettings").mkdir(parents=True)
    (folder / "Packages").mkdir()
    (folder / "ProjectSettings/ProjectVersion.txt").write_text("m_EditorVersion: 6000.0.23f1\n")
    (folder / "Packages/manifest.json").write_text(json.dumps(URP))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The package as it is here, with a library that stands for the built one."""
    folder = tmp_path / "source"
    shutil.copytree(ROOT / "plugins/unity", folder, ignore=shutil.ignore_patterns("Plugins"))
    (folder / LIBRARY).parent.mkdir(parents=True)
    (folder / LIBRARY).write_bytes(b"built")
    return folder


def test_every_file_goes_in_with_a_name_of_its_own(project: Path, source: Path) -> None:
    done = unity_package.install_unity(project, source=source)
    home = project / "Packages/com.worldplate"
    assert (done.folder, done.before, done.after, done.changed) == (home, "", cli.VERSION, True)
    files = [p for p in home.rglob("*") if p.suffix != ".meta" and p.name != placing.RECORD]
    seen = [p for p in files if not any("~" in part for part in p.relative_to(home).parts)]
    guids = [re.search(r"^guid: ([0-9a-f]{32})$", Path(f"{p}.meta").read_text(), re.MULTILINE) for p in seen]
    assert all(guids)
    assert len({match[1] for match in guids if match}) == len(seen) > 40
    assert (home / "Samples~/Court/Court.cs").is_file()
    assert not (home / "Tests").exists()
    assert "Window > Worldplate" in done.notes[-1]


@pytest.mark.parametrize(
    ("file", "editor", "player"),
    [("libworldplate.so", "Linux", "Linux64"), ("worldplate.dll", "Windows", "Win64")],
)
def test_a_library_is_loaded_by_its_systems_editor_and_player_alone(file: str, editor: str, player: str) -> None:
    text = unity_package.meta(Path("Plugins/x86_64") / file, False)
    assert "\n  serializedVersion: 2\n" in text  # of the lists below: without it they are read as another version's
    platforms = re.findall(r"  - first:\n      (\w*: \w*)\n    second:\n      enabled: ([01])\n", text)
    assert [name for name, enabled in platforms if enabled == "1"] == ["Editor: Editor", f"Standalone: {player}"]
    assert f"        CPU: x86_64\n        DefaultValueInitialized: true\n        OS: {editor}\n" in text
    excluded = dict(re.findall(r"        Exclude (\w+): ([01])\n", text))
    assert [name for name, out in excluded.items() if out == "0"] == ["Editor", player]
    assert not re.search(r"PluginImporter", unity_package.meta(Path("Plugins/x86_64/libzmq.so.5"), False))


def test_a_second_time_changes_nothing_and_what_a_person_wrote_is_kept(project: Path, source: Path) -> None:
    unity_package.install_unity(project, source=source)
    assert not unity_package.install_unity(project, source=source).changed
    file = project / "Packages/com.worldplate/Runtime/Component/WorldplateStream.cs"
    file.write_text(file.read_text() + "// mine\n")
    with pytest.raises(Refused, match=r"WorldplateStream\.cs"):
        unity_package.install_unity(project, source=source)
    assert file.read_text().endswith("// mine\n")


def test_a_project_that_it_is_not_for_is_refused_or_told(project: Path, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Unity project"):
        unity_package.install_unity(tmp_path, source=source)
    (project / "Packages/manifest.json").write_text('{"dependencies": {}}')
    assert "neither URP nor HDRP" in unity_package.install_unity(project, source=source).notes[-1]
    (project / "ProjectSettings/ProjectVersion.txt").write_text("m_EditorVersion: 2022.3.1f1\n")
    with pytest.raises(NotSupported, match=r"2022\.3\.1f1"):
        unity_package.install_unity(project, source=source)


def test_the_archive_is_what_a_package_manager_takes_and_always_the_same(source: Path, tmp_path: Path) -> None:
    first, second = (unity_package.pack_unity(tmp_path / name, source=source) for name in ("a.tgz", "b.tgz"))
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        names = archive.getnames()
        package = archive.extractfile("package/package.json")
        assert package is not None
        facts = json.loads(package.read())
    assert facts["version"] == cli.VERSION
    assert facts["unity"] == "6000.0"
    assert all(name.startswith("package/") for name in names)
    assert "package/Runtime/Worldplate.asmdef.meta" in names


def test_the_readme_says_every_setting_of_the_component() -> None:
    readme = (ROOT / "plugins/unity/README.md").read_text()
    source = (ROOT / "plugins/unity/Runtime/Component/WorldplateStream_Properties.cs").read_text()
    fields = re.findall(r"^\s+(?:\w+(?:\[\])?) _(\w+) = ", source, re.MULTILINE)
    assert len(fields) >= 11
    for field in fields:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", field[0].upper() + field[1:])
        assert words in readme, words
