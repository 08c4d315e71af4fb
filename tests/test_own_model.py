"""A person's own model is served from a Python file, and the sample of one draws what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.errors import ModelIncomplete, ModelNotFound
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Camera, Frame, PlaneName
from renderer.cli import main
from renderer.frame import Ownership, RenderFrame
from renderer.models import load_model
from renderer.recall import World

SAMPLE = Path(__file__).parent.parent / "samples" / "05_your_own_model.py"
BLUEPRINT = f"{SAMPLE}:Blueprint"
WIDTH, HEIGHT = 160, 90


def court(seconds: float) -> tuple[PlaneViews, Camera]:
    engine = EmbeddedEngine(courtyard(7), WIDTH, HEIGHT)
    for _ in range(round(seconds * 25)):
        engine.step(1 / 25)
    layouts = pack_layouts(FORMATS, WIDTH, HEIGHT)
    planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
    engine.render(planes)
    return planes, engine.camera()


def drawn(planes: PlaneViews, camera: Camera, **controls: float) -> np.ndarray:
    model = load_model(BLUEPRINT)
    plate = np.zeros((HEIGHT, WIDTH, 4), np.float16)
    header = Frame(session="5" * 32, id=1, capture_ns=1, camera=camera)
    values = {control.name: control.default for control in model.card.controls}
    model.step(RenderFrame(header, planes, plate, {**values, **controls}, Ownership()), World(seed=0), plate)
    model.close()
    return plate.astype(np.float32)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `worldplate demo` leaves of the sample."""
    out = tmp_path_factory.mktemp("demo")
    arguments = ["--model", BLUEPRINT, "--seconds", "1", "--size", "160x90", "--sync", "offline"]
    assert main(["demo", *arguments, "--out", str(out)]) == 0
    return out


def test_the_sample_inks_edges_and_leaves_flat_surfaces_blue() -> None:
    planes, camera = court(1.0)
    plain, inked = drawn(planes, camera, ink=0.0, grid=0.0), drawn(planes, camera, grid=0.0)
    assert np.isfinite(inked).all()
    assert (inked[..., 3] == 1.0).all()
    ids = planes[PlaneName.OBJECT]
    edge = np.zeros(ids.shape, bool)
    edge[:, :-1] |= ids[:, 1:] != ids[:, :-1]
    edge[:-1] |= ids[1:] != ids[:-1]
    changed = (inked - plain)[..., 0]
    assert changed[edge].mean() > 6 * changed[~edge].mean()
    assert (plain[..., 2] > 3 * plain[..., 0]).all()  # blue


def test_the_samples_grid_lies_on_the_world() -> None:
    planes, camera = court(1.0)
    without, lines = drawn(planes, camera, ink=0.0, grid=0.0), drawn(planes, camera, ink=0.0, grid=1.0)
    on_line = (lines - without)[..., 0] > 0.3
    near = planes[PlaneName.DEPTH] < 6.0  # farther away lines are wider than what lies between
    assert 0.02 < on_line[near].mean() < 0.4
    assert not on_line[np.isinf(planes[PlaneName.DEPTH])].any()


def test_the_samples_plate_leaves_the_engine_what_it_owns(demo: Path) -> None:
    report = json.loads((demo / "report.json").read_text())
    assert report["engine_owned_pixels"] > 100
    assert report["engine_owned_differences"] == 0


def test_the_sample_runs_in_the_demo_as_a_person_would_run_it(demo: Path) -> None:
    report = json.loads((demo / "report.json").read_text())
    assert report["model"] == "blueprint"
    picture = np.asarray(Image.open(demo / "demo.png").convert("RGB"), np.float32)
    blue = (picture[..., 2] > picture[..., 0] + 40.0).mean()
    assert blue > 0.3  # plate and composite; the engine's own third is not


@pytest.mark.parametrize(
    ("place", "said"),
    [("nowhere.py:Model", "there is no file nowhere.py"), (f"{SAMPLE}:Redprint", "has no class 'Redprint'"),
     (f"{SAMPLE}:PAPER", "has no class 'PAPER'")],
)  # fmt: skip
def test_a_file_or_class_that_is_not_there_is_named(place: str, said: str) -> None:
    with pytest.raises(ModelNotFound, match=said.replace(".", r"\.")):
        load_model(place)


def test_a_class_that_is_no_model_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "half.py"
    file.write_text("class Half:\n    def step(self, frame, world, plate): ...\n")
    with pytest.raises(ModelIncomplete, match=r"Half of .* has no save_latents"):
        load_model(f"{file}:Half")


def test_a_name_without_a_class_is_told_how_to_name_one() -> None:
    with pytest.raises(ModelNotFound, match=r"FILE\.py:Class"):
        load_model("lima")
