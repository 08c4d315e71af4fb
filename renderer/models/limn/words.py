"""What words mean to limn: from a prompt to those controls about which it says something.

A prompt is read in pieces, a few words each. The sentence encoder of `minilm.py` makes a vector of a piece, and a
small trained head (`words.safetensors`) says which controls are mentioned, and their values. What sentence encoders
are poor at are rules (`pieces.py`): negation ("no snow", "not foggy"), times of the clock, points of the compass.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from bridge.errors import ModelIncomplete
from renderer.models.limn.minilm import MiniLM
from renderer.models.limn.pieces import LOWEST_DEG, Piece, azimuth_of, elevation_of, pieces_of

F32 = NDArray[np.float32]

FOLDER = Path(__file__).parent
HEAD, HEAD_CARD = "words.safetensors", "words.json"
NAMES = ("sun_elevation_deg", "cloud", "fog", "wetness", "snow", "autumn", "turbidity")  # what the head knows
LOW = dict.fromkeys(NAMES, 0.0) | {"sun_elevation_deg": LOWEST_DEG, "turbidity": 1.0}
HIGH = dict.fromkeys(NAMES, 1.0) | {"sun_elevation_deg": 70.0, "turbidity": 10.0}
HORIZON_DEG = 8.0  # elevations nearer to the horizon than this are told apart finely
STEPS = 11  # of a value's scale
SURE = 0.0  # logit from which on a control counts as mentioned
CACHED = 64  # prompts whose meaning is kept
AFTERNOON_DEG = 45.0  # the sun where night is ruled out and no hour is named


class Encoder(Protocol):
    def encode(self, sentences: Sequence[str]) -> F32:
        """Unit vectors [N, 384] of N sentences."""


class Words:
    """Reads prompts. Some 15 ms for a new one on one idle core, and nothing for one of the last `CACHED`.

    Not for use from two threads at once.
    """

    def __init__(self, folder: Path = FOLDER, *, encoder: Encoder | None = None) -> None:
        """Raises MissingDependency when the encoder's packages are not installed, ModelIncomplete when a file of the
        encoder or of the head is missing or altered."""
        self.head = Head(load(_checked(folder)))
        self._encoder = MiniLM() if encoder is None else encoder
        self._read = functools.lru_cache(maxsize=CACHED)(self._controls)

    def controls(self, prompt: str) -> Mapping[str, float]:
        """The controls of `Weather` that the prompt mentions, in their units; empty where it says nothing of them.

        Takes any text, in any language (a weather it does not understand it does not mention), and never raises.
        """
        return self._read(prompt)

    def _controls(self, prompt: str) -> Mapping[str, float]:
        pieces = pieces_of(prompt)
        told = self.head(self._encoder.encode([piece.text for piece in pieces]))
        return MappingProxyType(_joined(pieces, *told) | elevation_of(prompt) | azimuth_of(prompt))


class Head:
    """384 numbers of a piece to a logit and a value for each of `NAMES`: one hidden layer, and for each value a
    distribution over `STEPS` places of its scale, of which the peak is taken (between two meanings lies neither)."""

    def __init__(self, weights: Mapping[str, NDArray[np.generic]]) -> None:
        w = {name: np.asarray(part, np.float32) for name, part in weights.items()}  # shipped as half floats
        self._in, self._in_bias = w["in"], w["in_bias"]  # [384, H], [H]
        self._out, self._out_bias = w["out"], w["out_bias"]  # [H, len(NAMES) (1 + STEPS)]

    def __call__(self, vectors: F32) -> tuple[F32, F32]:
        """Logits of being mentioned, and values in their units, each [N, len(NAMES)], of vectors [N, 384]."""
        hidden = np.maximum(vectors @ self._in + self._in_bias, 0.0)
        out = hidden @ self._out + self._out_bias
        logits, chances = out[:, : len(NAMES)], out[:, len(NAMES) :].reshape(-1, len(NAMES), STEPS)
        return logits, from_scale(_peak(chances))


def _peak(chances: F32) -> F32:
    """The place 0..1 [...] of the highest of log chances [..., STEPS], weighed with its two neighbours."""
    top = chances.argmax(axis=-1, keepdims=True)
    near = np.abs(np.arange(STEPS) - top) <= 1
    weight = np.where(near, np.exp(np.minimum(chances - chances.max(axis=-1, keepdims=True), 0.0)), 0.0)
    place: F32 = (weight * np.linspace(0.0, 1.0, STEPS, dtype=np.float32)).sum(axis=-1) / weight.sum(axis=-1)
    return place


def to_scale(values: F32) -> F32:
    """Values [..., len(NAMES)] in their units to 0..1, elevations stretched about the horizon."""
    low, high = _stretched(_row(LOW)), _stretched(_row(HIGH))
    return np.asarray((_stretched(values) - low) / (high - low), np.float32)


def from_scale(places: F32) -> F32:
    low, high = _stretched(_row(LOW)), _stretched(_row(HIGH))
    values = np.array(low + places * (high - low), np.float32)
    values[..., 0] = np.sinh(values[..., 0]) * HORIZON_DEG
    return values


def _row(values: Mapping[str, float]) -> F32:
    return np.array([values[name] for name in NAMES], np.float32)


def _stretched(values: F32) -> F32:
    stretched = np.array(values, np.float32)
    stretched[..., 0] = np.arcsinh(stretched[..., 0] / HORIZON_DEG)
    return stretched


def _joined(pieces: Sequence[Piece], logits: F32, values: F32) -> dict[str, float]:
    """One value per control: of several pieces that mention it the surest, but a share that is denied is denied."""
    said: dict[str, float] = {}
    denied: dict[str, float] = {}
    surest = dict.fromkeys(NAMES, -np.inf)
    for piece, logit, value in zip(pieces, logits, values, strict=True):
        found = {n: float(v) for n, v, sure in zip(NAMES, value, logit, strict=True) if sure >= SURE}
        if piece.denied:
            denied |= opposite(found)
            continue
        for name in found:
            sure = float(logit[NAMES.index(name)])
            if sure > surest[name]:
                said[name], surest[name] = found[name], sure
    if "sun_elevation_deg" in said:
        denied.pop("sun_elevation_deg", None)  # "not night but dusk": the hour that is named says more
    return said | denied


def opposite(found: Mapping[str, float]) -> dict[str, float]:
    """What denying a meaning says; where that is nothing definite ("not noon"), nothing."""
    said: dict[str, float] = {}
    for name, value in found.items():
        if name == "sun_elevation_deg":
            said |= {name: AFTERNOON_DEG} if value < 0.0 else {}
        elif name == "turbidity":
            said |= {name: 2.0} if value > 4.0 else {}
        elif value > 0.2:
            said[name] = 0.0
        elif name == "cloud":
            said[name] = 0.9
        elif name == "wetness":
            said[name] = 0.8
    if {"wetness", "snow"} & said.keys():
        said.pop("cloud", None)  # "no rain" says nothing about the clouds that rain would come from
    return said


def _checked(folder: Path) -> bytes:
    """The head's bytes. Raises ModelIncomplete when they are not those that its card was written for."""
    fix = "Install worldplate again; its model files are part of the package."
    for name in (HEAD, HEAD_CARD):
        if not (folder / name).is_file():
            raise ModelIncomplete(f"the model's file {name} is missing from {folder}", fix=fix)
    content = (folder / HEAD).read_bytes()
    if hashlib.sha256(content).hexdigest() != json.loads((folder / HEAD_CARD).read_text())["sha256"]:
        raise ModelIncomplete(f"the model's file {HEAD} is truncated or altered", fix=fix)
    return content
