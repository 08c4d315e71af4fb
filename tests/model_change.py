"""A renderer whose next model is loaded when a test lets it, and what an engine's link is told of it meanwhile."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from test_swap import Grey

from bridge.errors import ModelNotFound
from bridge.link import listen
from bridge.schema import Limits
from renderer.process import START_LIMIT_S
from renderer.serve import Renderer


class Models:
    """`old` serves, `new` can be asked for; each load waits for a `let`."""

    def __init__(self) -> None:
        self.grey = {"old": Grey("old", 0.25), "new": Grey("new", 0.75)}
        self.let = threading.Semaphore(0)

    def load(self, name: str) -> Grey:
        assert self.let.acquire(timeout=START_LIMIT_S)
        if name not in self.grey:
            raise ModelNotFound(f"There is no model {name}", fix="Choose one of the list.")
        return self.grey[name]


@contextmanager
def serving(folder: Path) -> Iterator[Models]:
    """Until the block ends, in `folder`."""
    folder.chmod(0o700)
    models, stop = Models(), threading.Event()
    link = listen(None, Limits(), folder)
    old, names = models.grey["old"], tuple(models.grey)
    renderer = Renderer(link, old, link.connection.token, Limits(), load=models.load, names=lambda: names)
    thread = threading.Thread(target=renderer.run, args=(stop,))
    thread.start()
    try:
        yield models
    finally:
        stop.set()
        models.let.release()
        thread.join(START_LIMIT_S)
        link.close()
    assert not thread.is_alive()


def check(folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Runs a link's `models` command in `folder`: models are loaded once it has said what it is told meanwhile."""
    with serving(folder) as models:
        run = [*command, "models", str(folder), "new"]
        said: list[str] = []
        with subprocess.Popen(run, stdout=subprocess.PIPE, text=True, env=environment) as engine:
            assert engine.stdout is not None
            for line in engine.stdout:
                said.append(line.strip())
                if line.startswith("again:"):
                    models.let.release()
        assert engine.returncode == 0, said
        assert models.grey["new"].steps > 0
    keeps = "is being loaded; plates are of the model before until it is ready."
    assert said == [
        "models old new",
        "no name: This is no name of a model: use 1 to 64 letters, digits, - and _, as wp_model_at lists them.",
        "asked:",
        f"loading: absent {keeps}",
        "again: The model absent is being loaded: wait for it, and ask again.",
        "refused: absent was not taken: There is no model absent. Choose one of the list.",
        "model: old, sessions 1",
        "asked:",
        f"loading: new {keeps}",
        "again: The model new is being loaded: wait for it, and ask again.",
        "serves:",
        "model: new, sessions 1",
        "missing 0",
        "done",
    ]
