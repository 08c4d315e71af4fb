"""When there is a panel: its settings, its packages, its port; and that it lets go of everything."""

from __future__ import annotations

import importlib.util
import logging
import socket
import threading
from typing import Any

import pytest

from bridge.errors import ConfigError, EndpointInUse
from renderer.config import Settings, load_settings
from renderer.panel.desk import Desk
from renderer.start import panel_of


def test_the_panel_is_on_and_takes_any_port_that_is_free() -> None:
    desk = panel_of(Settings())
    assert desk is not None
    try:
        assert desk.port > 0
        assert desk.link.startswith(f"http://127.0.0.1:{desk.port}/#token=")
    finally:
        desk.close()


def test_it_can_be_turned_off_in_each_source() -> None:
    assert panel_of(load_settings({"panel": False}, {})) is None
    assert panel_of(load_settings({}, {"WORLDPLATE_PANEL": "0"})) is None


def test_a_port_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="panel_port"):
        load_settings({}, {"WORLDPLATE_PANEL_PORT": "70000"})


def test_a_port_that_is_taken_is_said_with_the_setting_to_change() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EndpointInUse, match=f"{port}.*panel_port"):
            Desk(port)


def test_without_its_packages_one_line_says_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name == "uvicorn" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    caplog.set_level(logging.INFO)
    assert panel_of(Settings()) is None
    (line,) = caplog.messages
    assert "uvicorn" in line
    assert "pip install 'worldplate[panel]'" in line


def test_closing_lets_go_of_the_port_and_a_second_time_does_nothing() -> None:
    desk = Desk()
    threads = threading.active_count()
    desk.close()
    desk.close()
    assert threading.active_count() <= threads
    Desk(desk.port).close()
