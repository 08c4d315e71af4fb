"""The Unreal plugin's capture shader is run: its own text as a Vulkan compute shader on the CPU's driver, over a frame
of an engine in textures that are buffers, against the references of bridge/spaces.py. What the engine's functions give
is as Tests/Stubs/Shaders declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import unreal
from numpy.typing import NDArray

from bridge import spaces
from bridge.schema import Label, PlaneName, Pose
from bridge.schema.values import Mat4

F64 = NDArray[np.float64]
U32 = NDArray[np.uint32]
Packed = tuple["Frame", list[NDArray[Any]]]
WIDTH, HEIGHT = 32, 18  # of view and planes
LEFT, TOP, ACROSS, DOWN = 3, 2, 40, 24  # of the view in the engine's textures, and their size
NEAR_CM, FOCAL, PRE_EXPOSURE = 10.0, 1.2, 0.25
STENCIL, BOX_ID, DOME = 9, 77, 12
JITTER_NDC = (0.4 / WIDTH, -0.6 / HEIGHT)
STEP_M = 0.05  # of the camera, to its right
# What an engine's frame has for each pixel: words before each, in `given`.
COLOR, DEPTH, VELOCITY, CUSTOM, STENCILS, NORMAL, BASE, SURFACE, WORDS = 0, 4, 5, 9, 10, 11, 14, 17, 21
PARAMETERS = (  # as the shader declares them; each is made of so many words of `planes`
    ("int4 Sizes", 4), ("int2 ViewMin", 2), ("uint4 PlacesA", 4), ("uint4 PlacesB", 4), ("float2 DepthTerms", 2),
    ("float4 Lens", 4), ("float2 JitterNdc", 2), ("float4x4 PreviousClipFromView", 16),
    ("float4x4 PreviousClipFromFar", 16), ("uint MotionKnown", 1),
)  # fmt: skip
THINGS = sum(words for _, words in PARAMETERS)  # of `planes`, after the parameters
PIXEL_WORDS = (2, 1, 2, 1, 2, 1, 1, 1)  # of each plane; the last has four labels in each
TEXTURES = {"ColorTexture": COLOR, "DepthTexture": DEPTH, "VelocityTexture": VELOCITY, "CustomDepthTexture": CUSTOM}
TEXTURES |= {"StubGBuffer[0]": NORMAL, "StubGBuffer[1]": BASE, "StubGBuffer[2]": SURFACE}
TYPES = {  # of the shader, and what stands for them
    "Texture2D<uint2> ": "static FStencils ", "RWByteAddressBuffer ": "static FPack ",
    "ByteAddressBuffer ": "static FThings ", "Texture2D ": "static FTexture ",
    "cbuffer ViewBuffer { FViewStub View; };": "static FViewStub View;",
}  # fmt: skip
ENGINE = f"""
[[vk::binding(0, 0)]] RWStructuredBuffer<uint> job;
[[vk::binding(1, 0)]] RWStructuredBuffer<uint> given;
[[vk::binding(2, 0)]] RWStructuredBuffer<uint> found;
[[vk::binding(3, 0)]] RWStructuredBuffer<uint> planes;
struct FTexture {{
	uint Word;
	float4 Load(int3 At) {{
		uint i = {WORDS}u * uint(At.y * {ACROSS} + At.x) + Word;
		return float4(asfloat(given[i]), asfloat(given[i + 1u]), asfloat(given[i + 2u]), asfloat(given[i + 3u]));
	}}
	void GetDimensions(out uint Width, out uint Height) {{ Width = {ACROSS}u; Height = {DOWN}u; }}
}};
struct FStencils {{
	uint None;
	uint2 Load(int3 At) {{ return uint2(0u, given[{WORDS}u * uint(At.y * {ACROSS} + At.x) + {STENCILS}u]); }}
}};
struct FThings {{
	uint None;
	uint2 Load2(uint Byte) {{ return uint2(planes[{THINGS}u + Byte / 4u], planes[{THINGS}u + Byte / 4u + 1u]); }}
}};
struct FPack {{
	uint None;
	void Store(uint Byte, uint Value) {{ found[Byte / 4u] = Value; }}
	void Store2(uint Byte, uint2 Value) {{ found[Byte / 4u] = Value.x; found[Byte / 4u + 1u] = Value.y; }}
}};
"""


def as_compute(text: str) -> str:
    """The shader with its textures and parameters in buffers; its functions stay as they are."""
    for kind, stands in TYPES.items():
        assert kind in text
        text = text.replace(kind, stands)
    for declaration, _ in PARAMETERS:
        assert f"{declaration};" in text
        text = text.replace(f"{declaration};", f"static {declaration};")
    return ENGINE + text.replace("[numthreads(8, 8, 1)]\n", "").replace(" : SV_DispatchThreadID", "") + main()


def main() -> str:
    """Takes the parameters out of `planes`, and calls the shader for each pixel of the planes."""
    lines, at = ["[numthreads(64, 1, 1)] void main(uint3 Thread : SV_DispatchThreadID) {"], 0
    lines += [f"\t{name}.Word = {word}u;" for name, word in TEXTURES.items()]
    for declaration, words in PARAMETERS:
        kind, name = declaration.split()
        cast = "asfloat({})" if kind.startswith("float") else "int({})" if kind.startswith("int") else "{}"
        parts = [cast.format(f"planes[{at + n}u]") for n in range(words)]
        lines.append(f"\t{name} = {kind}({', '.join(parts)});")
        at += words
    lines.append(f"\tView.BufferSizeAndInvSize = float4({ACROSS}, {DOWN}, {1 / ACROSS}, {1 / DOWN});")
    lines.append(f"\tView.PreExposure = {PRE_EXPOSURE};\n\tView.OneOverPreExposure = {1 / PRE_EXPOSURE};")
    lines.append(f"\tif (Thread.x < {WIDTH * HEIGHT}u) {{")
    lines.append(f"\t\tMainCS(uint3(Thread.x % {WIDTH}u, Thread.x / {WIDTH}u, 0u));\n\t}}\n}}\n")
    return "\n".join(lines)


def projection() -> F64:
    """Canonical, without a far plane."""
    near_m = NEAR_CM / 100
    return np.array([[FOCAL, 0, 0, 0], [0, FOCAL * WIDTH / HEIGHT, 0, 0], [0, 0, -1, -2 * near_m], [0, 0, -1, 0]])


def parameters(places: list[int]) -> U32:
    lens = projection()
    from_view = lens.copy()
    from_view[:, 3] += lens[:, 0] * STEP_M  # what was STEP_M to the camera's right is now before it
    from_far = lens.copy()
    from_far[:, 3] = 0.0
    floats = [0.0, NEAR_CM / 100, lens[0, 0], lens[1, 1], 0.0, 0.0, *JITTER_NDC, *from_view.ravel(), *from_far.ravel()]
    whole = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, TOP, *places], np.uint32)
    things = np.zeros((256, 2), np.uint32)
    things[0], things[STENCIL] = (1, 0), (BOX_ID, Label.WOOD)
    things[DOME] = 5, Label.SKY
    known = np.array([1], np.uint32)
    return np.concatenate([whole, np.array(floats, np.float32).view(np.uint32), known, things.ravel()])


class Frame:
    """What an engine has drawn: a floor far away, a moving box before it, a sky, and a dome that is called sky."""

    def __init__(self) -> None:
        self.words = np.zeros((DOWN, ACROSS, WORDS), np.float32)
        self.words[..., COLOR : COLOR + 3] = np.random.default_rng(3).uniform(0, 4, (DOWN, ACROSS, 3))
        view = self.words[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]
        self.view = view
        self.depth_m = np.full((HEIGHT, WIDTH), 20.0)
        self.box, self.dome = (slice(4, 9), slice(6, 14)), (slice(0, 3), slice(20, 32))
        self.depth_m[self.box], self.depth_m[:3], self.depth_m[self.dome] = 2.0, np.inf, 900.0
        view[..., DEPTH] = spaces.infinite_from_depth(self.depth_m, NEAR_CM / 100)
        view[..., NORMAL : NORMAL + 3], view[..., BASE : BASE + 3] = (0.5, 0.5, 1.0), (0.1, 0.2, 0.3)
        view[..., SURFACE : SURFACE + 3] = (0.25, 0.75, 1.0)  # metallic, roughness, a lit shading model
        self.motion = (0.03, -0.02)
        view[(*self.box, slice(VELOCITY, VELOCITY + 2))] = spaces.motion_to_unreal(self.motion) / 65535
        view[(*self.box, NORMAL)] = 0.0  # towards Unreal's -x: the camera
        self._custom(self.box, STENCIL, self.depth_m[self.box])
        self._custom(self.dome, DOME, self.depth_m[self.dome])
        self._custom((slice(12, 15), slice(20, 26)), STENCIL, np.full((3, 6), 50.0))  # hidden by the floor

    def _custom(self, where: tuple[slice, slice], stencil: int, depth_m: F64) -> None:
        self.view[(*where, CUSTOM)] = spaces.infinite_from_depth(depth_m, NEAR_CM / 100)
        self.view[(*where, STENCILS)] = np.array(stencil, np.uint32).view(np.float32)

    def still(self) -> F64:
        """Motion of what does not move, [H, W, 2]."""
        x, y = np.meshgrid((np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT)
        ndc = np.stack([2 * x - 1 - JITTER_NDC[0], 1 - 2 * y - JITTER_NDC[1]], axis=-1)
        lens = projection()
        depth = np.where(np.isinf(self.depth_m), 1.0, self.depth_m)
        view = np.stack([ndc[..., 0] / lens[0, 0] * depth, ndc[..., 1] / lens[1, 1] * depth, -depth], axis=-1)
        flat = cast(Mat4, tuple(lens.ravel().tolist()))
        here, before = Pose(), Pose(position_m=(-STEP_M, 0.0, 0.0))
        moved = spaces.project(before, flat, view).uv - spaces.project(here, flat, view).uv
        moved[np.isinf(self.depth_m)] = 0.0
        return np.asarray(moved, np.float64)


TEXT = unreal.SHADERS / "Private/WorldplatePack.usf"


def pack(folder: Path, frame: Frame, text: str) -> list[NDArray[Any]]:
    """The planes of a frame, each [H, W, channels], as that text of the shader packs them."""
    places = np.concatenate([[0], np.cumsum(PIXEL_WORDS) * WIDTH * HEIGHT]).tolist()
    shader = unreal.compute_shader(folder, as_compute(text))
    given = frame.words.view(np.uint32).reshape(-1)
    planes, rows = parameters(places[:8]), WIDTH * HEIGHT
    head = np.array([0, rows, -(-len(given) // rows), places[8] // rows], np.uint32)
    given = np.pad(given, (0, int(head[1] * head[2]) - len(given)))
    np.concatenate([[len(planes)], planes, head, given]).astype("<u4").tofile(folder / "jobs")
    unreal.run(unreal.vulkan_runner(), shader, folder / "jobs", folder / "results")
    found = np.fromfile(folder / "results", "<u4")
    types = (np.float16, np.float32, np.float16, np.float16, np.float16, np.float16, np.uint32, np.uint8)
    parts = [found[start:end].view(kind) for start, end, kind in zip(places[:8], places[1:], types, strict=True)]
    parts[7] = parts[7][: WIDTH * HEIGHT]
    return [part.reshape(HEIGHT, WIDTH, -1) for part in parts]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """An engine's frame, and its planes as the shader packs them."""
    frame = Frame()
    return frame, pack(tmp_path_factory.mktemp("pack"), frame, unreal.expanded(TEXT))


@pytest.mark.parametrize(
    ("right", "wrong", "planes"),
    [
        ("xyz, View.OneOverPreExposure)", "xyz, 1.0)", "color"),
        ("Encoded.x > 0.0 ? Written : Still", "Written", "motion"),
        ("Encoded.x > 0.0 ? Written : Still", "Still", "motion"),
        ("bSeen ? Stencil : 0u", "Stencil", "object label"),
        ("float2(Surface.Roughness, Surface.Metallic)", "float2(Surface.Metallic, Surface.Roughness)", "material"),
    ],
)
def test_a_mistake_in_the_text_is_found(packed: Packed, tmp_path: Path, right: str, wrong: str, planes: str) -> None:
    frame, good = packed
    text = unreal.expanded(TEXT)
    assert text.count(right) == 1
    found = pack(tmp_path, frame, text.replace(right, wrong))
    names = [name.value for name in PlaneName][:8]
    differing = [name for name, a, b in zip(names, good, found, strict=True) if a.tobytes() != b.tobytes()]
    assert differing == planes.split()


def test_light_depth_and_surfaces_become_canonical(packed: Packed) -> None:
    frame, (color, depth, normal, _, albedo, material, _, _) = packed
    np.testing.assert_allclose(color[..., :3], frame.view[..., :3] / PRE_EXPOSURE, rtol=1e-3)
    expected = frame.depth_m.copy()
    expected[frame.dome] = np.inf  # it is called sky
    np.testing.assert_allclose(depth[..., 0], expected, rtol=1e-5)
    sky = np.isinf(expected)
    assert not normal[sky].any()
    assert not albedo[sky].any()
    np.testing.assert_allclose(normal[-1, 0, :3], (0, 1, 0), atol=1e-3)  # Unreal's up
    np.testing.assert_allclose(normal[5, 8, :3], spaces.normal_from_unreal((0.0, 0.5, 1.0)), atol=1e-3)
    np.testing.assert_allclose(albedo[-1, 0, :3], (0.1, 0.2, 0.3), rtol=1e-3)
    np.testing.assert_allclose(material[-1, 0], (0.75, 0.25), rtol=1e-3)  # roughness, metallic


def test_motion_is_the_engines_where_written_and_else_the_cameras(
    packed: Packed,
) -> None:
    frame, planes = packed
    motion = planes[3].astype(np.float64)
    np.testing.assert_allclose(motion[frame.box], np.broadcast_to(frame.motion, motion[frame.box].shape), atol=3e-5)
    still = frame.still()
    still[frame.dome] = 0.0  # as far as the sky, which only turns
    elsewhere = np.ones((HEIGHT, WIDTH), np.bool_)
    elsewhere[frame.box] = False
    np.testing.assert_allclose(motion[elsewhere], still[elsewhere], atol=2e-5)
    assert np.abs(still).max() > 1e-3


def test_ids_and_labels_are_those_of_what_is_seen(packed: Packed) -> None:
    frame, planes = packed
    expected_id, expected_label = (
        np.full((HEIGHT, WIDTH), 1),
        np.full((HEIGHT, WIDTH), Label.UNKNOWN),
    )
    expected_id[:3], expected_label[:3] = 0, Label.SKY
    expected_id[frame.box], expected_label[frame.box] = BOX_ID, Label.WOOD
    assert np.array_equal(planes[6][..., 0], expected_id)  # what the floor hides is the floor's
    assert np.array_equal(planes[7][..., 0], expected_label)
