"""How far long work has come: a bar on a terminal, a plain line every few seconds for a log or a render farm."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Tell = Callable[[int, int], None]  # how many are done, of how many
TELL_EVERY_S = 5.0


class Told:
    """Use as a context manager: it gives what to call with the count so far. Nothing is said where it is `quiet`."""

    def __init__(self, doing: str, *, quiet: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._lines = not quiet and not sys.stderr.isatty()
        self._began_s = self._told_s = time.monotonic()
        self._first: int | None = None
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), disable=quiet or self._lines, transient=True,
        )  # fmt: skip
        self._doing = doing
        self._task = self._bar.add_task(doing, total=None)

    def __enter__(self) -> Tell:
        self._bar.start()
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _tell(self, done: int, count: int) -> None:
        self._bar.update(self._task, completed=done, total=count)
        now_s = time.monotonic()
        if self._first is None:
            self._first, self._began_s = done, now_s
        if self._lines and (now_s - self._told_s > TELL_EVERY_S or done == count):
            rate = (done - self._first) / max(now_s - self._began_s, 1e-9)
            left_s = (count - done) / rate if rate else 0.0
            left = f"{int(left_s // 3600)}:{int(left_s // 60 % 60):02d}:{int(left_s % 60):02d} left"
            percent = 100 * done // max(1, count)
            sys.stderr.write(f"{self._doing}: {percent} %, frame {done} of {count}, {rate:.1f} per second, {left}\n")
            sys.stderr.flush()
            self._told_s = now_s
