"""A take that is finished is signed beside it; its bits stay as they were recorded."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import WorldplateError
from bridge.take import Take
from renderer.provenance.generation import Generation, generation_of
from renderer.provenance.journal import Line, note

log = logging.getLogger("worldplate.provenance")


def sign_recording(path: Path, software: str, *, marked: bool = True) -> None:
    """Sign a take and write it into the journal; reads the file once, so it is called where nobody waits. Nothing is
    raised: a take without a signature is still a take, and why it has none stands in the log."""
    try:
        with Take.open(path) as take:
            about = generation_of(take.info, software)
        if marked:
            _sign(path, about)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        note(Line(at=at, out=str(path.absolute()), to="take", marked=marked, about=about))
    except (WorldplateError, OSError) as error:
        log.warning("the take %s is not signed: %s", path.name, error)


def _sign(path: Path, about: Generation) -> None:
    """Raises MissingDependency without the extra `provenance`, ConfigError, OSError."""
    from renderer.provenance.keys import load_keys
    from renderer.provenance.manifest import sign_take

    keys = load_keys()
    assert keys is not None  # made when there were none
    sign_take(path, about, keys)
