"""The Unreal plugin's files that only the engine can run are checked as far as compilers go: C++ against the engine's
members as they are declared in Tests/Stubs, shaders against its functions as they are declared there, module rules by
Roslyn."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dotnet
import pytest
import unreal

SOURCE = unreal.PLUGIN / "Source"
STUBS = unreal.STUBS
MODULES = ("WorldplateRuntime", "WorldplateEditor")
# Semicolons after the engine's macros are its habit.
OPTIONS = [option for option in unreal.LANGUAGE if option != "-Wpedantic"] + ["-Wno-unused-parameter"]
ENTRIES = (
    ("WorldplatePack.usf", "comp", "MainCS"),
    ("WorldplateComposite.usf", "frag", "OverPS"),
    ("WorldplateComposite.usf", "frag", "OldPS"),
)


def headers() -> dict[str, str]:
    """Headers of the engine that are declared, and the module of each."""
    lines = [line.split() for line in (STUBS / "headers.txt").read_text().splitlines() if not line.startswith("#")]
    return {file: module for file, module in lines}


@pytest.fixture(scope="module")
def includes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a header under each of the engine's names, all of which declare what the stubs do."""
    folder = tmp_path_factory.mktemp("engine")
    names = [f'#include "{STUBS / name}"' for name in ("Core.h", "System.h", "Game.h", "Rendering.h", "Editor.h")]
    (folder / "Everything.h").write_text(
        "\n".join(["#pragma once", "#include <string>", "#include <vector>", *names, ""])
    )
    for file in headers():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text('#include "Everything.h"\n')
    for own in SOURCE.rglob("*.h"):
        (folder / f"{own.stem}.generated.h").write_text("")  # the header tool's
    made = [str(folder / "Everything.h"), "-o", str(folder / "Everything.pch")]
    subprocess.run([unreal.need("clang++", "clang"), *OPTIONS, "-x", "c++-header", *made], check=True)
    return folder


def complaints(source: Path, module: str, includes: Path) -> str:
    folders = [includes, SOURCE / module / "Private", SOURCE / "WorldplateRuntime/Public", unreal.INCLUDE]
    options = ["-include-pch", str(includes / "Everything.pch"), "-fsyntax-only", *(f"-I{path}" for path in folders)]
    command = [unreal.need("clang++", "clang"), *OPTIONS, *options, str(source)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_every_engine_file_fits_the_engines_declarations(includes: Path) -> None:
    files = [
        (path, module)
        for module in MODULES
        for path in sorted((SOURCE / module).rglob("*.cpp"))
        if path.parent != unreal.LINK
    ]
    assert len(files) >= 18
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda file: complaints(file[0], file[1], includes), files))
    assert "".join(found) == ""


def test_a_wrong_name_type_or_signature_is_found(includes: Path, tmp_path: Path) -> None:
    right = (SOURCE / "WorldplateRuntime/Private/StreamViewExtension.h").read_text()
    copy = tmp_path / "Copy.cpp"
    for mistake, wrong in (
        ("const FSceneView& View, const FPostProcessingInputs& Inputs) override", "FSceneView& View) override"),
        ("Proxy->IsMine(View, Scene)", "Proxy->IsMine(View)"),
        ("Proxy.Reset()", "Proxy.Release()"),
    ):
        assert mistake in right
        copy.write_text(right.replace(mistake, wrong))
        assert "error:" in complaints(copy, "WorldplateRuntime", includes)


def test_every_engine_header_is_of_a_module_that_its_rules_name() -> None:
    known = headers()
    for module in MODULES:
        rules = (SOURCE / module / f"{module}.Build.cs").read_text()
        for path in [*(SOURCE / module).rglob("*.cpp"), *(SOURCE / module).rglob("*.h")]:
            for file in re.findall(r'#include "([^"]+)"', path.read_text()):
                if file in known:
                    assert f'"{known[file]}"' in rules, f"{path.name} includes {file}"


@pytest.mark.parametrize(("file", "stage", "entry"), ENTRIES, ids=[entry for _, _, entry in ENTRIES])
def test_shaders_compile_to_valid_code(tmp_path: Path, file: str, stage: str, entry: str) -> None:
    text, code = tmp_path / "shader.hlsl", tmp_path / "shader.spv"
    text.write_text(unreal.expanded(unreal.SHADERS / "Private" / file))
    command = [
        unreal.need("glslangValidator", "glslang-tools"),
        "-D",
        "-V",
        "-S",
        stage,
        "-e",
        entry,
        "--auto-map-bindings",
    ]
    done = subprocess.run([*command, "-o", str(code), str(text)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    checked = subprocess.run(
        [unreal.need("spirv-val", "spirv-tools"), str(code)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr[-2000:]


@pytest.mark.parametrize(
    ("shader", "pass_file"),
    [("WorldplatePack.usf", "Capture/PackPass.cpp"), ("WorldplateComposite.usf", "Composite/CompositePass.cpp")],
)
def test_a_shader_and_its_pass_name_the_same_parameters(shader: str, pass_file: str) -> None:
    text = (unreal.SHADERS / "Private" / shader).read_text()
    declared = set(re.findall(r"^[A-Z]?\w+(?:<\w+>)? (\w+);", text[: text.index("{")], re.MULTILINE))
    given = (SOURCE / "WorldplateRuntime/Private" / pass_file).read_text()
    names = set(re.findall(r"SHADER_PARAMETER(?:_RDG_\w+)?\([^()]*?, (\w+)\)", given))
    assert declared == names
    assert len(names) >= 8
    entries = {(file.removesuffix(".usf"), entry) for file, _, entry in ENTRIES if file == shader}
    bound = re.findall(r'IMPLEMENT_GLOBAL_SHADER\(\w+, "/Plugin/Worldplate/Private/(\w+)\.usf", "(\w+)"', given)
    assert set(bound) == entries


def test_module_rules_compile(tmp_path: Path) -> None:
    rules = [*sorted(SOURCE.rglob("*.Build.cs")), STUBS / "UnrealBuildTool.cs"]
    assert len(rules) == 4
    dotnet.compile_files(tmp_path / "Rules.dll", rules)


def test_every_setting_has_a_tooltip_and_stands_in_the_readme() -> None:
    readme = (unreal.PLUGIN / "README.md").read_text()
    source = (SOURCE / "WorldplateRuntime/Public/WorldplateStreamComponent.h").read_text()
    found = re.findall(r"(/\*\*[^*]+\*/)?\s+UPROPERTY\(EditAnywhere[^\n]*\n\s+\S+ (\w+)", source)
    assert len(found) >= 13
    for tooltip, name in found:
        assert len(tooltip) > 20, name
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
        assert words in readme, words
