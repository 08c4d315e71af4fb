"""A prompt cut into pieces of one meaning each, and the things of language that are rules: what a word of denial
denies ("no snow", "not foggy", "without rain or fog"), times of the clock, and where on the compass the sun is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from renderer.models.limn.sun import sun_angles

MOST_PIECES = 48  # of a prompt; what follows is not read
LONG = 5  # words of a piece, from which on a meaning among them is easily lost, so that it is cut at prepositions
MOST_CHARACTERS = 2000  # of a prompt, likewise
LOWEST_DEG = -25.0


@dataclass(frozen=True)
class Piece:
    text: str
    denied: bool = False  # "no", "not", "without" stood before it


_BREAK = re.compile(
    r"[,;:!?|/()\[\]{}\"“”«»、。，\n]+|\.+(?=\s|$)|\s[-–—]+\s|\b(?:but|with|while|although|though|yet)\b", re.IGNORECASE
)
_DENYING = (
    r"(?:\b(?:no longer|no more|not|no|without|never|hardly|free of|free from|lacking|remove|neither"
    r"|nor|ohne"
    r"|kein(?:e[nmrs]?)?|nicht|sans|pas d[e'’]|senza|sem|geen|zonder|sin(?=\s+(?:nieve|niebla|lluvia|nubes?)))\b"
    r"|\b\w+n['’]t\b)"
)
_DENY = re.compile(
    rf"{_DENYING}(?:\s+{_DENYING})*(?:\s+(?:at all|an?|any|the|so|very|too|really|trace of|sign of)\b)*", re.IGNORECASE
)  # fmt: skip
_NOT_DENYING = re.compile(r"\b(?:nothing but|not only|not just|no doubt|no wonder|no matter)\b", re.IGNORECASE)
_DENIED_LIST = re.compile(_DENYING + r"\s+(?:\w+(?:\s\w+)?,\s*)+\w+(?:\s\w+)?,?\s+(?:or|nor)\b", re.IGNORECASE)
_LAST_OF_LIST = r"and\s+\w*[^y\W]\s*$"  # "no snow and fog" denies both, "no snow and foggy" does not
_LIST = re.compile(rf"\b(?:or|nor|(?={_LAST_OF_LIST})and)\b", re.IGNORECASE)
_SCOPE = re.compile(
    rf"(?<=\w)\s+(?=(?!{_LAST_OF_LIST})(?:and|in|on|at|over|under|during|just|only|through|from|to)\b)", re.IGNORECASE
)
_SUBJECT = re.compile(r"((?:\w+\s+){0,2}\w+)\s+(?:is|are|was|were|do|does|did|has|have|should|must)", re.IGNORECASE)
_LINK = re.compile(r"^(?:and|then|also|plus)\b\s*", re.IGNORECASE)
_AND = re.compile(r"\s+(?:and|und|et|[&+])\s+(?!clouds?\b|white\b|night\b)", re.IGNORECASE)  # "sun and clouds" is one
_BEFORE_PREPOSITION = re.compile(
    r"\s+(?!\w+\s+the\s+(?:horizon|sky|ground|hills)\b)(?=(?:in|on|at|under|beneath|through|during|after|before|by|across|past|into|towards?|as)\b)",
    re.IGNORECASE,
)


def pieces_of(prompt: str) -> list[Piece]:
    """A prompt in order, cut where meanings part; at most `MOST_PIECES`."""
    text = _NOT_DENYING.sub(" ", plain(prompt[:MOST_CHARACTERS]))
    text = _DENIED_LIST.sub(lambda listed: listed[0].replace(",", " or "), text)
    every = (piece for part in _BREAK.split(text) for piece in _parted(part))
    return list(itertools.islice(every, MOST_PIECES))


def plain(prompt: str) -> str:
    """The prompt as printable text: what is none (controls, lone surrogates, joiners) becomes a space."""
    return "".join(c if (c.isprintable() and c != "_") or c == "\n" else " " for c in prompt)


def _parted(part: str) -> Iterator[Piece]:
    """A part of a prompt, cut into what is affirmed and what is denied."""
    while found := _DENY.search(part):
        before, rest = part[: found.start()].strip(), part[found.end() :]
        reach = _reach(rest)
        if subject := _subject(before, found[0]):
            rest, reach = f"{subject} {rest}", len(subject) + 1 + reach
        else:
            yield from _spoken(before)
        for text in _LIST.split(rest[:reach]):
            yield from _spoken(text, denied=True)
        part = rest[reach:]
    yield from _spoken(part)


def _subject(before: str, denial: str) -> str:
    """What a denied verb is said of: "the sun is not shining" and "the sun isn't shining" deny a shining sun."""
    if re.search(r"n['’]t\b", denial):
        return before if len(before.split()) <= 3 else ""
    found = _SUBJECT.fullmatch(before)
    return found[1] if found and re.match(r"not|never|no longer", denial, re.IGNORECASE) else ""


def _reach(rest: str) -> int:
    """How many characters after a word of denial it denies."""
    ends = [found.start() for found in (_SCOPE.search(rest), _DENY.search(rest)) if found]
    return min(ends, default=len(rest))


def _spoken(text: str, *, denied: bool = False) -> list[Piece]:
    parts = [text] if denied else _AND.split(text)
    cut = (_BEFORE_PREPOSITION.split(part) if not denied and len(part.split()) > LONG else [part] for part in parts)
    cleaned = (_LINK.sub("", " ".join(part.split())) for each in cut for part in each)
    return [Piece(part, denied) for part in cleaned if re.search(r"\w", part)]


_POINTS = {"north": 0.0, "northeast": 45.0, "east": 90.0, "southeast": 135.0,
           "south": 180.0, "southwest": 225.0, "west": 270.0, "northwest": 315.0}  # fmt: skip
_AZIMUTH = re.compile(
    r"\b(?:sun|sunlight|sunset|sunrise|sundown|moon|moonlight|light|daylight|lit|dawn|dusk)\s+"
    r"(?:(?:is|stands|low|high|sets|rises|setting|rising|shines|shining|coming|comes|falls|falling|hangs|hanging)\s+)*"
    r"(?:in|from|to|towards?|out of)\s+(?:the\s+)?(north|south)?[\s-]?(east|west)?\b",
    re.IGNORECASE,
)


_CLOCK = re.compile(r"\b(1[0-2]|0?[1-9])(?:[:.]([0-5]\d))?\s*([ap])\.?m\b", re.IGNORECASE)
LATITUDE_DEG, EQUINOX_DAY = 40.0, 81.0


def elevation_of(prompt: str) -> dict[str, float]:
    """How high the sun stands at a time of the clock, such as "7:30 pm", on a day as long as its night."""
    found = _CLOCK.search(prompt[:MOST_CHARACTERS])
    if not found:
        return {}
    hour = int(found[1]) % 12 + int(found[2] or 0) / 60.0 + (12.0 if found[3] in "pP" else 0.0)
    _, elevation_deg = sun_angles(LATITUDE_DEG, EQUINOX_DAY, hour)
    return {"sun_elevation_deg": max(LOWEST_DEG, elevation_deg)}


def azimuth_of(prompt: str) -> dict[str, float]:
    """Where the sun stands by the words, such as "low sun in the south-west"; from -Z (north) towards +X (east)."""
    for found in _AZIMUTH.finditer(" ".join(plain(prompt).split())):
        point = f"{found[1] or ''}{found[2] or ''}".lower()
        if point:
            return {"sun_azimuth_deg": _POINTS[point]}
    return {}
