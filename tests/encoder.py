"""The real sentence encoder, for tests that need it: they skip, and say so, where its wheel is not installed."""

from __future__ import annotations

import functools

import pytest

from bridge.errors import MissingDependency
from renderer.models.limn.minilm import MiniLM


@functools.cache
def real_encoder() -> MiniLM:
    try:
        return MiniLM()
    except MissingDependency as error:
        pytest.skip(f"the real encoder is not here: {error}")
