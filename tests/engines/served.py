"""`worldplate serve` for a test with an engine: it can be killed, and started again where it was."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from godot import ROOT

PATIENCE_S = 60.0  # torch and a model on a busy machine


class Renderer:
    """One renderer after another in the same private runtime folder. `close` ends the one that runs."""

    def __init__(self, folder: Path, model: str = "passthrough", *arguments: str) -> None:
        self.folder = folder
        self._command = [sys.executable, "-m", "renderer.cli", "serve", "--model", model, "--threads", "1", *arguments]
        self._command += ["--runtime-dir", str(folder)]
        self.process = self._launch()

    @property
    def connection(self) -> Path:
        return self.folder / "connection.json"

    @property
    def log(self) -> Path:
        return self.folder / "renderer.log"

    def start(self) -> None:
        """The next one, after one that has been killed, whoever killed it."""
        self.process.wait()
        self.process = self._launch()

    def _launch(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)

    def wait_until_ready(self) -> None:
        limit_s = time.monotonic() + PATIENCE_S
        while not self.connection.exists():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < limit_s, self.log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """As a crash does, at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
