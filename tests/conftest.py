"""Tests make keys and journals of their own, and leave those of the user who runs them alone; what a command sets for
its process they set back."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

LEVELS = {name: logging.getLogger(name).level for name in ("", "bridge", "worldplate.renderer")}


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        yield


@pytest.fixture(autouse=True)
def _own_log_levels() -> Iterator[None]:
    yield
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)
