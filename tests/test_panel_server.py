"""The panel's server over real sockets, without a browser: who is let in, what is refused by name, what reaches the
session, and that nothing a page does stops the show."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_house import LEFT, RIGHT, Browser, Page, PanelHouse, token_of
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge.schema import Label
from renderer.panel.gate import MOST_WRONG
from renderer.panel.messages import PAGE_BYTES
from renderer.panel.pages import AHEAD, MOST_PAGES


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelHouse]:
    opened = PanelHouse(tmp_path_factory.mktemp("panel"))
    yield opened
    opened.close()


@pytest.fixture
def browser(house: PanelHouse) -> Browser:
    """One that was let in."""
    inside = Browser(house.desk)
    assert inside.enter(token_of(house.desk))[0] == 204
    return inside


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.live() as line:
        yield Page(line)


def until(condition: Any, timeout_s: float = 30.0) -> None:
    limit_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < limit_s, "it never came to be"
        time.sleep(0.01)


def ends_with(prompt: str, state: Any) -> bool:
    return bool(state["prompts"][-1:] == [prompt])


def pixels(image: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(int)


def test_a_link_lets_in_once_and_the_next_one_is_another(house: PanelHouse) -> None:
    first, second = Browser(house.desk), Browser(house.desk)
    token = token_of(house.desk)
    status, headers, _ = first.enter(token)
    assert status == 204
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(headers["set-cookie"].split("; "))
    assert first.request("GET", "/entered")[0] == 204
    status, _, said = second.enter(token)
    assert (status, json.loads(said)["code"]) == (403, "bad_token")
    assert second.enter(token_of(house.desk))[0] == 204


def test_a_browser_that_was_not_let_in_gets_the_empty_page_and_no_more(house: PanelHouse) -> None:
    outside = Browser(house.desk)
    assert outside.request("GET", "/")[0] == 200
    assert outside.request("GET", "/entered")[0] == 403
    outside.cookie = f"worldplate_{house.desk.port}=wrong"
    assert outside.request("GET", "/entered")[0] == 403
    with pytest.raises(InvalidStatus) as refused, outside.live():
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_a_page_of_another_site_is_refused_even_with_the_cookie(browser: Browser, origin: str) -> None:
    assert browser.request("GET", "/entered", headers={"Origin": origin})[0] == 403
    status, _, said = browser.request("POST", "/enter", b"{}", {"Origin": origin})
    assert (status, json.loads(said)["code"]) == (403, "refused")
    with pytest.raises(InvalidStatus) as refused, browser.live(origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_a_request_that_does_not_say_where_it_is_from_enters_nothing(house: PanelHouse, browser: Browser) -> None:
    body = json.dumps({"token": token_of(house.desk)}).encode()
    assert browser.request("POST", "/enter", body)[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", ""])
def test_another_name_for_this_machine_is_refused(house: PanelHouse, browser: Browser, host: str) -> None:
    status, _, said = browser.request("GET", "/entered", headers={"Host": host.format(port=house.desk.port)})
    assert status in (400, 403)
    assert status == 400 or json.loads(said)["code"] == "refused"


def test_every_answer_says_what_the_page_may_do(browser: Browser) -> None:
    for path in ("/", "/static/main.js", "/entered", "/static/none.js"):
        headers = {name.lower(): value for name, value in browser.request("GET", path)[1].items()}
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py", "/x"])
def test_only_the_page_s_own_files_are_served(browser: Browser, path: str) -> None:
    assert browser.request("GET", path)[0] == 404


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"token": 1}', b'{"token": null}', b"[" * 900])
def test_what_is_no_token_is_refused_by_name(browser: Browser, body: bytes) -> None:
    status, _, said = browser.request("POST", "/enter", body, {"Origin": browser.origin})
    assert (status, json.loads(said)["code"]) == (400, "malformed_message")


def test_a_request_that_is_too_long_is_refused_by_name(browser: Browser) -> None:
    status, _, said = browser.request("POST", "/enter", b"x" * 5000, {"Origin": browser.origin})
    assert (status, json.loads(said)["code"]) == (413, "limit_exceeded")


def test_a_page_learns_the_model_its_controls_and_the_engines(page: Page) -> None:
    state = page.state(lambda said: said["sessions"] and said["sessions"][0]["streams"])
    assert (state["model"], state["can_record"]) == ("painter", False)
    assert [control["name"] for control in state["controls"]][:2] == ["prompt", "sun_from"]
    session = state["sessions"][0]
    assert (session["name"], session["engine"], session["streams"]) == ("test engine", "embedded", ["main"])
    assert session["views"] == ["engine", "plate", "composite", "depth", "matte", "difference"]
    assert state["labels"][Label.PLASTIC] == "plastic"
    assert page.state(lambda said: said["health"]["level"] == "good")


def test_a_page_is_shown_the_views_that_it_watches(page: Page) -> None:
    page.watch("engine", "plate")
    head, images = page.picture()
    assert (head["views"], head["width"], head["height"]) == (["engine", "plate"], 96, 54)
    engine, plate = map(pixels, images)
    assert engine[..., 0].min() > 150
    assert plate.max() < 20
    page.watch("depth")
    head, (image,) = page.picture(lambda said: said[0]["views"] == ["depth"])
    depth = pixels(image)
    assert depth[:20].max() < 30  # nothing there is black
    assert depth[34:].min() > 60


def test_a_view_that_there_are_no_planes_for_is_left_out(page: Page) -> None:
    page.watch("confidence", "engine")
    assert page.picture()[0]["views"] == ["engine"]


def test_controls_of_a_page_reach_the_plate(page: Page) -> None:
    session = page.watch("composite")
    answer = page.ask(do="steer", session=session["id"], values={"blue": True, "bands": 4})
    assert (answer["code"], answer["what"]) == ("", "from the next frame on")
    _, (image,) = page.picture(lambda said: pixels(said[1][0])[30, 5, 2] > 150)
    assert pixels(image)[1, 5].max() < 40
    assert page.state(lambda said: said["sessions"][0]["values"]["blue"] is True)
    page.ask(do="steer", session=session["id"], values={"blue": False, "bands": 0})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"red": 2.0}, "from 0 to 1"),
        ({"red": "much"}, "a number"),
        ({"bands": 1.5}, "a whole number"),
        ({"sun_from": "moon"}, "angles, hour"),
        ({"none": 1}, "no control 'none'"),
        ({"prompt": "x" * 1025}, "over the limit of 1024"),
    ],
)
def test_a_control_out_of_its_schema_is_refused_and_says_what_it_may_be(page: Page, values: Any, says: str) -> None:
    session = page.watch("plate")
    answer = page.ask(do="steer", session=session["id"], values=values)
    assert answer["code"] in ("invalid_value", "limit_exceeded")
    assert says in answer["what"]
    assert answer["fix"]
    assert page.picture()


def test_a_click_is_about_the_picture_that_was_sent(page: Page) -> None:
    page.watch("engine")
    page.picture()
    assert page.ask(do="look", x=0.1, y=0.9) == {
        "is": "seen", "n": 1, "x": 0.1, "y": 0.9, "object": LEFT, "label": Label.WOOD, "depth_m": 4.0,
    }  # fmt: skip
    seen = page.ask(do="look", x=1.0, y=0.0)
    assert (seen["object"], seen["depth_m"]) == (RIGHT, None)


def test_what_a_page_leaves_to_the_engine_is_the_engine_s(page: Page) -> None:
    session = page.watch("composite")
    assert page.ask(do="steer", session=session["id"], engine_objects=[RIGHT])["code"] == ""
    _, (image,) = page.picture(lambda said: pixels(said[1][0])[20, 80, 0] > 150)
    assert pixels(image)[20, 10].max() < 40
    assert page.state(lambda said: said["sessions"][0]["engine_objects"] == [RIGHT])
    page.ask(do="steer", session=session["id"], engine_objects=[], plate_near_m=1.0, plate_far_m=50.0)
    assert page.state(lambda said: said["sessions"][0]["plate_far_m"] == 50.0)
    page.ask(do="steer", session=session["id"], plate_near_m=0.0, plate_far_m=-1.0)
    assert page.state(lambda said: said["sessions"][0]["plate_far_m"] == -1.0)


def test_a_page_follows_what_the_engine_s_own_panel_sets(house: PanelHouse, page: Page) -> None:
    house.client.set_controls({"red": 0.25}, engine_labels=(int(Label.WOOD),))
    session = page.state(lambda said: said["sessions"] and said["sessions"][0]["values"]["red"] == 0.25)["sessions"][0]
    assert session["engine_labels"] == [Label.WOOD]
    house.client.set_controls({"red": 0.0}, engine_labels=())


def test_worlds_are_reset_saved_restored_and_forked(house: PanelHouse, page: Page) -> None:
    session = page.watch("plate")
    before = house.model.resets
    assert "reset" in page.ask(do="world", session=session["id"], op="reset")["what"]
    until(lambda: house.model.resets > before)
    assert "saved as 'first'" in page.ask(do="world", session=session["id"], op="snapshot", name="first")["what"]
    assert page.state(lambda said: said["snapshots"] == ["first"])
    assert "restored" in page.ask(do="world", session=session["id"], op="restore", name="first")["what"]
    assert "'b' goes on" in page.ask(do="world", session=session["id"], op="fork", to_stream="b")["what"]
    assert page.state(lambda said: said["sessions"][0]["streams"] == ["main", "b"])


def test_world_operations_that_cannot_be_say_why(page: Page) -> None:
    session = page.watch("plate")
    lost = page.ask(do="world", session=session["id"], op="restore", name="never")
    assert (lost["code"], bool(lost["fix"])) == ("snapshot_not_found", True)
    assert page.ask(do="world", session=session["id"], op="snapshot", name="../up")["code"] == "invalid_value"
    assert page.ask(do="world", session="0" * 32, op="reset")["code"] == "unknown_session"
    assert page.ask(do="record", session=session["id"], on=True)["code"] == "missing_dependency"


def test_prompts_are_remembered_newest_last(page: Page) -> None:
    session = page.watch("plate")
    for prompt in ("dusk", "snow", "dusk"):
        page.ask(do="steer", session=session["id"], values={"prompt": prompt})
        page.state(partial(ends_with, prompt))
    assert page.ask(do="steer", session=session["id"], values={"prompt": ""})["code"] == ""
    assert page.state(lambda said: said["sessions"][0]["values"]["prompt"] == "")["prompts"] == ["snow", "dusk"]


@pytest.mark.parametrize(
    "garbage",
    [
        "", "{", "[]", "null", '{"do": "steer"}', '{"do": "explode"}', '{"do": "look", "x": 7, "y": 0}', "[" * 9000,
        '{"do": "watch", "session": "../../etc", "stream": "main", "views": ["plate"]}', b"\xff\xfe\x00", b"{}",
        '{"do": "drawn", "n": -1}', '{"do": "drawn", "more": 1}', '{"do": "look", "x": NaN, "y": 0}',
    ],
)  # fmt: skip
def test_garbage_is_refused_by_name_and_the_page_goes_on(page: Page, garbage: str | bytes) -> None:
    page.line.send(garbage)
    refused = page.hear(lambda said: isinstance(said, dict) and said["is"] == "answer")
    assert (refused["code"], bool(refused["what"]), bool(refused["fix"])) == ("malformed_message", True, True)
    page.watch("plate")
    assert page.picture()


def test_a_message_that_is_too_long_is_refused_by_name(page: Page) -> None:
    page.line.send("x" * (PAGE_BYTES + 1))
    refused = page.hear(lambda said: isinstance(said, dict) and said["is"] == "answer")
    assert refused["code"] == "limit_exceeded"
    assert str(PAGE_BYTES) in refused["what"]


def test_a_page_that_never_stops_talking_is_shown_the_door(page: Page) -> None:
    def talk() -> None:
        for _ in range(20_000):
            page.line.send('{"do":"drawn"}')
        page.hear(lambda _: False)

    with pytest.raises(ConnectionClosed) as closed:
        talk()
    assert closed.value.rcvd is None or closed.value.rcvd.code == 1008


def test_a_page_that_draws_nothing_is_sent_no_more_than_it_has_room_for(house: PanelHouse, page: Page) -> None:
    session = page.watch("engine")
    pictures = 0
    started_s = time.monotonic()
    while time.monotonic() - started_s < 2.0:
        try:
            pictures += isinstance(page.line.recv(timeout=0.2), bytes)
        except TimeoutError:
            continue
    assert pictures == AHEAD
    assert (session["id"], "main") not in house.desk.tap._wishes  # and nothing is copied for it


def test_there_is_an_end_to_the_pages_that_may_be_open(browser: Browser, page: Page) -> None:
    with ExitStack() as open_pages:
        for _ in range(MOST_PAGES - 1):
            open_pages.enter_context(browser.live())
        refused = Page(open_pages.enter_context(browser.live())).hear(lambda said: said["is"] == "answer")
        assert (refused["code"], "open pages" in refused["what"]) == ("limit_exceeded", True)


def test_a_person_inside_may_hand_out_another_link(house: PanelHouse, page: Page) -> None:
    token = page.ask(do="link")["token"]
    assert Browser(house.desk).enter(token)[0] == 204


def test_time_comes_back_with_the_renderer_s_clock(page: Page) -> None:
    before_ms = time.monotonic_ns() / 1e6
    said = page.ask(do="time", t=5.0)
    assert said["t"] == 5.0
    assert before_ms <= said["ms"] <= time.monotonic_ns() / 1e6


def test_what_is_wrong_is_said_in_words_and_goes_when_it_is_over(house: PanelHouse, page: Page) -> None:
    page.watch("plate")
    house.model.broken = True
    health = page.state(lambda said: said["health"]["level"] == "bad")["health"]
    assert "its brush is gone" in health["what"]
    assert "restart" in health["fix"]
    house.model.broken = False
    house.paused.set()
    health = page.state(lambda said: said["health"]["level"] == "warn")["health"]
    assert "no frame for" in health["what"]
    house.paused.clear()
    assert page.state(lambda said: said["health"]["level"] == "good")


def test_a_renderer_that_hangs_is_told_while_it_hangs(house: PanelHouse, page: Page) -> None:
    page.watch("plate")
    page.picture()
    house.model.held.set()
    try:
        assert "has not answered" in page.state(lambda said: said["health"]["level"] == "bad")["health"]["what"]
    finally:
        house.model.held.clear()
    assert page.state(lambda said: said["health"]["level"] == "good")


def test_wrong_links_are_counted_and_soon_none_is_looked_at(tmp_path: Path) -> None:
    house = PanelHouse(tmp_path, with_engine=False)
    try:
        guesser = Browser(house.desk)
        codes = [guesser.enter("guess")[0] for _ in range(MOST_WRONG + 1)]
        assert codes == [403] * MOST_WRONG + [429]
        status, _, said = guesser.enter(token_of(house.desk))
        assert (status, json.loads(said)["code"]) == (429, "limit_exceeded")
    finally:
        house.close()


def test_the_panel_s_process_may_die_and_the_next_request_finds_another(tmp_path: Path) -> None:
    house = PanelHouse(tmp_path)
    try:
        browser = Browser(house.desk)
        assert browser.enter(token_of(house.desk))[0] == 204
        with browser.live() as line:
            page = Page(line)
            page.watch("plate")
            page.picture()
            assert house.desk.pid is not None
            time.sleep(2.0)  # it has lived
            os.kill(house.desk.pid, signal.SIGKILL)
            with pytest.raises(ConnectionClosed):
                page.hear(lambda _: False)
        made = house.client.ledger.counts.copy()
        until(lambda: house.client.ledger.counts != made)  # the show goes on
        browser.cookie = ""
        until(lambda: browser.enter(token_of(house.desk))[0] == 204)
        with browser.live() as line:
            again = Page(line)
            again.watch("plate")
            assert again.picture()
    finally:
        house.close()


def test_without_a_browser_no_process_is_started(tmp_path: Path) -> None:
    house = PanelHouse(tmp_path)
    until(lambda: house.client.ledger.counts)
    pid = house.desk.pid
    house.close()
    assert pid is None
