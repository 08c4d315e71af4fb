"""What the pages in docs/ say is what the product does: controls, error codes, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge import errors
from bridge.schema import Control, ControlType, LatePolicy, SyncMode
from renderer.models.limn.controls import CONTROLS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "plugins").rglob("README.md")])
MODELS, TROUBLE = (ROOT / "docs" / name for name in ("models_and_controls.md", "troubleshooting.md"))


def row_of(control: Control) -> str:
    """What a control's row in the page begins with."""
    if control.type is ControlType.TEXT:
        return f"| `{control.name}` | text |"
    if control.type is ControlType.CHOICE:
        return f"| `{control.name}` | {', '.join(f'`{c}`' for c in control.choices)}; `{control.default}` |"
    assert isinstance(control.default, float)
    return f"| `{control.name}` | {control.minimum:g} to {control.maximum:g}, {control.default:g} |"


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: str(c.name))
def test_the_page_on_controls_has_each_with_its_range_and_default(control: Control) -> None:
    assert row_of(control) in MODELS.read_text()


def test_the_page_on_controls_has_every_late_policy_and_every_sync_mode_that_is_served() -> None:
    text = MODELS.read_text()
    for word in [*LatePolicy, *(mode for mode in SyncMode if mode is not SyncMode.GENLOCKED)]:
        assert f"| `{word}`" in text, f"{word} is not explained"


def kinds(root: type[errors.WorldplateError]) -> list[type[errors.WorldplateError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


def test_every_error_code_is_in_the_page_on_trouble() -> None:
    text = TROUBLE.read_text()
    own = [kind for kind in kinds(errors.WorldplateError) if kind.__module__ == "bridge.errors"]
    assert [kind.code for kind in own if f"`{kind.code}`" not in text] == []


def test_there_are_pages_to_look_at() -> None:
    assert len(PAGES) > 8


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    dead = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert dead == []
