"""A renderer process of our own: started in a private runtime folder, always taken down."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from bridge.errors import NoRenderer

START_LIMIT_S = 300.0  # a first start compiles limn for this processor: a minute or two of a slow, busy machine
# Run before the renderer in its own process: PR_SET_PDEATHSIG of prctl(2), which lasts over exec, then the renderer.
BOUND = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"


class RendererProcess:
    """`worldplate serve` as a child. Use as a context manager; `folder` is its runtime folder."""

    def __init__(
        self, model: str, *, endpoint: str = "", threads: int = 1, python: str = sys.executable, bound: bool = False
    ) -> None:
        """`python` is the interpreter of its environment. `bound`: it ends when the thread that made it does, however
        that ends; on Linux alone."""
        self._temporary = tempfile.TemporaryDirectory(prefix="wp-")
        self.folder = Path(self._temporary.name)
        self.folder.chmod(0o700)
        self._log = (self.folder / "renderer.log").open("wb")
        command = [python, *(["-c", BOUND, python] if bound and sys.platform == "linux" else [])]
        command += ["-m", "renderer.cli", "serve", "--model", model, "--threads", str(threads)]
        command += ["--no-panel", "--runtime-dir", str(self.folder)] + (["--endpoint", endpoint] if endpoint else [])
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    @property
    def connection(self) -> Path:
        return self.folder / "connection.json"

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ready(self) -> bool:
        """Whether it serves, or did until it ended."""
        return self.connection.exists()

    def kill(self) -> None:
        """At once; for one that does not answer."""
        self._process.kill()

    def wait_until_ready(self) -> None:
        """Until the connection file is there. Raises NoRenderer with the child's last words when it ends before, or has
        not come that far after START_LIMIT_S."""
        limit_s = time.monotonic() + START_LIMIT_S
        while not self.connection.exists():
            if not self.alive:
                what, _, fix = self.last_words().removeprefix("worldplate: ").partition(". ")
                raise NoRenderer(f"the renderer did not start: {what}", fix=fix or "Run `worldplate doctor`.")
            if time.monotonic() > limit_s:
                what = f"the renderer has not started after {START_LIMIT_S:.0f} s; its last words: {self.last_words()}"
                raise NoRenderer(what, fix="Try again when the machine is less busy, or run `worldplate doctor`.")
            time.sleep(0.02)

    def last_words(self) -> str:
        """The last line of its log."""
        self._log.flush()
        lines = (self.folder / "renderer.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def __enter__(self) -> RendererProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """Tells it to end, and waits until it has. A second time does nothing."""
        self._process.terminate()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._temporary.cleanup()
