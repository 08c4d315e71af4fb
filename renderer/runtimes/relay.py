"""Two runtimes of one network, of which the second takes over between two frames, and hands back when it fails.

The first serves at once. The second comes later, from another thread, already held to the first: there it is bound to
all arrays that are in use, so that the change itself is one reference per picture size. The first stays loaded: when
the second breaks, the same call is made again by the first, no frame is lost, and the reason is told.
"""

from __future__ import annotations

import functools
import logging
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.errors import WorldplateError
from renderer.cuda.counters import Counters
from renderer.runtimes import F32, Loaded, Step

# What runtimes raise; the last three where a library is of another release than was read.
BREAKS = (
    RuntimeError, ValueError, ArithmeticError, MemoryError, OSError, WorldplateError, TypeError, AttributeError,
    ImportError,
)  # fmt: skip
log = logging.getLogger("worldplate.runtimes")


class Binding:
    """The network's call over given arrays, whichever runtime makes it."""

    def __init__(self, relay: Relay, inputs: Sequence[F32], outputs: Sequence[F32]) -> None:
        self.inputs, self.outputs, self._relay = inputs, outputs, relay
        self.first: Step = relay.first.bind(inputs, outputs)
        self.second: Step | None = None

    def __call__(self) -> None:
        if self.second is not None:
            try:
                self.second()
            except BREAKS as error:
                self._relay.hand_back(error)
            else:
                return
        self.first()


@dataclass(frozen=True)
class _Offer:
    """A second runtime with its steps, which waits for the next frame."""

    loaded: Loaded
    steps: Mapping[Binding, Step]


class Relay:
    """A Runtime that begins as its first. `bind`, the steps and `settle` are for the frames' thread; `offer` and `tell`
    for any."""

    def __init__(self, first: Loaded) -> None:
        self.first = first.runtime
        self._serving, self._second = first, False
        self._counted = [first.runtime.counters] if first.runtime.counters is not None else []
        self._bindings: weakref.WeakSet[Binding] = weakref.WeakSet()
        self._known_label = first.label
        self._left = threading.Lock()  # over the two that other threads leave for the frames'
        self._offer: _Offer | None = None
        self._news: str | None = None

    @property
    def name(self) -> str:
        return self._serving.runtime.name

    @property
    def counters(self) -> Counters | None:
        """Of all that have served here, together; the second's trial counts too."""
        return functools.reduce(Counters.plus, self._counted) if self._counted else None

    @property
    def label(self) -> str:
        """What serves and why, in the characters that WELCOME and STATUS have for it."""
        return self._serving.label

    @property
    def why(self) -> str:
        """The whole reason."""
        return self._serving.why

    def bind(self, inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        binding = Binding(self, inputs, outputs)
        with self._left:
            self._bindings.add(binding)
        if self._second:
            self._bind_second([binding])
        return binding

    def offer(self, second: Loaded) -> None:
        """Have a second runtime take over before the next frame. Raises what binding it to the arrays in use does."""
        with self._left:
            live = list(self._bindings)
        steps = {binding: second.runtime.bind(binding.inputs, binding.outputs) for binding in live}
        with self._left:
            self._offer = _Offer(second, steps)

    def tell(self, why: str) -> None:
        """Have the label say from the next frame on why it is the first that serves."""
        with self._left:
            self._news = why

    def settle(self) -> bool:
        """Between two frames: take what was offered or told since the last. Whether the label is another now."""
        with self._left:
            offer, self._offer = self._offer, None
            news, self._news = self._news, None
            live = list(self._bindings)
        if news is not None and not self._second:
            self._serving = Loaded(self.first, news)
        if offer is not None:
            self._serving, self._second = offer.loaded, True
            if offer.loaded.runtime.counters is not None:
                self._counted.append(offer.loaded.runtime.counters)
            for binding, step in offer.steps.items():
                binding.second = step
            self._bind_second([binding for binding in live if binding not in offer.steps])
            log.info("from here on the network runs on %s", self.label)
        before, self._known_label = self._known_label, self.label
        return self.label != before

    def hand_back(self, error: Exception) -> None:
        """The second has failed: the first serves again, for good."""
        failed = self.name
        self._serving, self._second = Loaded(self.first, f"{failed} broke: {error}"), False
        log.error("%s broke and is given up, %s serves again: %s", failed, self.first.name, error)
        for binding in list(self._bindings):
            binding.second = None

    def _bind_second(self, bindings: Sequence[Binding]) -> None:
        """Of pictures that came while it was on its way, or after."""
        try:
            for binding in bindings:
                binding.second = self._serving.runtime.bind(binding.inputs, binding.outputs)
        except BREAKS as error:
            self.hand_back(error)
