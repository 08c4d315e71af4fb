"""What a person does with the panel's page, and what they see of it, for the tests in a browser."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from panel_house import PanelHouse
from PIL import Image

from bridge.schema import Disposition

WAIT_MS = 45_000
IN_FLIGHT = 4  # frames: the slots of a ring


def open_panel(chromium: Any, link: str) -> Any:
    """The page, once it has a picture; `complaints` has what its console said."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(WAIT_MS)
    page.complaints = []
    page.on("console", lambda said: said.type in ("error", "warning") and page.complaints.append(said.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(link)
    page.wait_for_selector("#frame[data-frame]")
    return page


def pixel(page: Any, x: float = 0.25, y: float = 0.75, canvas: str = "first") -> list[int]:
    """Of the picture as it is drawn, 0..1 from the left and the top."""
    script = """([id, x, y]) => { const c = document.getElementById(id);
        const one = new OffscreenCanvas(1, 1).getContext('2d');
        one.drawImage(c, x * (c.width - 1), y * (c.height - 1), 1, 1, 0, 0, 1, 1);
        return [...one.getImageData(0, 0, 1, 1).data].slice(0, 3) }"""
    return list(page.evaluate(script, [canvas, x, y]))


def until_pixel(page: Any, fits: Callable[[list[int]], object], x: float = 0.25, y: float = 0.75) -> None:
    until(page, lambda: fits(pixel(page, x, y)))


def until(page: Any, condition: Callable[[], object]) -> None:
    limit_s = time.monotonic() + WAIT_MS / 1000
    while not condition():
        assert time.monotonic() < limit_s, "it never came to be"
        page.wait_for_timeout(30)


def click_picture(page: Any, x: float, y: float) -> None:
    box = page.locator("#frame").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.wait_for_selector("#menu:not([hidden])")


def drag(page: Any, selector: str, x: float, y: float, to_x: float, to_y: float) -> None:
    """From one place of an element to another, 0..1 of its box."""
    box = page.locator(selector).bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.down()
    for share in (0.3, 0.6, 1.0):
        where = (x + (to_x - x) * share, y + (to_y - y) * share)
        page.mouse.move(box["x"] + where[0] * box["width"], box["y"] + where[1] * box["height"])
    page.mouse.up()


def untouched(page: Any, house: PanelHouse) -> None:
    """All controls and what is the engine's as they were at first."""
    house.client.set_controls(
        {control.name: control.default for control in house.model.card.controls}, engine_objects=(), engine_labels=(),
        plate_near_m=0.0, plate_far_m=float("inf"),
    )  # fmt: skip
    answered = house.client.ledger.counts[Disposition.GENERATED]
    # More than can be under way: else a frame of before brings these values after those that a test sets.
    until(page, lambda: house.client.ledger.counts[Disposition.GENERATED] > answered + IN_FLIGHT)


def steering(house: PanelHouse) -> Any:
    return house.renderer.ask(lambda renderer: renderer.sessions[0].steering).result(10.0)


def color_at(png: bytes, x: float, y: float) -> tuple[int, ...]:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    found = image.getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(found, tuple)
    return found
