"""The panel's page in a real Chromium: click, drag and type, and see the effect in the pixels."""

from __future__ import annotations

import inspect
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from panel_house import LEFT, RIGHT, PanelHouse, stopped, token_of
from panel_window import WAIT_MS, click_picture, color_at, drag, open_panel, steering, until, until_pixel, untouched

from bridge.schema import Disposition, Label

CHROMIUM = Path("/usr/bin/chromium")
REQUIRED = os.environ.get("WORLDPLATE_REQUIRE_BROWSER") == "1"
SIZES = {"desktop": (1280, 720), "tablet": (1024, 768)}
DARK, BRIGHT = 40, 150  # of 255

if not CHROMIUM.exists() and not REQUIRED:
    pytest.skip(
        f"THE PANEL'S PAGE IS NOT TESTED: there is no {CHROMIUM}; install Debian's chromium", allow_module_level=True
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelHouse]:
    opened = PanelHouse(tmp_path_factory.mktemp("panel"), records=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def window(chromium: Any, house: PanelHouse) -> Iterator[Any]:
    """The page, let in by a link, with a picture."""
    page = open_panel(chromium, house.desk.link)
    yield page
    page.close()


@pytest.fixture
def page(window: Any, house: PanelHouse) -> Iterator[Any]:
    """As it is when nobody has touched anything; nothing may have been complained about at the end."""
    window.complaints.clear()
    untouched(window, house)
    until(window, lambda: window.evaluate("!document.querySelector('#owned-list').children.length"))
    until_pixel(window, lambda rgb: max(rgb) < DARK)
    yield window
    assert window.complaints == []


def test_the_link_s_token_is_gone_from_the_address(page: Any) -> None:
    assert "token" not in page.url


def test_each_view_shows_what_it_is_called(page: Any) -> None:
    reds = {"composite": False, "engine": True, "plate": False, "matte": True, "difference": True}
    for view, red in reds.items():
        page.click(f'#views [data-value="{view}"]')
        page.wait_for_selector(f'#first[data-view="{view}"]')
        until_pixel(page, lambda rgb, red=red: (rgb[0] > BRIGHT) == red)  # type: ignore[misc]
    page.click('#views [data-value="depth"]')
    page.wait_for_selector('#first[data-view="depth"]')
    until_pixel(page, lambda rgb: max(rgb) < DARK, y=0.2)  # no geometry
    until_pixel(page, lambda rgb: max(rgb) > DARK, y=0.8)
    assert page.locator('#views [data-value="confidence"]').is_disabled()
    page.locator('#views [aria-checked="true"]').press("ArrowLeft")
    page.wait_for_selector('#first[data-view="plate"]')
    page.keyboard.press("1")
    page.wait_for_selector('#first[data-view="composite"]')


def test_the_wipe_is_dragged_and_both_sides_are_of_one_frame(page: Any) -> None:
    page.keyboard.press("w")
    page.select_option("#other", "engine")
    page.wait_for_selector('#second[data-view="engine"]:not([hidden])')
    assert page.locator("#handle").get_attribute("aria-valuenow") == "50"
    drag(page, "#frame", 0.5, 0.5, 0.25, 0.5)
    assert abs(int(page.locator("#handle").get_attribute("aria-valuenow")) - 25) <= 1
    box = page.locator("#frame").bounding_box()
    shot = page.screenshot(clip={"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]})
    left, right = (color_at(shot, x, 0.75) for x in (0.1, 0.6))
    assert left[0] < DARK  # the composite
    assert right[0] > BRIGHT  # the engine's own
    page.locator("#handle").press("ArrowRight")
    assert abs(int(page.locator("#handle").get_attribute("aria-valuenow")) - 27) <= 1
    page.select_option("#other", "matte")
    page.wait_for_selector('#second[data-view="matte"]')
    page.select_option("#other", "engine")
    page.click("#wipe")
    page.wait_for_selector("#second", state="hidden")
    assert page.locator("#menu").is_hidden()  # a drag is no click


def test_the_picture_alone(page: Any) -> None:
    before = page.locator("#frame").bounding_box()["width"]
    page.click("#large")
    assert page.locator(".side").is_hidden()
    until(page, lambda: page.locator("#frame").bounding_box()["width"] > before)
    page.keyboard.press("f")
    assert page.locator(".side").is_visible()


def test_a_prompt_is_typed_seen_and_found_again(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("a green morning")
    page.keyboard.press("Enter")
    until_pixel(page, lambda rgb: rgb[1] > BRIGHT)
    page.fill("#control-prompt", "")
    page.click(".control.text .send")
    until_pixel(page, lambda rgb: max(rgb) < DARK)
    page.click(".past button:has-text('a green morning')")
    until_pixel(page, lambda rgb: rgb[1] > BRIGHT)
    page.click('[data-control="prompt"] .back')
    until_pixel(page, lambda rgb: max(rgb) < DARK)
    page.focus("#control-prompt")
    page.keyboard.press("ArrowUp")
    assert page.input_value("#control-prompt") == "a green morning"
    page.keyboard.press("Escape")
    assert page.input_value("#control-prompt") == ""


def test_a_slider_is_dragged_and_the_plate_changes(page: Any, house: PanelHouse) -> None:
    drag(page, '[data-control="red"] input[type="range"]', 0.03, 0.5, 0.9, 0.5)
    until_pixel(page, lambda rgb: rgb[0] > BRIGHT)
    until(page, lambda: 0.8 < steering(house).controls["red"] <= 1.0)
    page.click('[data-control="red"] .back')
    until_pixel(page, lambda rgb: max(rgb) < DARK)


def test_an_exact_value_is_typed_and_a_wrong_one_is_refused_beside_it(page: Any, house: PanelHouse) -> None:
    page.fill("#control-red", "0.5")
    page.keyboard.press("Enter")
    until(page, lambda: steering(house).controls["red"] == 0.5)
    page.fill("#control-red", "7")
    page.keyboard.press("Enter")
    page.wait_for_selector("#control-red-error:not([hidden])")
    assert "from 0 to 1" in page.inner_text("#control-red-error")
    assert steering(house).controls["red"] == 0.5
    until(page, lambda: page.input_value("#control-red") == "0.5")  # what holds is shown again
    page.focus("#control-red")
    page.keyboard.press("ArrowUp")
    until(page, lambda: steering(house).controls["red"] == 0.51)


def test_boxes_whole_numbers_and_choices(page: Any, house: PanelHouse) -> None:
    page.check("#control-blue")
    until_pixel(page, lambda rgb: rgb[2] > BRIGHT)
    page.fill("#control-bands", "8")
    page.keyboard.press("Enter")
    until_pixel(page, lambda rgb: rgb[2] < DARK, y=0.05)
    drag(page, '[data-control="bands"] input[type="range"]', 0.95, 0.5, 0.05, 0.5)
    until_pixel(page, lambda rgb: rgb[2] > BRIGHT, y=0.05)
    page.select_option("#control-sun_from", "hour")
    until(page, lambda: steering(house).controls["sun_from"] == "hour")


def test_the_sun_is_dragged_over_the_sky(page: Any, house: PanelHouse) -> None:
    page.select_option("#control-sun_from", "hour")
    drag(page, ".dial", 0.5, 0.4, 0.75, 0.5)
    until(page, lambda: abs(float(steering(house).controls["sun_azimuth_deg"]) - 90.0) <= 2.0)
    until(page, lambda: 10.0 < float(steering(house).controls["sun_elevation_deg"]) < 50.0)
    assert steering(house).controls["sun_from"] == "angles"  # what is touched is what holds
    page.locator(".dial .sun").press("ArrowRight")
    until(page, lambda: abs(float(steering(house).controls["sun_azimuth_deg"]) - 95.0) <= 2.0)
    assert "azimuth" in page.locator(".dial .sun").get_attribute("aria-valuetext")
    page.fill("#control-hour", "6.5")
    page.keyboard.press("Enter")
    until(page, lambda: steering(house).controls["sun_from"] == "hour")
    for name in ("sun_azimuth_deg", "sun_elevation_deg", "hour"):
        drag(page, f'[data-control="{name}"] input[type="range"]', 0.5, 0.5, 0.6, 0.5)
    page.fill("#control-sun_azimuth_deg", "33.3")
    page.keyboard.press("Enter")
    page.fill("#control-sun_elevation_deg", "-12")
    page.keyboard.press("Enter")
    until(page, lambda: steering(house).controls["sun_azimuth_deg"] == 33.3)
    until(page, lambda: steering(house).controls["sun_elevation_deg"] == -12.0)


def test_the_seed_is_typed_dragged_and_thrown(page: Any, house: PanelHouse) -> None:
    page.fill("#control-seed", "12")
    page.keyboard.press("Enter")
    until(page, lambda: steering(house).controls["seed"] == 12.0)
    page.click(".dice")
    until(page, lambda: steering(house).controls["seed"] not in (0.0, 12.0))
    drag(page, '[data-control="seed"] input[type="range"]', 0.5, 0.5, 0.95, 0.5)
    until(page, lambda: float(steering(house).controls["seed"]) > 40_000)


def test_a_thing_that_is_clicked_becomes_the_engine_s_and_goes_back(page: Any, house: PanelHouse) -> None:
    click_picture(page, 0.75, 0.75)
    assert f"object {RIGHT}" in page.inner_text("#menu p")
    assert "4.00 m away" in page.inner_text("#menu p")
    page.click("#menu button:has-text('this object')")
    until_pixel(page, lambda rgb: rgb[0] > BRIGHT, x=0.75)
    until_pixel(page, lambda rgb: rgb[0] < DARK, x=0.25)
    click_picture(page, 0.25, 0.75)
    page.click("#menu button:has-text('all wood')")
    until_pixel(page, lambda rgb: rgb[0] > BRIGHT, x=0.25)
    assert steering(house).ownership.labels == {Label.WOOD}
    page.click("#undo")
    until_pixel(page, lambda rgb: rgb[0] < DARK, x=0.25)
    page.click(f"#owned-list li:has-text('object {RIGHT}') button")
    until_pixel(page, lambda rgb: rgb[0] < DARK, x=0.75)
    page.keyboard.press("Control+z")
    until_pixel(page, lambda rgb: rgb[0] > BRIGHT, x=0.75)
    assert steering(house).ownership.objects == {RIGHT}
    assert LEFT not in steering(house).ownership.objects
    click_picture(page, 0.25, 0.75)
    page.keyboard.press("Escape")
    assert page.locator("#menu").is_hidden()


def test_distances_are_left_to_the_engine(page: Any, house: PanelHouse) -> None:
    page.fill("#near", "5")
    page.keyboard.press("Enter")
    until_pixel(page, lambda rgb: rgb[0] > BRIGHT, y=0.9)
    page.fill("#far", "50")
    page.keyboard.press("Enter")
    until_pixel(page, lambda rgb: rgb[0] > BRIGHT, y=0.1)
    assert steering(house).ownership.plate_far_m == 50.0


def test_the_world_is_reset_saved_restored_and_forked(page: Any, house: PanelHouse) -> None:
    resets = house.model.resets
    page.select_option("#reset-kind", "cut")
    page.click("#reset")
    page.wait_for_selector("#world-said:has-text('reset')")
    until(page, lambda: house.model.resets > resets)
    resets = house.model.resets
    page.keyboard.press("Shift+X")
    until(page, lambda: house.model.resets > resets)
    page.keyboard.press("s")
    page.keyboard.type("evening")
    page.click("#save button")
    page.wait_for_selector("#world-said:has-text(\"saved as 'evening'\")")
    page.wait_for_selector("#restore-name option[value='evening']", state="attached")
    page.select_option("#restore-name", "evening")
    page.click("#restore button")
    page.wait_for_selector("#world-said:has-text('restored')")
    page.fill("#save-name", "../up")
    page.click("#save button")
    page.wait_for_selector("#world-said[data-level='bad']:has-text('letters, digits')")
    page.fill("#fork-name", "what-if")
    page.click("#fork button")
    page.wait_for_selector("#world-said:has-text(\"'what-if' goes on\")")
    page.click('#streams [data-value="what-if"]')
    page.wait_for_selector('#streams [data-value="what-if"][aria-checked="true"]')
    page.click('#streams [data-value="main"]')
    page.wait_for_selector("#frame[data-frame]")


def test_a_take_is_started_and_stopped(page: Any) -> None:
    page.click("#record")
    page.wait_for_selector("#record[aria-pressed='true']")
    page.keyboard.press("r")
    page.wait_for_selector("#record[aria-pressed='false']")


def test_a_second_engine_can_be_chosen(page: Any, house: PanelHouse) -> None:
    with house.another_engine("second engine"):
        page.wait_for_selector("#session option:has-text('second engine')", state="attached")
        page.select_option("#session", label="second engine")
        page.wait_for_selector("#frame[data-frame]")
        page.click("#views [data-value='engine']")
        until_pixel(page, lambda rgb: rgb[0] > BRIGHT)
    until(page, lambda: page.evaluate("document.querySelector('#session').options.length === 1"))
    page.wait_for_selector("#frame[data-frame]")
    page.click("#views [data-value='composite']")
    page.wait_for_selector("#first[data-view='composite']")


def test_what_the_engine_s_own_panel_sets_is_followed(page: Any, house: PanelHouse) -> None:
    house.client.set_controls({"red": 0.75, "blue": True}, engine_labels=(int(Label.PLASTIC),))
    until(page, lambda: page.input_value("#control-red") == "0.75")
    assert page.is_checked("#control-blue")
    page.wait_for_selector("#owned-list li:has-text('all plastic')")


def test_the_keys_are_told(page: Any) -> None:
    page.click("#help")
    assert "wipe" in page.inner_text("#keys")
    page.click("#keys button")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")


def test_a_link_for_another_browser_opens_the_panel_there(page: Any, chromium: Any) -> None:
    page.click("#link")
    until(page, lambda: page.evaluate("document.querySelector('#link-text').value.includes('token=')"))
    link = page.input_value("#link-text")
    page.click("#link-sheet button")
    other = chromium.new_context().new_page()
    other.goto(link)
    other.wait_for_selector("#door", state="hidden", timeout=WAIT_MS)
    other.wait_for_selector("#health:has-text('All is well')", timeout=WAIT_MS)
    other.context.close()


def test_a_used_link_is_refused_and_the_next_one_may_be_typed(page: Any, chromium: Any, house: PanelHouse) -> None:
    stranger = chromium.new_context().new_page()
    stranger.goto(f"http://127.0.0.1:{house.desk.port}/#token=used")
    stranger.wait_for_selector("#door-what:has-text('wrong, or it was used')", timeout=WAIT_MS)
    stranger.fill("#token", f"http://127.0.0.1:{house.desk.port}/#token={token_of(house.desk)}")
    stranger.click("#enter button")
    stranger.wait_for_selector("#door", state="hidden", timeout=WAIT_MS)
    stranger.context.close()


def test_another_model_is_chosen_and_takes_over(page: Any, house: PanelHouse) -> None:
    for name, is_blue in (("other_painter", True), ("painter", False)):
        page.select_option("#use-name", name)
        page.click("#use button")
        page.wait_for_selector("#model-said[data-level=good]")
        until_pixel(page, lambda rgb, blue=is_blue: (rgb[2] > BRIGHT) == blue)  # type: ignore[misc]
        until(page, lambda name=name: f"{name} on" in page.inner_text("#facts"))  # type: ignore[misc]
        assert page.inner_text("#model-said").startswith(f"{name[0].upper()}{name[1:]} serves")


def test_figures_live(page: Any) -> None:
    until(page, lambda: page.evaluate("/^[0-9.]+$/.test(document.querySelector('#gauge-fps').textContent)"))
    until(page, lambda: page.evaluate("/p99 [0-9.]+ ms/.test(document.querySelector('#chart-age span').textContent)"))
    until(page, lambda: page.evaluate("/generate [0-9.]+/.test(document.querySelector('#legend').textContent)"))
    assert page.inner_text("#health strong") == "All is well"


def test_a_stopped_browser_costs_nothing_and_goes_on(chromium: Any, house: PanelHouse, page: Any) -> None:
    others = [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]
    assert others
    with stopped(others):
        time.sleep(1.5)
        tap = house.desk.tap
        assert "main" not in {stream for _, stream in tap._wishes}  # nothing is copied for it
        before = house.client.ledger.counts[Disposition.GENERATED]
        time.sleep(1.0)
        assert house.client.ledger.counts[Disposition.GENERATED] > before
    frame = page.get_attribute("#frame", "data-frame")
    until(page, lambda: page.evaluate(f"document.querySelector('#frame').dataset.frame !== '{frame}'"))


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_off_and_nothing_lies_over_another(page: Any, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(300)
    overflow = page.evaluate(
        """() => [...document.querySelectorAll('.bar > *, .tools > *, .charts, .chart, .chart canvas, .stage, .screen')]
            .filter((e) => { const box = e.getBoundingClientRect(), around = e.parentElement.getBoundingClientRect();
                return e.offsetParent && (box.right > around.right + 1 || box.bottom > innerHeight + 1) })
            .map((e) => e.id || e.className || e.tagName)"""
    )
    assert overflow == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 720})


def test_everything_has_a_name_for_those_who_do_not_see_it(page: Any) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, [role="slider"], [role="img"]')]
            .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length || e.title))
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_every_control_of_the_page_is_touched_by_a_test_here(page: Any) -> None:
    tests = [test for name, test in inspect.getmembers(sys.modules[__name__]) if name.startswith("test_")]
    source = "".join(inspect.getsource(test) for test in tests)
    controls = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, [role="slider"]')].map((e) => ({
            id: e.id, within: e.closest('[id]').id, control: e.closest('[data-control]')?.dataset.control,
            kind: e.type ?? '', name: e.className?.baseVal ?? e.className }))"""
    )
    assert len(controls) > 40
    for control in controls:
        ways = [f'#{control["id"]}"'] if control["id"] else []
        ways += [f"#{control['within']} button", f"#{control['within']} [", f"#{control['within']} li", ".past button"]
        ways += [f".{name}" for name in control["name"].split()]
        if control["kind"] == "range":
            ways = [f'[data-control="{control["control"]}"] input', '[data-control="{name}"] input']
        found = any(re.search(re.escape(way), source) for way in ways)
        assert found, f"no test touches {control}"
