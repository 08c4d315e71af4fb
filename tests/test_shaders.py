"""The shader text does what its references say: as C++, and as real Vulkan compute shaders from GLSL and from HLSL.

Without a compiler or the Vulkan driver for the CPU the tests are skipped with what to install; where
WORLDPLATE_REQUIRE_NATIVE is set, as CI does, they fail.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bridge import codegen
from bridge.codegen_shaders import copies
from bridge.errors import MissingDependency
from bridge.spaces import GOLDEN
from renderer.bench import shaders
from renderer.bench.shader_picture import every_case, planes
from renderer.bench.shaders import MACHINES, TEXT, Case, errors, read, run

LARGEST_ERROR = 1e-5
CASES = every_case()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where programs are built; what cannot be built here is said."""
    made = tmp_path_factory.mktemp("shaders")
    try:
        for machine in MACHINES:
            run(made, machine, CASES[:1], planes())
    except MissingDependency as error:
        if os.environ.get("WORLDPLATE_REQUIRE_NATIVE"):
            pytest.fail(str(error))
        pytest.skip(f"THE SHADER TEXT WAS NOT RUN: {error}")
    return made


@pytest.mark.parametrize("machine", MACHINES)
def test_every_function_is_its_reference(folder: Path, machine: str) -> None:
    found = errors(folder, machine, CASES, planes())
    assert set(found) == {function.name for function in read(TEXT.read_text()).functions}
    assert {name: error for name, error in found.items() if not error <= LARGEST_ERROR} == {}


@pytest.mark.parametrize("machine", MACHINES)
def test_matte_0_gives_the_engines_pixel_bit_for_bit(folder: Path, machine: str) -> None:
    case = next(case for case in CASES if case.function == "wp_composite")
    behind, over = case.given[0].copy(), case.given[1].copy()
    behind[0] = np.array([0x7FC12345, 0x80000000, 0xFF800000, 1], np.uint32).view(np.float32)
    over[::2, 3], over[1::2, 1] = 0.0, np.nan
    (found,) = run(
        folder, machine, [Case(case.function, (behind, over, case.given[2]), case.expected, case.decided)], planes()
    )
    assert np.array_equal(found, behind.view(np.uint32))


@pytest.mark.parametrize("machine", MACHINES)
def test_the_golden_frame_is_the_same_from_every_engine(folder: Path, machine: str) -> None:
    near, far = GOLDEN.near_m, GOLDEN.far_m
    codes = np.array(GOLDEN.unreal_codes) / 65535
    asked: list[tuple[str, list[float]]] = [
        ("wp_depth_from_reversed", [GOLDEN.unity.device_depth, near, far]),
        ("wp_depth_from_reversed", [GOLDEN.godot.device_depth, near, far]),
        ("wp_depth_from_infinite", [GOLDEN.unreal.device_depth, near]),
        ("wp_motion_from_unity", [*GOLDEN.unity.raw_motion]),
        ("wp_motion_from_godot", [*GOLDEN.godot.raw_motion]),
        ("wp_motion_from_ndc", [*GOLDEN.unreal.raw_motion]),
        ("wp_motion_from_unreal", codes.tolist()),
    ]
    nothing = np.zeros((1, 1)), np.ones(1, np.bool_)
    rows = [Case(name, (np.array([values], np.float32),), *nothing) for name, values in asked]
    found = [words.view(np.float32)[0] for words in run(folder, machine, rows, planes())]
    for depth_m in found[:3]:
        np.testing.assert_allclose(depth_m, [GOLDEN.depth_m], rtol=1e-5)
    for motion in found[3:]:
        np.testing.assert_allclose(motion, GOLDEN.motion, atol=1e-6)


def test_cases_reach_what_they_are_there_for() -> None:
    """Answers that are unknown, infinite, refused and given; and hardly a row is left out."""
    by_name = {case.function: case for case in CASES}
    for name in ("wp_motion_from_unity", "wp_motion_from_unreal", "wp_motion_of_camera"):
        assert 0 < np.isnan(by_name[name].expected[:, 0]).sum() < len(by_name[name].expected)
    assert np.isinf(by_name["wp_depth_from_reversed"].expected).any()
    for name, least in (("wp_carried", 20), ("wp_fill_hole", 10)):
        confidence = by_name[name].expected[:, 4]
        assert (confidence == 0).sum() >= least
        assert (confidence > 0).sum() >= least
    for case in CASES:
        assert case.decided.mean() > 0.97, case.function


@pytest.mark.parametrize(
    ("right", "wrong", "function"),
    [
        ("return root * abs(root) * 0.5;", "return root * 0.5;", "wp_motion_from_unreal"),
        ("return device > 0.0 ?", "return device > 1.0 ?", "wp_depth_from_reversed"),
        ("float3(normal.y, normal.z, -normal.x)", "float3(normal.y, normal.z, normal.x)", "wp_normal_from_unreal"),
    ],
)
def test_a_mistake_in_the_text_is_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, function: str
) -> None:
    assert right in TEXT.read_text()
    text = tmp_path / "worldplate.hlsl"
    text.write_text(TEXT.read_text().replace(right, wrong))
    monkeypatch.setattr(shaders, "TEXT", text)
    (tmp_path / "on_vulkan").symlink_to(folder / "on_vulkan")
    assert errors(tmp_path, "GLSL on Vulkan", CASES, planes())[function] > LARGEST_ERROR


def test_a_stale_copy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plugins/shaders").mkdir(parents=True)
    (tmp_path / "plugins/shaders/worldplate.hlsl").write_text("// the text\n")
    monkeypatch.setattr(codegen, "ROOT", tmp_path)
    monkeypatch.setattr(codegen, "outputs", dict)
    assert codegen.main([]) == 0
    assert codegen.main(["--check"]) == 0
    for path in copies(tmp_path):
        path.write_text(path.read_text().replace("the text", "another"))
        assert codegen.main(["--check"]) == 1
        assert f"{path.relative_to(tmp_path)} is stale" in capsys.readouterr().err
        codegen.main([])
