"""Settings come from flags, environment, file and default, in that order; what is unknown is refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from renderer.config import Settings, load_settings

NOWHERE = Path("no/such/file.toml")


def file_with(folder: Path, text: str) -> Path:
    path = folder / "worldplate.toml"
    path.write_text(text)
    return path


def test_without_any_source_the_defaults_hold() -> None:
    assert load_settings({}, {}, NOWHERE) == Settings()


def test_flags_go_before_environment_before_file_before_default(tmp_path: Path) -> None:
    file = file_with(tmp_path, 'model = "a"\nthreads = 2\nlog_level = "ERROR"\n')
    environment = {"WORLDPLATE_MODEL": "b", "WORLDPLATE_THREADS": "3", "UNRELATED": "x"}
    settings = load_settings({"model": "c", "threads": None}, environment, file)
    assert (settings.model, settings.threads, settings.log_level, settings.endpoint) == ("c", 3, "ERROR", "")


def test_limits_can_be_set_one_by_one(tmp_path: Path) -> None:
    file = file_with(tmp_path, "[limits]\nmax_text = 7\nmax_slots = 3\n")
    limits = load_settings({}, {"WORLDPLATE_LIMITS__MAX_TEXT": "9"}, file).limits
    assert (limits.max_text, limits.max_slots, limits.max_parts) == (9, 3, 16)


@pytest.mark.parametrize(
    ("flags", "environment", "text", "named"),
    [
        ({"speed": 1}, {}, "", "speed"),
        ({}, {"WORLDPLATE_SPEED": "1"}, "", "environment.*speed"),
        ({}, {}, "speed = 1\n", "toml.*speed"),
        ({}, {}, "threads = 0\n", "threads"),
        ({}, {"WORLDPLATE_THREADS": "many"}, "", "threads"),
        ({}, {}, "[limits]\nmax_dreams = 1\n", "max_dreams"),
        ({}, {}, "model = \n", "not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_source(
    tmp_path: Path, flags: dict[str, object], environment: dict[str, str], text: str, named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        load_settings(flags, environment, file_with(tmp_path, text))


def test_what_ci_and_the_tests_read_is_not_taken_for_a_setting() -> None:
    root = Path(__file__).parent.parent
    files = [root / ".ci/run", *root.glob("tests/*.py"), *root.glob("tests/engines/*.py")]
    read = {name for file in files for name in re.findall(r"WORLDPLATE_REQUIRE_[A-Z]+", file.read_text())}
    assert len(read) > 3
    load_settings({}, dict.fromkeys(read, "1"))
