"""An engine that comes late: fetched from the cache or built beside the show, held to torch, and offered to the relay.

It is built, loaded, held to torch on recorded planes, and offered; or given up, and why is told. All of it happens on
one thread of its own, and the building in a process of its own; the frames' thread sees only what the relay takes
between two frames.
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from bridge.errors import ModelFailed, ModelIncomplete, ModelUnsafe
from renderer.runtimes import Loaded, Runtime
from renderer.runtimes.engine_build import HOW, Building
from renderer.runtimes.engine_cache import EngineCache
from renderer.runtimes.engines import GATES_DB, Order
from renderer.runtimes.relay import BREAKS, Relay

CLOSE_S = 1.0  # the frames' thread may be the one that closes
log = logging.getLogger("worldplate.runtimes")


class Differs(Exception):
    """The engine's plates are not torch's."""


class Judge(Protocol):
    """What compares plates."""

    def likeness_db(self, runtime: Runtime) -> float:
        """The worst PSNR of a runtime's plates against torch's in fp32, on the display, over planes that were recorded;
        waits until some were. After `close` NaN."""

    def close(self) -> None:
        """Have `likeness_db` return soon, and let go of what was recorded. From any thread."""


class LateEngine:
    """Owns the thread and the process; both end with `close`."""

    def __init__(self, relay: Relay, order: Order, cache: EngineCache, judge: Judge) -> None:
        self._relay, self._order, self._cache, self._judge = relay, order, cache, judge
        self._lock = threading.Lock()  # over the next two
        self._building: Building | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="worldplate engine", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it was offered or given up."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Ends what is under way, and waits a moment for it: a library that compiles for a GPU cannot be interrupted,
        and its thread ends when it has. A second time does nothing."""
        with self._lock:
            self._closed = True
            if self._building is not None:
                self._building.kill()
        self._judge.close()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        name = self._order.maker.name
        try:
            runtime = self._loaded()
            likeness_db = self._held_to_torch(runtime)
            if not self._closed:
                self._relay.offer(Loaded(runtime, f"held to torch, {likeness_db:.1f} dB"))
        except Differs as error:
            self._give_up(f"{name} differs, {error}")
        except BREAKS as error:
            self._give_up(f"no {name}: {error}")
        finally:
            self._judge.close()

    def _give_up(self, why: str) -> None:
        if not self._closed:
            log.error("%s goes on: %s", self._relay.first.name, why)
            self._relay.tell(why)

    def _loaded(self) -> Runtime:
        """From the cache, or built into it first. Raises what building, finding and loading do."""
        identity, maker = self._order.identity(), self._order.maker
        try:
            if (kept := self._cache.find(identity)) is not None:
                return maker.load(kept, self._cache)
        except (ModelUnsafe, ModelIncomplete) as error:
            log.warning("%s; it is built anew", error.what)
        return maker.load(self._built(identity), self._cache)

    def _built(self, identity: dict[str, object]) -> bytes:
        self._relay.tell(f"{self._order.maker.name} is being built")
        with self._lock:
            building = None if self._closed else Building(self._order, self._cache)
            self._building = building
        if building is not None:
            building.wait()
        engine = self._cache.find(identity)
        if engine is None:
            raise ModelFailed("another engine was built than was ordered", fix=HOW)
        return engine

    def _held_to_torch(self, runtime: Runtime) -> float:
        """The likeness in dB. Raises Differs when it is under the precision's gate."""
        likeness_db, gate_db = self._judge.likeness_db(runtime), GATES_DB[self._order.maker.precision]
        if not likeness_db >= gate_db:
            raise Differs(f"{likeness_db:.1f} dB of {gate_db:.0f}")
        return likeness_db
