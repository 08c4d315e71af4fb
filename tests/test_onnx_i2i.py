"""A network from an ONNX file paints plates: shapes, ranges, determinism; what does not fit it is refused by name."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from tiny_models import HEIGHT, WIDTH, make_folder, tiny_folder
from torch import nn

from bridge.errors import (
    ConfigError,
    ManifestInvalid,
    ModelError,
    ModelMismatch,
    ModelNotFound,
    ModelTooLarge,
    NotSupported,
    SnapshotCorrupt,
)
from bridge.schema import Camera, Frame, PlaneName, Pose
from renderer.adapters import families
from renderer.adapters.families import KNOWN, load_folder
from renderer.adapters.fitting import Fitting
from renderer.adapters.manifest import Family, Size
from renderer.frame import Ownership, RenderFrame
from renderer.models import load_model
from renderer.recall import World

PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.2, 0.0, 0.0, -1.0, 0.0)
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=PROJECTION)
F16 = NDArray[np.float16]


def frame_of(number: int, width: int = 2 * WIDTH, height: int = 2 * HEIGHT) -> RenderFrame:
    """A picture that is another at each number, 0..1, with a slope of depth."""
    rng = np.random.default_rng(number)
    color = np.ones((height, width, 4), np.float16)
    color[..., :3] = rng.uniform(0.0, 1.0, 3) * np.linspace(0.1, 1.0, width)[:, None]
    depth_m = np.linspace(2.0, 30.0 + number, height * width, dtype=np.float32).reshape(height, width)
    normal = np.zeros((height, width, 4), np.float16)
    normal[..., 1] = 1.0
    planes = {PlaneName.COLOR: color, PlaneName.DEPTH: depth_m, PlaneName.NORMAL: normal}
    plate = np.zeros((height, width, 4), np.float16)
    header = Frame(session="5" * 32, id=number, capture_ns=number, camera=CAMERA)
    return RenderFrame(header, planes, plate, {}, Ownership())  # type: ignore[arg-type]


def plates_of(model: Any, frames: int = 10, world: World | None = None) -> list[F16]:
    world = world or World(seed=0)
    plates: list[F16] = []
    for number in range(1, frames + 1):
        frame = frame_of(number)
        model.step(frame, world, frame.plate)
        plates.append(frame.plate)
    return plates


def test_a_network_that_turns_red_and_blue_round_does_so_to_the_light(tmp_path: Path) -> None:
    model = load_folder(tiny_folder(tmp_path))
    frame = frame_of(3)
    model.step(frame, World(seed=0), frame.plate)
    color = np.asarray(frame.planes[PlaneName.COLOR], np.float32)[..., :3]
    inner = np.s_[2:-2, 4:-4]  # at its edges a slope is not what it is inside, once it was made small and large again
    np.testing.assert_allclose(frame.plate[inner][..., :3].astype(np.float32), color[inner][..., ::-1], atol=0.02)
    assert (frame.plate[..., 3] == 1.0).all()
    assert model.card.needs == {PlaneName.COLOR}
    assert model.card.runtime.startswith("onnxruntime")


class Tiny(nn.Module):
    """A little of what such networks are made of."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.down, self.up = nn.Conv2d(7, 8, 4, 2, 1), nn.ConvTranspose2d(8, 3, 4, 2, 1)
        self.norm = nn.InstanceNorm2d(8, affine=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.up(torch.relu(self.norm(self.down(x)))))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose network torch wrote, with its weights in a file beside it, as its exporter does."""
    folder = tmp_path_factory.mktemp("models") / "gan"
    folder.mkdir()
    example, file = torch.zeros(1, 7, HEIGHT, WIDTH), folder / "gan.onnx"
    with warnings.catch_warnings(action="ignore"):  # the short way of exporting, which torch would have us leave
        torch.onnx.export(Tiny().eval(), (example,), file, dynamo=False, input_names=["maps"], output_names=["picture"])
    onnx.save(onnx.load(file), file, save_as_external_data=True, location="gan.onnx.data", size_threshold=0)
    maps = [{"source": source, "into": "maps", "channels": channels}
            for source, channels in (("color", 3), ("normal", 3), ("depth", 1))]  # fmt: skip
    files = sorted(folder.iterdir())
    assert len(files) == 2
    return make_folder(folder, files, maps=maps, options={"network": "gan.onnx"},
                       depth={"percentiles": [0.02, 0.98], "near_m": 1.0, "far_m": 50.0})  # fmt: skip


def test_an_exported_network_goes_from_add_to_ten_frames_and_again_to_the_same_bits(exported: Path) -> None:
    first = plates_of(load_folder(exported))
    assert len(first) == 10
    for plate in first:
        assert plate.shape == (2 * HEIGHT, 2 * WIDTH, 4)
        assert np.isfinite(plate).all()
        assert (plate[..., :3] >= 0.0).all()
        assert (plate[..., :3] <= 1.0).all()
    assert len({plate.tobytes() for plate in first}) == 10
    for a, b in zip(first, plates_of(load_folder(exported)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_paints_what_torch_does(exported: Path) -> None:
    model = load_folder(exported)
    seen: list[tuple[Any, Any]] = []
    run = model._run  # type: ignore[attr-defined]

    def watched() -> None:
        run()
        seen.append((model._inputs["maps"].copy(), model._answer.copy()))  # type: ignore[attr-defined]

    model._run = watched  # type: ignore[attr-defined]
    plates_of(model, 2)
    with torch.inference_mode():
        for taken, given in seen:
            np.testing.assert_allclose(Tiny().eval()(torch.from_numpy(taken)).numpy(), given, atol=1e-4)


def test_a_world_that_was_saved_goes_on_to_the_same_bits(exported: Path) -> None:
    model, world = load_folder(exported), World(seed=0)
    plates_of(model, 4, world)
    saved = model.save_latents(world.latents)
    one, other = World(seed=0), World(seed=0)
    one.latents, other.latents = world.latents, model.load_latents(saved)
    for a, b in zip(plates_of(model, 2, one), plates_of(model, 2, other), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.load_latents({}) is None
    with pytest.raises(SnapshotCorrupt):
        model.load_latents({"span_m": np.array([3.0, 1.0])})


def fewer_maps(models: Path) -> Path:
    return tiny_folder(models, maps=[{"source": "color"}, {"source": "depth", "channels": 1}])


def other_size(models: Path) -> Path:
    return tiny_folder(models, size={"width": 64, "height": 64})


def other_port(models: Path) -> Path:
    return tiny_folder(models, maps=[{"source": "color", "into": "image"}])


def other_option(models: Path) -> Path:
    return tiny_folder(models, options={"steps": 4})


def other_output(models: Path) -> Path:
    return tiny_folder(models, options={"output": "mask"})


def too_large(models: Path) -> Path:
    tiny_folder(models, "small", memory_mb=1)
    return tiny_folder(models, memory_mb=1 << 20)


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (fewer_maps, ModelMismatch, "is 1x3x24x40, and the manifest's maps make 1x4xHxW"),
        (other_size, ModelMismatch, "the manifest's size is 64x64. Set it to width 40 and height 24"),
        (other_port, ModelMismatch, "the network takes input, and the maps .* go into image"),
        (other_option, ManifestInvalid, "unknown field `steps`.*Options of this family are: network, output"),
        (other_output, ManifestInvalid, "no output 'mask'.*It has: output"),
        (too_large, ModelTooLarge, "needs 1048576 MB .* Serve a smaller one \\(small here\\)"),
    ],
)  # fmt: skip
def test_a_network_that_is_not_as_its_manifest_says_is_refused(
    tmp_path: Path, make: Any, kind: type[ModelError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        load_folder(make(tmp_path))


def test_a_runtime_that_does_not_run_onnx_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="torch does not run ONNX"):
        load_folder(tiny_folder(tmp_path), runtime="torch")


def test_a_name_is_looked_for_in_the_models_folder(tmp_path: Path) -> None:
    tiny_folder(tmp_path)
    assert load_model("tiny", models_dir=str(tmp_path)).card.name == "tiny"
    with pytest.raises(ModelNotFound, match=r"there is no model 'huge'.*limn, passthrough, tiny"):
        load_model("huge", models_dir=str(tmp_path))


def test_a_letterbox_comes_back_as_it_was_and_a_stretch_fills_all() -> None:
    across = np.broadcast_to(np.linspace(0.0, 1.0, 64, dtype=np.float32), (1, 16, 64)).copy()
    for fit in ("letterbox", "stretch"):
        fitting = Fitting(Size(width=32, height=32, fit=fit), 64, 16)  # type: ignore[arg-type]
        out = np.full((1, 32, 32), np.nan, np.float32)
        fitting.into(across, out)
        assert np.isfinite(out).all()
        np.testing.assert_allclose(out[0, 16], across[0, 0].reshape(32, 2).mean(axis=1), atol=0.02)
        back = fitting.back(np.repeat(np.repeat(out, 2, axis=1), 2, axis=2))  # a network that answers twice as large
        assert back.shape == across.shape
        np.testing.assert_allclose(back, across, atol=0.02)


def test_families_without_a_module_are_known_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "is_here", lambda _: False)
    with pytest.raises(NotSupported, match="does not run the family 'onnx_i2i'"):
        load_folder(tiny_folder(tmp_path))
    assert set(KNOWN) == set(Family)
