"""The Unity plugin's shaders compile as HLSL, each kernel and both stages of each pass, with what they use of Unity's
shader library as it is declared in Tests/Stubs~. Unity's compiler has not seen them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import dotnet
import pytest
import unreal

HOME = dotnet.PLUGIN / "Runtime/Resource/Resources/Worldplate"
STUBS = dotnet.PLUGIN / "Tests/Stubs~/Shaders"
LIBRARY = "Packages/com.unity.render-pipelines.core/ShaderLibrary/"
STAGES = {"vertex": "vert", "fragment": "frag"}


def expanded(text: str) -> str:
    """With what it includes."""

    def included(match: re.Match[str]) -> str:
        name = match[1]
        path = STUBS / name.removeprefix(LIBRARY) if name.startswith(LIBRARY) else HOME / name
        return expanded(path.read_text())

    return re.sub(r'^\s*#include "([^"]+)"', included, text, flags=re.MULTILINE)


def kernels(text: str) -> list[tuple[str, list[str], str]]:
    """Entry, macros and text of each kernel of a .compute file."""
    found = re.findall(r"^#pragma kernel (\w+)((?: \w+(?:=\w+)?)*)$", text, re.MULTILINE)
    return [(name, macros.split(), text) for name, macros in found]


def passes(text: str) -> list[str]:
    """The programs of a .shader file, each with what it shares with the others."""
    shared = "".join(re.findall(r"HLSLINCLUDE\n(.*?)ENDHLSL", text, re.DOTALL))
    return [shared + program for program in re.findall(r"HLSLPROGRAM\n(.*?)ENDHLSL", text, re.DOTALL)]


def complaints(folder: Path, text: str, stage: str, entry: str, macros: list[str]) -> str:
    """Of the compiler, or of the validator of what it made."""
    source, code = folder / "shader.hlsl", folder / "shader.spv"
    source.write_text(expanded(text))
    compiler = [unreal.need("glslangValidator", "glslang-tools"), "-D", "-V", "--auto-map-bindings", "-S", stage]
    defined = [word for macro in macros for word in ("--define-macro", macro)]
    command = [*compiler, *defined, "-e", entry, "-o", str(code), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stdout[-3000:]
    checked = [unreal.need("spirv-val", "spirv-tools"), str(code)]
    return subprocess.run(checked, capture_output=True, text=True, check=False).stderr


def test_every_kernel_compiles_to_valid_code(tmp_path: Path) -> None:
    found = kernels((HOME / "WorldplatePack.compute").read_text())
    assert [name for name, _, _ in found] == ["PackUrp", "PackHdrp"]
    for name, macros, text in found:
        assert complaints(tmp_path, text, "comp", name, macros) == "", name


@pytest.mark.parametrize(("file", "count"), [("WorldplateThings.shader", 1), ("WorldplateComposite.shader", 2)])
def test_both_stages_of_every_pass_compile_to_valid_code(tmp_path: Path, file: str, count: int) -> None:
    programs = passes((HOME / file).read_text())
    assert len(programs) == count
    for program in programs:
        entries = dict(re.findall(r"#pragma (vertex|fragment) (\w+)", program))
        assert entries.keys() == STAGES.keys()
        for kind, entry in entries.items():
            assert complaints(tmp_path, program, STAGES[kind], entry, []) == "", entry


def test_a_wrong_name_or_type_is_found(tmp_path: Path) -> None:
    (name, macros, text), _ = kernels((HOME / "WorldplatePack.compute").read_text())
    for right, wrong in (("wp_is_infinite(depth_m)", "wp_is_endless(depth_m)"), ("ThingAt(at).y", "ThingAt(at).name")):
        assert right in text
        assert complaints(tmp_path, text.replace(right, wrong), "comp", name, macros) != ""


def test_shaders_and_code_name_the_same_properties() -> None:
    """A property that only one side names would be left at zero without a word."""
    code = "\n".join(path.read_text() for path in (dotnet.PLUGIN / "Runtime").rglob("*.cs"))
    given = set(re.findall(r'"(_Wp\w+)"', code))
    shaders = [path.read_text() for path in sorted(HOME.iterdir()) if path.suffix in (".compute", ".shader")]
    declared = {name for text in shaders for name in re.findall(r"^\s*[\w<>()]+ (_Wp\w+);", text, re.MULTILINE)}
    assert len(declared) >= 20
    assert declared == given
