"""An engine built beside the show: `python -m renderer.runtimes.engine_build`, a process of its own.

Building takes seconds to minutes and may take a library down with it, so it has a process that yields to all others
and ends with its owner: it reads one order, a line of JSON, from a pipe, and ends when the pipe is closed, however that
comes about. The engine goes into the cache; what went wrong is the process's last line.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.errors import ModelFailed, WorldplateError, typed_error
from renderer.runtimes.engine_cache import EngineCache
from renderer.runtimes.engines import Order, Profile, Shapes

NICENESS = 10  # the frame comes first
STDIN = 0
HOW = "The runtime that serves goes on; `worldplate engines build` builds it in the foreground and says more."


def make(order: Order, cache: EngineCache) -> bytes:
    """Build an engine and keep it. Raises ModelError, ConfigError, OSError."""
    engine = order.maker.build(order.network, order.profile)
    cache.keep(order.identity(), engine)
    return engine


class Building:
    """The process that builds one engine, from here until `wait` returns."""

    def __init__(self, order: Order, cache: EngineCache) -> None:
        command = [sys.executable, "-m", "renderer.runtimes.engine_build"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended at once: `wait` says why
            self._process.stdin.write(json.dumps(_written(order, cache)).encode() + b"\n")

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> None:
        """Until the engine is in the cache. Raises what building raised, ModelFailed when the process died."""
        with self._process as process:
            assert process.stdout is not None
            said = process.stdout.read().decode(errors="replace").strip().splitlines()
        if process.returncode == 0:
            return
        try:
            told = json.loads(said[-1])
            error = typed_error(told["code"], told["what"], told["fix"])
        except (IndexError, ValueError, KeyError, TypeError):
            error = ModelFailed(f"the process that built the engine ended with {process.returncode}", fix=HOW)
        raise error

    def kill(self) -> None:
        """Ends it at once, from any thread; `wait` then raises."""
        self._process.kill()


def _written(order: Order, cache: EngineCache) -> dict[str, object]:
    kind = type(order.maker)
    profile = order.profile
    return {
        "maker": [kind.__module__, kind.__qualname__], "arguments": dict(order.maker.arguments),
        "network": str(order.network), "profile": [dict(each) for each in (profile.least, profile.usual, profile.most)],
        "cache": [str(cache.folder), str(cache.key_file)],
    }  # fmt: skip


def _read(told: Mapping[str, Any]) -> tuple[Order, EngineCache]:
    module, name = told["maker"]
    maker = getattr(importlib.import_module(module), name)(**told["arguments"])
    least, usual, most = (_shapes(each) for each in told["profile"])
    return Order(maker, Path(told["network"]), Profile(least, usual, most)), EngineCache(*map(Path, told["cache"]))


def _shapes(told: Mapping[str, list[int]]) -> Shapes:
    return {name: tuple(shape) for name, shape in told.items()}


def main() -> int:
    """Build what stdin orders; end with it."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with open(STDIN, "rb", buffering=0, closefd=False) as orders:  # no lock that a daemon thread could hold at the end
        order = json.loads(orders.readline())
    threading.Thread(target=_end_with_owner, daemon=True).start()
    try:
        make(*_read(order))
    except WorldplateError as error:
        return _tell(error.code, error.what, error.fix)
    except (OSError, ImportError, RuntimeError, ValueError, MemoryError) as error:
        return _tell(ModelFailed.code, f"the engine was not built: {error!r}", HOW)
    return 0


def _end_with_owner() -> None:
    while os.read(STDIN, 1):
        pass
    os._exit(1)  # whatever the library is doing


def _tell(code: str, what: str, fix: str) -> int:
    sys.stdout.write(json.dumps({"code": code, "what": what, "fix": fix}) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
