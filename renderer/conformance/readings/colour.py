"""Mistakes in colour: curves, exposure, order of channels, an interface drawn on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from bridge.schema import PlaneName
from renderer.conformance.measures.colour import brightness, stuck_edges
from renderer.conformance.measures.geometry import places
from renderer.conformance.measures.scene import squares
from renderer.conformance.readings import Reading, Shots, on_plane, with_planes
from renderer.conformance.shot import F64, Plane, Shot

COLOR, ALBEDO, DEPTH = PlaneName.COLOR, PlaneName.ALBEDO, PlaneName.DEPTH
Curve = Callable[[F64], F64]


def linear_of_srgb(coded: F64) -> F64:
    """IEC 61966-2-1."""
    low = np.clip(coded, 0.0, None)
    return np.where(low <= 0.04045, low / 12.92, ((low + 0.055) / 1.055) ** 2.4)


def srgb_of_linear(linear: F64) -> F64:
    low = np.clip(linear, 0.0, None)
    return np.where(low <= 0.0031308, low * 12.92, 1.055 * low ** (1.0 / 2.4) - 0.055)


def reinhard(linear: F64) -> F64:
    return linear / (1.0 + linear)


def from_reinhard(shown: F64) -> F64:
    low = np.clip(shown, 0.0, 0.999)
    return low / (1.0 - low)


def filmic(linear: F64) -> F64:
    """Narkowicz 2015, a fit to the ACES film curve."""
    return linear * (2.51 * linear + 0.03) / (linear * (2.43 * linear + 0.59) + 0.14)


def from_filmic(shown: F64) -> F64:
    """The inverse of `filmic`: the positive root of its quadratic."""
    s = np.clip(shown, 0.0, 1.0)
    a, b, c = 2.51 - 2.43 * s, 0.03 - 0.59 * s, -0.14 * s
    return (-b + np.sqrt(b * b - 4.0 * a * c)) / (2.0 * a)


def _rgb(change: Curve) -> Callable[[Plane, Shot], Plane]:
    """The first three channels; the fourth stays."""
    return lambda plane, _: np.concatenate([change(plane[..., :3]), plane[..., 3:]], axis=-1)


def _curve(says: str, fix: str, change: Curve) -> Reading:
    return Reading("color", f"colour is {says}", fix, frozenset({COLOR}), on_plane(COLOR, _rgb(change)))


_BEFORE = "take it before tone mapping and before the transfer to the display"
CURVES = (
    _curve("sRGB-encoded", "send scene-linear values: sample the texture as linear, or decode it", linear_of_srgb),
    _curve("tone-mapped (a Reinhard curve)", _BEFORE, from_reinhard),
    _curve("tone-mapped (a filmic curve)", _BEFORE, from_filmic),
    _curve("tone-mapped (a Reinhard curve) and sRGB-encoded", _BEFORE, lambda c: from_reinhard(linear_of_srgb(c))),
    _curve("tone-mapped (a filmic curve) and sRGB-encoded", _BEFORE, lambda c: from_filmic(linear_of_srgb(c))),
    _curve("blue, green, red", "send red first", lambda c: c[..., ::-1]),
    Reading("albedo", "base colour is sRGB-encoded", "send it linear: sample the texture as linear, or decode it",
            frozenset({ALBEDO}), on_plane(ALBEDO, _rgb(linear_of_srgb))),
    Reading("albedo", "base colour is blue, green, red", "send red first",
            frozenset({ALBEDO}), on_plane(ALBEDO, _rgb(lambda c: c[..., ::-1]))),
)  # fmt: skip


def _evenly_exposed(shots: Shots) -> Shots | None:
    """Every frame as bright as the first, by what is seen again."""
    if not all(shot.has(COLOR, DEPTH) for shot in shots):
        return None
    made, gain = [shots[0]], 1.0
    for before, shot in pairwise(shots):
        gain *= _gain(before, shot)
        made.append(with_planes(shot, {COLOR: shot.planes[COLOR] / (gain, gain, gain, 1.0)}))
    return made


def _gain(before: Shot, shot: Shot) -> float:
    keep = shot.inside & ~shot.listed
    row, column, inside = places(before, shot.uv_from(before.now, shot.points_m[keep])[0])
    then = brightness(before)[np.rint(row).astype(int), np.rint(column).astype(int)]
    change = (brightness(shot)[keep] / then)[inside]
    known = change[np.isfinite(change)]
    return float(np.median(known)) if known.size else 1.0


def _without_overlay(shots: Shots) -> Shots | None:
    """The boxes around what stays are blanked: what lay under them is not known."""
    edges = stuck_edges(shots)
    if edges is None or not edges.any():
        return None
    thick = np.zeros_like(edges)
    for y, x in np.argwhere(edges):
        thick[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = True
    return [with_planes(s, {COLOR: np.where(thick[..., None], 0.0, s.planes[COLOR])}) if s.has(COLOR) else s
            for s in shots]  # fmt: skip


PICTURE = (
    Reading("exposure", "an exposure that changes is left in the colour (pre-exposure)",
            "divide it out: Unreal View.PreExposure, HDRP's inverse exposure multiplier, Godot's exposure multiplier",
            frozenset({COLOR}), _evenly_exposed, fitted=True),
    Reading("interface", "the interface is in the colour: it stays while the picture moves",
            "take colour before the interface is drawn", frozenset({COLOR}), _without_overlay, fitted=True),
)  # fmt: skip
COLOUR_READINGS: Sequence[Reading] = (*CURVES, *PICTURE)


def _gain_of_squares(shots: Shots) -> float:
    """How much brighter than they must be the known scene's squares are, in the middle of them and of the frames."""
    seen = [both for shot in shots if (both := squares(shot)) is not None]
    known = np.concatenate([(came / right).ravel() for came, right in seen]) if seen else np.ones(1)
    return float(np.median(known))


def _as_bright_as_known(shots: Shots) -> Shots | None:
    gain = _gain_of_squares(shots)
    if not gain > 0.0:
        return None
    return [with_planes(s, {COLOR: s.planes[COLOR] / (gain, gain, gain, 1.0)}) if s.has(COLOR) else s for s in shots]


def _gain_words(shots: Shots) -> str:
    return f"colour is {_gain_of_squares(shots):.2g} times too bright"


def _each_as_bright_as_known(shots: Shots) -> Shots | None:
    """Every frame by its own squares; None where they are as bright in all of them."""
    gains = np.array([_gain_of_squares([shot]) for shot in shots])
    if not (gains > 0.0).all() or np.ptp(np.log(gains)) < 0.01:
        return None
    return [with_planes(s, {COLOR: s.planes[COLOR] / (gain, gain, gain, 1.0)}) if s.has(COLOR) else s
            for s, gain in zip(shots, gains, strict=True)]  # fmt: skip


SCENE_READINGS = (
    Reading("exposure", PICTURE[0].says, PICTURE[0].fix, frozenset({COLOR}), _each_as_bright_as_known, fitted=True),
    Reading("exposure", "a constant exposure is left in the colour", "divide it out", frozenset({COLOR}),
            _as_bright_as_known, fitted=True, words=_gain_words),
)  # fmt: skip
