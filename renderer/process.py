"""A renderer process of our own: started in a private runtime folder, always taken down."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from bridge.errors import NoRenderer

START_LIMIT_S = 60.0  # torch and a model on a busy machine


class RendererProcess:
    """`worldplate serve` as a child. Use as a context manager; `folder` is its runtime folder."""

    def __init__(self, model: str, *, endpoint: str = "", threads: int = 1) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="wp-")
        self.folder = Path(self._temporary.name)
        self.folder.chmod(0o700)
        self._log = (self.folder / "renderer.log").open("wb")
        command = [sys.executable, "-m", "renderer.cli", "serve", "--model", model, "--threads", str(threads)]
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

    def wait_until_ready(self) -> None:
        """Until the connection file is there. Raises NoRenderer with the child's last words when it ends before."""
        limit_s = time.monotonic() + START_LIMIT_S
        while not self.connection.exists():
            if not self.alive or time.monotonic() > limit_s:
                what, _, fix = self.last_words().removeprefix("worldplate: ").partition(". ")
                raise NoRenderer(f"the renderer did not start: {what}", fix=fix or "Run `worldplate doctor`.")
            time.sleep(0.02)

    def last_words(self) -> str:
        """The last line of its log."""
        self._log.flush()
        lines = (self.folder / "renderer.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def __enter__(self) -> RendererProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._temporary.cleanup()
