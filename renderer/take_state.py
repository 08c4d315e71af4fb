"""How the recording of a session goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TakeState:
    """The loop counts what it skips, the take's thread the rest; both may read."""

    name: str
    frames: int = 0  # whole on disk
    skipped: int = 0  # frames that were never handed to the writer
    lost: int = 0  # frames that it could not write
    problem: str = ""  # why nothing is written any more
    closed: bool = False  # the file is whole and closed

    @property
    def missed(self) -> int:
        """Frames that were shown, and that the take lacks."""
        return self.skipped + self.lost
