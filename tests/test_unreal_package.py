"""The Unreal plugin's way into a project: whole, with the native client's header and library, what the engine builds
into it left alone, and a clear refusal where it does not belong."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from bridge.errors import ConfigError, NotSupported, Refused
from renderer import cli, placing, unreal_package

ROOT = Path(__file__).parent.parent
(LIBRARY,) = unreal_package.LIBRARIES["linux"]
BLENDABLE = "[/Script/Engine.RendererSettings]\nr.Substrate=True\nr.Substrate.ProjectGBufferFormat=0\n"


def of_version(version: str) -> str:
    return json.dumps({"FileVersion": 3, "EngineAssociation": version, "Modules": [{"Name": "Game"}]})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "game"
    (folder / "Config").mkdir(parents=True)
    (folder / "Game.uproject").write_text(of_version("5.7"))
    (folder / "Config/DefaultEngine.ini").write_text(BLENDABLE)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The plugin as it is here, with a library that stands for the built one."""
    folder = tmp_path / "source/unreal"
    shutil.copytree(ROOT / "plugins/unreal", folder, ignore=shutil.ignore_patterns("Binaries", "Intermediate"))
    shutil.copytree(ROOT / "plugins/native/include", tmp_path / "source/native/include")
    (folder / LIBRARY).parent.mkdir(parents=True)
    (folder / LIBRARY).write_bytes(b"built")
    return folder


def test_all_that_unreal_builds_with_goes_in_and_nothing_of_ours(project: Path, source: Path) -> None:
    done = unreal_package.install_unreal(project, source=source)
    home = project / "Plugins/Worldplate"
    assert (done.folder, done.before, done.after, done.changed) == (home, "", cli.VERSION, True)
    assert (home / unreal_package.HEADERS / "worldplate.h").is_file()
    assert (home / unreal_package.HEADERS / "worldplate_schema.h").is_file()
    assert (home / LIBRARY).read_bytes() == b"built"
    for name in ("Worldplate.uplugin", "README.md", "LICENSE.md", "Shaders/Private/Worldplate.ush"):
        assert (home / name).is_file()
    assert not (home / "Tests").exists()
    assert done.notes[0].startswith("Open the project")
    assert len(done.notes) == 1


def test_what_the_engine_built_is_no_change_and_what_a_person_wrote_is_kept(project: Path, source: Path) -> None:
    unreal_package.install_unreal(project, source=source)
    home = project / "Plugins/Worldplate"
    for made in ("Binaries/Linux/libUnrealEditor-WorldplateRuntime.so", "Intermediate/Build/Linux/x.o"):
        (home / made).parent.mkdir(parents=True, exist_ok=True)
        (home / made).write_bytes(b"made")
    assert not unreal_package.install_unreal(project, source=source).changed
    (source / "README.md").write_text("newer\n")
    assert unreal_package.install_unreal(project, source=source).changed
    file = home / "Shaders/Private/WorldplatePack.usf"
    file.write_text(file.read_text() + "// mine\n")
    with pytest.raises(Refused, match=r"WorldplatePack\.usf"):
        unreal_package.install_unreal(project, source=source)
    assert file.read_text().endswith("// mine\n")


def test_a_project_that_it_is_not_for_is_refused_or_told(project: Path, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Unreal project"):
        unreal_package.install_unreal(tmp_path, source=source)
    for version in ("4.27", "5.4", "5.9"):
        (project / "Game.uproject").write_text(of_version(version))
        with pytest.raises(NotSupported, match=version):
            unreal_package.install_unreal(project, source=source)
    (project / "Game.uproject").write_text('{"EngineAssociation": "{1A2B}"}')  # built from source, and no code
    (project / "Config/DefaultEngine.ini").write_text(BLENDABLE.replace("Format=0", "Format=1"))
    notes = unreal_package.install_unreal(project, source=source).notes
    assert "compiler" in notes[-2]
    assert "Blendable" in notes[-1]


def test_without_its_library_it_says_what_to_run(project: Path, source: Path) -> None:
    said = unreal_package.install_unreal(project, source=source, systems=["windows"]).notes[0]
    assert "`worldplate plugin build unreal --for windows`" in said
    (source / LIBRARY).unlink()
    assert "`worldplate plugin build unreal`" in unreal_package.install_unreal(project, source=source).notes[0]


def test_the_archive_is_one_folder_and_always_the_same(source: Path, tmp_path: Path) -> None:
    first, second = (unreal_package.pack_unreal(tmp_path / name, source=source) for name in ("a.zip", "b.zip"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        facts = json.loads(archive.read("Worldplate/Worldplate.uplugin"))
    assert facts["VersionName"] == cli.VERSION
    assert all(name.startswith("Worldplate/") for name in names)
    assert "Worldplate/Source/ThirdParty/WorldplateClient/include/worldplate.h" in names
    assert placing.RECORD not in names
