"""What the panel's pictures show, and how planes come to them: the tap's copy, read again bit for bit."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from bridge.errors import ConfigError
from bridge.schema import Camera, Disposition, Frame, Pose, Result
from renderer.display import display_rgba
from renderer.evaluate.image import tone_map
from renderer.exports.color import DEFAULT_VIEW, STILLS, View as ColorView
from renderer.frame import Ownership, RenderFrame
from renderer.panel.messages import LOOKED_AT, NEEDS, View, Want
from renderer.panel.pictures import DRAW, FAR_M, NEAR_M, display_of, for_page, look, planes_of
from renderer.panel.tap import BUFFERS, MOST_SIDE_PX, PanelTap, Shot
from renderer.session import Session

SESSION = "a" * 32
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=(0.0,) * 16)
EVERYTHING = tuple(sorted({*LOOKED_AT, *(name for names in NEEDS.values() for name in names)}))


def frame(width: int, height: int, frame_id: int = 1) -> tuple[RenderFrame, Result]:
    draw = np.random.default_rng(frame_id)
    size = (height, width)
    planes: dict[Any, Any] = {
        "color": draw.random((*size, 4)).astype(np.float16),
        "depth": draw.uniform(1.0, 90.0, size).astype(np.float32),
        "object": draw.integers(0, 1 << 32, size, np.uint32),
        "label": draw.integers(0, 16, size, np.uint8),
    }
    plate = draw.random((*size, 4)).astype(np.float16)
    header = Frame(session=SESSION, id=frame_id, camera=CAMERA, capture_ns=5_000_000)
    return RenderFrame(header, planes, plate, {}, Ownership()), Result(
        session=SESSION, id=frame_id, disposition=Disposition.GENERATED
    )


class Looker:
    """A tap that is looked through, and what it put."""

    def __init__(self) -> None:
        self.shots: list[Shot] = []
        self.tap = PanelTap(self.shots.append, lambda: None)
        self.tap.pages = 1
        self.tap.engines[SESSION] = ""  # it has joined
        self.session = cast(Session, SimpleNamespace(id=SESSION, worlds={}))

    def want(self, *planes: str) -> None:
        self.tap.wish(Want(session=SESSION, stream="main", planes=planes))

    def made(self, width: int = 13, height: int = 7, frame_id: int = 1) -> RenderFrame:
        made, result = frame(width, height, frame_id)
        self.tap.made(self.session, made, result)
        return made


@pytest.mark.parametrize(("width", "height"), [(1, 1), (13, 7), (320, 180)])
def test_planes_arrive_as_they_were(width: int, height: int) -> None:
    looker = Looker()
    looker.want(*EVERYTHING)
    made = looker.made(width, height)
    (shot,) = looker.shots
    arrived = planes_of(shot.picture, bytes(shot.buffer.data[: shot.size]))
    assert set(arrived) == {"color", "depth", "object", "label", "plate"}
    for name, plane in arrived.items():
        there: Any = made.plate if name == "plate" else made.planes[name]  # type: ignore[index]
        np.testing.assert_array_equal(plane, there)
        assert plane.dtype == there.dtype


def test_a_large_picture_is_thinned_to_what_a_preview_needs() -> None:
    looker = Looker()
    looker.want("depth", "color")
    made = looker.made(MOST_SIDE_PX * 2 + 2, 40)
    arrived = planes_of(looker.shots[0].picture, bytes(looker.shots[0].buffer.data[: looker.shots[0].size]))
    np.testing.assert_array_equal(arrived["depth"], cast(Any, made.planes)["depth"][::3, ::3])
    np.testing.assert_array_equal(arrived["color"], cast(Any, made.planes)["color"][::3, ::3])
    assert (looker.shots[0].picture.width, looker.shots[0].picture.height) == (MOST_SIDE_PX * 2 + 2, 40)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_pixels_are_copied_as_words_with_every_bit(kind: type[np.floating[Any]]) -> None:
    looker = Looker()
    looker.want("color")
    made, result = frame(5, 3)
    words = np.random.default_rng(1).integers(0, 256, (3, 5, 4 * np.dtype(kind).itemsize), np.uint8)
    cast(Any, made.planes)["color"] = words.view(kind)  # NaN of every kind too
    looker.tap.made(looker.session, made, result)
    assert bytes(looker.shots[0].buffer.data[: looker.shots[0].size]) == words.tobytes()


def test_nothing_is_copied_that_nobody_asked_for_and_each_wish_is_one_picture() -> None:
    looker = Looker()
    looker.made()
    assert looker.shots == []
    looker.want("color")
    looker.made(frame_id=2)
    looker.made(frame_id=3)
    assert [shot.picture.frame for shot in looker.shots] == [2]
    looker.tap.pages = 0
    samples = looker.tap.take_samples()
    assert [sample.frame for sample in samples] == [1, 2, 3]
    looker.made(frame_id=4)
    assert looker.tap.take_samples() == ()


def test_a_picture_that_cannot_be_sent_yet_is_a_later_one() -> None:
    looker = Looker()
    for frame_id in range(1, BUFFERS + 2):
        looker.want("color")
        looker.made(frame_id=frame_id)
    assert [shot.picture.frame for shot in looker.shots] == list(range(1, BUFFERS + 1))
    looker.tap.give_back(looker.shots[0].buffer)
    looker.made(frame_id=9)
    assert looker.shots[-1].picture.frame == 9


def planes(color: Any, plate: Any, **more: Any) -> dict[str, Any]:
    """Of 2x1 pixels, given one colour each."""
    return {
        "color": np.tile(np.asarray(color, np.float16), (1, 2, 1)),
        "plate": np.tile(np.asarray(plate, np.float16), (1, 2, 1)), **more,
    }  # fmt: skip


def test_light_is_shown_by_the_product_s_tone_map() -> None:
    color = (0.2, 0.5, 2.0, 1.0)
    expected = np.floor(tone_map(np.asarray(color[:3], np.float16)) * 255.0 + 0.5)
    for view in (View.ENGINE, View.COMPOSITE):
        shown = DRAW[view](planes(color, (1.0, 0.0, 0.0, 0.0)), display_rgba)
        np.testing.assert_array_equal(shown[0, 0], expected)
    np.testing.assert_array_equal(DRAW[View.PLATE](planes((1, 1, 1, 1), color), display_rgba)[0, 1], expected)


def test_light_is_shown_by_the_view_that_is_named() -> None:
    display = display_of(DEFAULT_VIEW)
    color = np.random.default_rng(3).random((9, 16, 4)).astype(np.float16)
    exact = np.floor(ColorView(STILLS)(color[..., :3]) * 255.0 + 0.5)
    given = {"color": color, "plate": color}
    shown = DRAW[View.ENGINE](given, display)
    assert np.abs(shown - exact).max() <= 3
    assert (shown != DRAW[View.ENGINE](given, display_rgba)).any()
    assert display_of("") is display_rgba
    with pytest.raises(ConfigError, match="there is no view 'Film'"):
        display_of("Film")


def test_what_the_plate_leaves_to_the_engine_is_squares_in_the_plate_and_black_in_the_matte() -> None:
    given = planes((1.0, 1.0, 1.0, 1.0), (1.0, 0.0, 0.0, 0.0))
    assert DRAW[View.PLATE](given, display_rgba)[0, 0].tolist() == [44, 44, 44]
    assert DRAW[View.MATTE](given, display_rgba).max() == 0
    assert DRAW[View.MATTE](planes((1, 1, 1, 1), (1, 1, 1, 0.5)), display_rgba)[0, 0].tolist() == [128] * 3
    assert DRAW[View.DIFFERENCE](given, display_rgba).max() == 0


def test_the_difference_is_between_pictures_as_they_are_shown_and_doubled() -> None:
    given = planes((0.2, 0.2, 0.2, 1.0), (0.22, 0.2, 0.2, 1.0))
    apart = display_rgba(given["plate"]).astype(int) - display_rgba(given["color"]).astype(int)
    assert DRAW[View.DIFFERENCE](given, display_rgba)[0, 0].tolist() == (2 * apart[0, 0, :3]).tolist()


def test_near_is_brighter_than_far_and_nothing_is_black() -> None:
    depth = np.asarray([[NEAR_M / 2, 1.0, 5.0, 50.0, FAR_M * 2, np.inf, np.nan]], np.float32)
    shown = DRAW[View.DEPTH]({"depth": depth}, display_rgba).astype(int).sum(axis=2)[0]
    assert list(shown[:5]) == sorted(shown[:5], reverse=True)
    assert len(set(shown[1:5])) == 4
    assert shown[5] == shown[6] == 0


def test_confidence_is_grey_and_what_is_not_known_is_black() -> None:
    shown = DRAW[View.CONFIDENCE]({"confidence": np.asarray([[0.0, 0.5, 1.0, np.nan]], np.float32)}, display_rgba)
    assert shown[0, :, 0].tolist() == [0, 128, 255, 0]


def test_a_page_is_sent_the_views_that_can_be_made() -> None:
    looker = Looker()
    looker.want(*EVERYTHING)
    looker.made(64, 36)
    shot = looker.shots[0]
    sent = for_page(shot.picture, planes_of(shot.picture, bytes(shot.buffer.data[: shot.size])), tuple(View))
    assert b'"confidence"' not in sent
    assert sent.count(b"\xff\xd8\xff") == len(View) - 1
    assert Image.open(io.BytesIO(sent[sent.index(b"\xff\xd8\xff") :])).size == (64, 36)


def test_a_look_at_the_corners_is_inside_the_picture() -> None:
    given = {"object": np.asarray([[1, 2], [3, 4]], np.uint32), "depth": np.asarray([[1.5, np.inf]], np.float32)}
    assert look(given, 0.0, 0.0) == {"object": 1, "depth_m": 1.5}
    assert look(given, 1.0, 1.0) == {"object": 4, "depth_m": None}
    assert look({}, 0.5, 0.5) == {}


def test_the_confidence_is_that_of_what_the_world_remembers() -> None:
    looker = Looker()
    known = np.linspace(0.0, 1.0, 12, dtype=np.float32).reshape(3, 4)
    remembers = SimpleNamespace(prior=SimpleNamespace(confidence=known))
    looker.session = cast(Session, SimpleNamespace(id=SESSION, worlds={"main": remembers}))
    looker.want("confidence")
    looker.made()
    (shot,) = looker.shots
    np.testing.assert_array_equal(planes_of(shot.picture, bytes(shot.buffer.data[: shot.size]))["confidence"], known)
