"""The shader text of the plugins, run: as C++ and as a Vulkan compute shader, from GLSL and from HLSL.

Every function of plugins/shaders/worldplate.hlsl is called on rows of arguments; its signature is read from the text.
Programs are built in a folder of the caller's with g++, glslangValidator and a Vulkan driver for the CPU.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency, Refused
from renderer.plugins import shipped

HOME = shipped() / "plugins/shaders"
TEXT = HOME / "worldplate.hlsl"
PACKAGES = "g++ libglm-dev glslang-tools spirv-tools libvulkan-dev mesa-vulkan-drivers"
MACHINES = ("C++", "GLSL on Vulkan", "HLSL on Vulkan")
WIDTH, HEIGHT, IDS = 24, 16, 8  # of the frame that a plate was made for, and of the list that is searched

U32 = NDArray[np.uint32]
PARTS = {  # of each type: words, and how GLSL and HLSL make it of words
    "float": (1, "asfloat({0})"),
    "float2": (2, "float2(asfloat({0}), asfloat({1}))"),
    "float3": (3, "float3(asfloat({0}), asfloat({1}), asfloat({2}))"),
    "float4": (4, "float4(asfloat({0}), asfloat({1}), asfloat({2}), asfloat({3}))"),
    "uint": (1, "{0}"),
    "uint4": (4, "uint4({0}, {1}, {2}, {3})"),
    "int2": (2, "int2(int({0}), int({1}))"),
    "bool": (1, ""),
}
PLANES = f"""
float source_depth(int2 at) {{ return asfloat(planes[at.y * {WIDTH} + at.x]); }}
uint source_object(int2 at) {{ return planes[{WIDTH * HEIGHT} + at.y * {WIDTH} + at.x]; }}
float4 source_plate(int2 at) {{
	int i = {2 * WIDTH * HEIGHT} + 4 * (at.y * {WIDTH} + at.x);
	return float4(asfloat(planes[i]), asfloat(planes[i + 1]), asfloat(planes[i + 2]), asfloat(planes[i + 3]));
}}
#define WP_SOURCE_DEPTH(at) source_depth(at)
#define WP_SOURCE_OBJECT(at) source_object(at)
#define WP_SOURCE_PLATE(at) source_plate(at)
#define WP_ID_AT(i) planes[{6 * WIDTH * HEIGHT}u + (i)]
"""
NAMES = (
    "#define WP_GLSL\n#define float2 vec2\n#define float4 vec4\n#define int2 ivec2\n#define asfloat uintBitsToFloat\n"
)
MATRIX = {  # words are row by row
    "glsl": "mat4({0}, {4}, {8}, {12}, {1}, {5}, {9}, {13}, {2}, {6}, {10}, {14}, {3}, {7}, {11}, {15})",
    "hlsl": "float4x4({0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {11}, {12}, {13}, {14}, {15})",
}
GLSL = """#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) readonly buffer Job { uint job[]; };
layout(set = 0, binding = 1, std430) readonly buffer Given { uint given[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Found { uint found[]; };
layout(set = 0, binding = 3, std430) readonly buffer Planes { uint planes[]; };
#define WP_PRECISE precise
"""
GLSL_END = "void main() { if (gl_GlobalInvocationID.x < job[1]) { call(job[0], gl_GlobalInvocationID.x); } }\n"
HLSL = """[[vk::binding(0, 0)]] RWStructuredBuffer<uint> job;
[[vk::binding(1, 0)]] RWStructuredBuffer<uint> given;
[[vk::binding(2, 0)]] RWStructuredBuffer<uint> found;
[[vk::binding(3, 0)]] RWStructuredBuffer<uint> planes;
"""
HLSL_END = """[numthreads(64, 1, 1)] void main(uint3 id : SV_DispatchThreadID) {
	if (id.x < job[1]) { call(job[0], id.x); }
}
"""


@dataclass(frozen=True)
class Function:
    """One of the text, as it is declared there."""

    name: str
    result: str
    parameters: tuple[str, ...]  # types


@dataclass(frozen=True)
class Text:
    """The text, and what is declared in it."""

    text: str
    functions: tuple[Function, ...]
    structs: dict[str, tuple[tuple[str, str], ...]]  # type and name of each member

    def words(self, kind: str) -> int:
        """How many a value of that type takes."""
        if kind in self.structs:
            return sum(self.words(part) for part, _ in self.structs[kind])
        return 16 if kind == "float4x4" else PARTS[kind][0]


def read(text: str) -> Text:
    """Finds functions and structs; both begin at the start of a line."""
    structs = {
        name: tuple((kind, member) for kind, member in re.findall(r"^\t(\w+) (\w+);", body, re.MULTILINE))
        for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", text, re.MULTILINE | re.DOTALL)
    }
    found = re.findall(r"^(\w+) (wp_\w+)\(([^{]*?)\) \{", text, re.MULTILINE)
    functions = [
        Function(name, result, tuple(part.split()[0] for part in parameters.split(",")))
        for result, name, parameters in found
    ]
    return Text(text, tuple(functions), structs)


@dataclass(frozen=True)
class Case:
    """What a function is asked, one call a row, and what it should say."""

    function: str
    given: tuple[NDArray[Any], ...]  # [N, components] float32, uint32 or int32, each parameter
    expected: NDArray[np.float64]  # [N, components of the result], truth as 0 and 1
    decided: NDArray[np.bool_]  # [N], false on an edge that float32 cannot tell

    @property
    def words(self) -> U32:
        return np.concatenate([np.ascontiguousarray(part).view(np.uint32) for part in self.given], axis=1)


def errors(folder: Path, machine: str, cases: Sequence[Case], planes: U32) -> dict[str, float]:
    """The largest error of each function on one of MACHINES, over the rows that are decided: |found - expected| /
    max(1, |expected|), infinite where a NaN, an infinity, a whole number or a truth is another."""
    kinds = {function.name: function.result for function in read(TEXT.read_text()).functions}
    found = run(folder, machine, cases, planes)
    return {each.function: _error(each, words, kinds[each.function]) for each, words in zip(cases, found, strict=True)}


def _error(of: Case, words: U32, kind: str) -> float:
    expected, found = of.expected[of.decided], words[of.decided]
    if kind in ("bool", "uint"):
        return 0.0 if np.array_equal(found, expected) else np.inf
    values = found.view(np.float32).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = expected.astype(np.float32).astype(np.float64)
        error = np.abs(values - expected) / np.maximum(1.0, np.abs(expected))
    same = (values == expected) | (np.isnan(values) & np.isnan(expected))
    return float(np.nan_to_num(np.where(same, 0.0, error), nan=np.inf, posinf=np.inf).max())


def run(folder: Path, machine: str, rows: Sequence[Case], planes: U32) -> list[U32]:
    """What the text gives on one of MACHINES: words [N, words of the result] for each of `rows`; `planes` is what the
    hooks read. MissingDependency where a tool or the driver is absent, Refused with the compiler's words where the
    text is wrong."""
    text = read(TEXT.read_text())
    numbers = {function.name: number for number, function in enumerate(text.functions)}
    results = [text.words(text.functions[numbers[each.function]].result) for each in rows]
    jobs = [np.array([len(planes)], np.uint32), planes]
    for each, result in zip(rows, results, strict=True):
        count, given = each.words.shape
        jobs += [np.array([numbers[each.function], count, given, result], np.uint32), each.words.ravel()]
    np.concatenate(jobs).astype("<u4").tofile(folder / "jobs")
    command = _cpu(folder, text) if machine == MACHINES[0] else _vulkan(folder, text, machine.split()[0].lower())
    _do(*command, folder / "jobs", folder / "results")
    found = np.fromfile(folder / "results", "<u4")
    ends = np.cumsum([len(each.words) * result for each, result in zip(rows, results, strict=True)])
    return [part.reshape(-1, result) for part, result in zip(np.split(found, ends[:-1]), results, strict=True)]


def driver(folder: Path) -> str:
    """Name of the Vulkan driver that the programs of `folder` ran on."""
    return _do(*_vulkan(folder, read(TEXT.read_text()), "glsl"), folder / "jobs", folder / "results").strip()


def calls(text: Text, dialect: str) -> str:
    """`call(which, row)`: takes the arguments of a row out of `given`, and puts the result into `found`."""
    lines = ["void call(uint which, uint row) {", "\tuint g = row * job[2];", "\tuint f = row * job[3];"]
    for number, function in enumerate(text.functions):
        at = 0
        arguments: list[str] = []
        before: list[str] = []
        for place, kind in enumerate(function.parameters):
            arguments.append(_made(text, kind, at, dialect, before, f"p{place}"))
            at += text.words(kind)
        call = f"{function.name}({', '.join(arguments)})"
        lines += [f"\tif (which == {number}u) {{", *before, f"\t\t{function.result} r = {call};"]
        lines += [f"\t\t{line}" for line in _put(text, function.result, "r", 0)[0]] + ["\t}"]
    return "\n".join([*lines, "}", ""])


def _made(text: Text, kind: str, at: int, dialect: str, before: list[str], name: str) -> str:
    """An expression of that type out of the words from `at`; what it needs declared goes to `before`."""
    if kind in text.structs:
        before.append(f"\t\t{kind} {name};")
        for part, member in text.structs[kind]:
            before.append(f"\t\t{name}.{member} = {_made(text, part, at, dialect, before, name)};")
            at += text.words(part)
        return name
    words = [f"given[g + {at + n}u]" for n in range(text.words(kind))]
    if kind == "float4x4":
        return MATRIX[dialect].format(*(f"asfloat({word})" for word in words))
    return PARTS[kind][1].format(*words)


def _put(text: Text, kind: str, value: str, at: int) -> tuple[list[str], int]:
    lines: list[str] = []
    if kind in text.structs:
        for part, member in text.structs[kind]:
            more, at = _put(text, part, f"{value}.{member}", at)
            lines += more
        return lines, at
    count = text.words(kind)
    for n in range(count):
        part = value if count == 1 else f"{value}.{'xyzw'[n]}"
        word = {"bool": f"{part} ? 1u : 0u", "uint": part}.get(kind, f"asuint({part})")
        lines.append(f"found[f + {at + n}u] = {word};")
    return lines, at + count


def _cpu(folder: Path, text: Text) -> tuple[Path, ...]:
    program = folder / "on_cpu"
    if not program.exists():
        (folder / "program.inc").write_text(NAMES + PLANES + text.text + calls(text, "glsl"))
        options = ("-std=c++17", "-O1", "-fsingle-precision-constant", "-Wall", "-Wextra", "-Werror")
        _need(Path("/usr/include/glm/glm.hpp"), "g++")
        _do("g++", *options, "-I", folder, "-o", program, HOME / "tests/on_cpu.cpp")
    return (program,)


def _vulkan(folder: Path, text: Text, dialect: str) -> tuple[Path, ...]:
    program, spirv = folder / "on_vulkan", folder / f"{dialect}.spv"
    if not program.exists():
        _need(Path("/usr/include/vulkan/vulkan.h"), "g++")
        options = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror")
        _do("g++", *options, "-o", program, HOME / "tests/on_vulkan.cpp", "-lvulkan")
    if not spirv.exists():
        source = folder / f"{dialect}.comp"
        source.write_text(program_text(text, dialect))
        _need(TEXT, "glslangValidator")
        language = ("-V", "--target-env", "vulkan1.1") if dialect == "glsl" else ("-D", "-V", "-e", "main")
        _need(TEXT, "spirv-val")
        _do("glslangValidator", *language, "-S", "comp", "-o", spirv, source)
        _do("spirv-val", "--target-env", "vulkan1.1", spirv)
    return program, spirv


def program_text(text: Text, dialect: str) -> str:
    """The compute shader with all calls, in `glsl` or `hlsl`."""
    if dialect == "glsl":
        return GLSL + NAMES + PLANES + text.text + calls(text, dialect) + GLSL_END
    return HLSL + PLANES + text.text + calls(text, dialect) + HLSL_END


def _need(file: Path, tool: str) -> None:
    if not file.exists() or shutil.which(tool) is None:
        absent = tool if file.exists() else str(file)
        raise MissingDependency(f"{absent} is not on this machine", fix=f"apt-get install {PACKAGES}")


def _do(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr + done.stdout)[-2000:]
    if "no Vulkan driver" in said:
        raise MissingDependency("there is no Vulkan driver for the CPU", fix=f"apt-get install {PACKAGES}")
    raise Refused(f"{Path(command[0]).name} ended with {done.returncode}: {said}", fix="Mend the shader text.")
