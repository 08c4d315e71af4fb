"""The Unreal plugin's composite shader is run: its own text as a Vulkan compute shader on the CPU's driver, with a
plate of the same frame, of another one, and over a picture that is no longer the one on the screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import unreal
from numpy.typing import NDArray

F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]
WIDTH, HEIGHT, LEFT, TOP = 24, 10, 3, 2  # of planes and view, and the view's place in the scene's colour
PRE_EXPOSURE, STRENGTH, SHIFT_PX, FOCAL, STEP_M = 0.25, 0.75, 2, 1.2, 0.05
DEPTH_M = FOCAL * STEP_M * WIDTH / 2 / SHIFT_PX  # so that the step between both cameras is that many pixels
PIXELS, STRANGER = WIDTH * HEIGHT, 7  # a body that was not there when the plate was made
PARAMETERS = (("int4 Sizes", 4), ("int2 ViewMin", 2), ("uint4 Places", 4), ("float Strength", 1))
PARAMETER_WORDS = sum(words for _, words in PARAMETERS)
BUFFERS = {"TargetPack": 4 * PIXELS, "SourcePack": 4 * PIXELS, "Plate": 2 * PIXELS, "CarryWords": 56 + 20}
ENGINE = """
[[vk::binding(0, 0)]] RWStructuredBuffer<uint> job;
[[vk::binding(1, 0)]] RWStructuredBuffer<uint> given;
[[vk::binding(2, 0)]] RWStructuredBuffer<uint> found;
[[vk::binding(3, 0)]] RWStructuredBuffer<uint> planes;
struct FBytes {
	uint First;
	uint Load(uint Byte) { return given[First + Byte / 4u]; }
	uint2 Load2(uint Byte) { return uint2(Load(Byte), Load(Byte + 4u)); }
	uint4 Load4(uint Byte) { return uint4(Load(Byte), Load(Byte + 4u), Load(Byte + 8u), Load(Byte + 12u)); }
};
static bool Discarded;
#define clip(x) Discarded = (x) < 0.0
"""


def as_compute(text: str) -> str:
    """The shader with its buffers and parameters in `given`; its functions stay as they are."""
    text = text.replace("\nByteAddressBuffer ", "\nstatic FBytes ")
    text = text.replace("cbuffer ViewBuffer { FViewStub View; };", "static FViewStub View;")
    for declaration, _ in PARAMETERS:
        assert f"{declaration};" in text
        text = text.replace(f"{declaration};", f"static {declaration};")
    return ENGINE + text.replace(" : SV_POSITION", "").replace(" : SV_Target0", "") + main()


def main() -> str:
    """Takes the parameters out of `given`, and draws each pixel by the job's entry: 0 OverPS, 1 OldPS."""
    lines, at = ["[numthreads(64, 1, 1)] void main(uint3 Thread : SV_DispatchThreadID) {"], 0
    for declaration, words in PARAMETERS:
        kind, name = declaration.split()
        cast = "asfloat({})" if kind.startswith("float") else "int({})" if kind.startswith("int") else "{}"
        parts = [cast.format(f"given[{at + n}u]") for n in range(words)]
        lines.append(f"\t{name} = {kind}({', '.join(parts)});")
        at += words
    for name, words in BUFFERS.items():
        lines.append(f"\t{name}.First = {at}u;")
        at += words
    lines += [f"\tView.PreExposure = {PRE_EXPOSURE};", f"\tif (Thread.x >= {PIXELS}u) return;", "\tfloat4 Color;"]
    lines.append(f"\tfloat2 At = float2(Thread.x % {WIDTH}u, Thread.x / {WIDTH}u) + 0.5 + float2(ViewMin);")
    lines.append("\tif (job[0] == 0u) OverPS(float4(At, 0.5, 1.0), Color); else OldPS(float4(At, 0.5, 1.0), Color);")
    lines += [f"\tfound[5u * Thread.x + {part}u] = asuint(Color.{'xyzw'[part]});" for part in range(4)]
    return "\n".join([*lines, "\tfound[5u * Thread.x + 4u] = Discarded ? 1u : 0u;\n}\n"])


class Scene:
    """A wall square to two cameras, one step beside each other; a stranger stands before it, at the same depth."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        self.behind = random.uniform(0, 3, (HEIGHT, WIDTH, 4)).astype(np.float16)
        self.plate = random.uniform(0, 3, (HEIGHT, WIDTH, 4)).astype(np.float16)
        self.plate[..., 3] = random.uniform(0.2, 1.0, (HEIGHT, WIDTH))
        self.plate[0, :, 3] = 0.0  # here the engine's pixel stays
        self.object = np.full((HEIGHT, WIDTH), 1, np.uint32)
        self.object[4:6, 8:12] = STRANGER

    def given(self, carried: bool) -> U32:
        depth = np.full(PIXELS, DEPTH_M, np.float32).view(np.uint32)
        color = self.behind.reshape(-1).view(np.uint32)
        source = np.concatenate([color, depth, np.ones(PIXELS, np.uint32)])
        places = [0, 2 * PIXELS, 3 * PIXELS, int(carried)]
        strength = np.array([STRENGTH], np.float32).view(np.uint32)
        head = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, TOP, *places], np.uint32)
        target = np.concatenate([color, depth, self.object.ravel()])
        parts = [head, strength, target, source, self.plate.reshape(-1).view(np.uint32), carry()]
        return np.concatenate(parts)

    def shown(self, carried: bool) -> tuple[F32, F32]:
        """Colour and matte of the plate at each of the target's pixels; matte 0 where nothing is known."""
        plate = self.plate.astype(np.float32)
        if carried:
            plate = np.concatenate([plate[:, SHIFT_PX:], np.zeros((HEIGHT, SHIFT_PX, 4), np.float32)], axis=1)
            plate[self.object == STRANGER] = 0.0
        return plate[..., :3], plate[..., 3:] * np.float32(STRENGTH)


def carry() -> U32:
    """As plugins/unreal/Source/WorldplateRuntime/Private/Link/Carry.h has it."""
    source_from_target = np.eye(4)
    source_from_target[0, 3] = STEP_M
    lens = np.array([[FOCAL, 0, 0, 0], [0, FOCAL * WIDTH / HEIGHT, 0, 0], [0, 0, -1, -0.02], [0, 0, -1, 0]])
    floats = np.concatenate([source_from_target.ravel(), lens.ravel(), lens.ravel(), np.zeros(4)])
    words = floats.astype(np.float32).view(np.uint32)
    body = np.array([STRANGER, 0, 0, 0, *np.zeros(16)], np.uint32)
    return np.concatenate([words, np.array([1, 0, 0, 0], np.uint32), body])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("composite")
    text = unreal.expanded(unreal.SHADERS / "Private/WorldplateComposite.usf")
    unreal.compute_shader(made, as_compute(text))
    return made


def drawn(folder: Path, entry: int, given: U32) -> tuple[F32, NDArray[np.bool_]]:
    """What the shader gives for each pixel, RGBA, and whether it has left the engine's alone."""
    words = -(-len(given) // PIXELS)
    padded = np.pad(given, (0, words * PIXELS - len(given)))
    jobs = [np.array([1, 0, entry, PIXELS, words, 5], np.uint32), padded]
    np.concatenate(jobs).astype("<u4").tofile(folder / "jobs")
    unreal.run(unreal.vulkan_runner(), folder / "shader.spv", folder / "jobs", folder / "results")
    found = np.fromfile(folder / "results", "<u4").reshape(HEIGHT, WIDTH, 5)
    return np.ascontiguousarray(found[..., :4]).view(np.float32), found[..., 4] == 1


@pytest.mark.parametrize("carried", [False, True], ids=["own", "carried"])
def test_a_plate_lies_over_what_was_drawn_as_its_matte_says(folder: Path, carried: bool) -> None:
    scene = Scene()
    color, left_alone = drawn(folder, 0, scene.given(carried))
    plate, matte = scene.shown(carried)
    assert np.array_equal(left_alone, matte[..., 0] == 0.0)
    shown = ~left_alone
    assert 0.5 < shown.mean() < 1.0
    np.testing.assert_allclose(color[shown, :3], plate[shown] * PRE_EXPOSURE, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(color[shown, 3:], matte[shown], rtol=2e-3)


def test_a_picture_of_before_is_shown_whole(folder: Path) -> None:
    scene = Scene()
    color, _ = drawn(folder, 1, scene.given(carried=True))
    plate, matte = scene.shown(carried=True)
    behind = scene.behind[..., :3].astype(np.float32)
    expected = (behind + (plate - behind) * matte) * PRE_EXPOSURE
    np.testing.assert_allclose(color[..., :3], expected, rtol=2e-3, atol=1e-4)
