"""`worldplate export`: a take to a film, stills, EXR or a camera's path. Deterministic: equal takes, options and keys
give equal pixels; content credentials alone have a random id. Stills and EXR go on where they stopped, a range of
frames at a time and on several machines into one folder; a film and a path are written anew, whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import ConfigError, ExportMixed, TakeMixed
from bridge.take import Take, TakeFrame
from renderer.exports.files import Common, open_folder, partial, told, write_whole
from renderer.exports.timing import rate_of
from renderer.progress import Tell
from renderer.provenance.generation import Generation, generation_of
from renderer.provenance.journal import Line, note

if TYPE_CHECKING:
    from renderer.exports.color import View
    from renderer.exports.exr import ExrStyle
    from renderer.exports.pictures import U8, Marking
    from renderer.provenance.keys import Keys

KINDS = ("mp4", "png", "exr", "camera")
FOLDERS = ("png", "exr")


@dataclass(frozen=True)
class Options:
    """What the command line asks for. `view` None is the default of the kind."""

    take: Path
    to: str
    out: Path
    picture: str = "composite"
    view: str | None = None
    primaries: str = "acescg"
    first: int | None = None
    last: int | None = None
    stream: str | None = None
    marked: bool = True


@dataclass(frozen=True)
class Done:
    """What came of it."""

    out: Path
    frames: int
    written: int
    skipped: int  # they were there
    about: Generation
    seconds: float


class Export:
    """An export of an open take. One thread uses it."""

    def __init__(self, options: Options, take: Take, software: str) -> None:
        """Raises TakeEmpty, TakeMixed, InvalidValue for frames that are not there, ConfigError for keys or a view that
        cannot be used, MissingDependency."""
        self.options, self.take = options, take
        self.numbers = _numbers(take, options)
        self.rate: Fraction = rate_of(take)
        if options.to != "camera":
            take.require_one_size()
        _check_place(options)
        # A camera's path has no pixels, and no file format of its own that could hold a signature.
        self.keys: Keys | None = _keys() if options.marked and options.to != "camera" else None
        picture = "composite" if options.to == "exr" else options.picture
        watermarked = self.keys is not None and picture != "engine" and _can_hold(take)
        self.about = generation_of(take.info, software, picture=picture, watermarked=watermarked)

    def run(self, tell: Tell) -> Done:
        """Raises ExportNotWritten, ExportMixed, TakeCorrupt; what is whole stays."""
        began_s = time.monotonic()
        with told(self.options.out):
            self.options.out.parent.mkdir(parents=True, exist_ok=True)
        self._tell_journal()
        make = {"mp4": self._film, "png": self._folder, "exr": self._folder, "camera": self._path}[self.options.to]
        written = make(tell)
        count = len(self.numbers)
        seconds = time.monotonic() - began_s
        return Done(self.options.out, count, written, count - written, self.about, seconds)

    def _tell_journal(self) -> None:
        out = str(self.options.out.absolute()).encode("utf-8", "replace").decode()
        at, marked = datetime.now(UTC).isoformat(timespec="seconds"), self.keys is not None
        if self.options.to != "camera":
            note(Line(at=at, out=out, to=self.options.to, marked=marked, about=self.about))

    @cached_property
    def marking(self) -> Marking | None:
        if self.keys is None or not self.about.watermark:
            return None
        from renderer.exports.pictures import Marking

        return Marking(self.keys.watermark, int(self.about.watermark, 16))

    def _frames(self, tell: Tell) -> Iterator[TakeFrame]:
        for done, number in enumerate(self.numbers, start=1):
            yield self.take.frame(number)
            tell(done, len(self.numbers))

    def _film(self, tell: Tell) -> int:
        from renderer.exports.color import FILMS
        from renderer.exports.pictures import display_of
        from renderer.film import write_mp4

        view, picture = _view(FILMS, self.options.view), self.options.picture

        def frame(taken: TakeFrame) -> U8:
            return display_of(taken, picture, view.baked, self.marking, even=True)[..., :3]

        with told(self.options.out), partial(self.options.out) as new:
            write_mp4(new.absolute(), map(frame, self._frames(tell)), self.rate)
            if self.keys is not None:
                from renderer.provenance.credentials import sign

                with partial(new) as signed:
                    sign(new, signed, self.about, self.keys, self.options.out.name)
        return len(self.numbers)

    def _path(self, tell: Tell) -> int:
        from renderer.exports.opentrackio import sample_line

        first_ns = self.take.header(self.numbers[0]).capture_ns
        with told(self.options.out), partial(self.options.out) as new, new.open("w", encoding="utf-8") as file:
            for done, number in enumerate(self.numbers, start=1):
                hello = self.take.span_of(number).hello
                file.write(
                    sample_line(
                        self.take.header(number), number, take=self.about.take, take_id=self.about.take_id,
                        created_ns=self.take.info.created_ns, first_ns=first_ns, rate=self.rate,
                        size=(hello.width, hello.height),
                    )
                    + "\n"
                )  # fmt: skip
                tell(done, len(self.numbers))
        return len(self.numbers)

    def _folder(self, tell: Tell) -> int:
        """One file a frame; those that are there stay as they are."""
        out, to = self.options.out, self.options.to
        encode = self._png() if to == "png" else self._exr()
        open_folder(out, self._common())
        written = 0
        for done, number in enumerate(self.numbers, start=1):
            path = out / f"{self.about.take}.{number:04d}.{to}"
            if not path.exists():
                write_whole(path, encode(self.take.frame(number), path))
                written += 1
            tell(done, len(self.numbers))
        if to == "exr" and self.keys is not None:
            _sign_folder(out, self.about, self.keys)
        return written

    def _png(self) -> Callable[[TakeFrame, Path], bytes]:
        from PIL import Image, PngImagePlugin

        from renderer.exports.color import STILLS
        from renderer.exports.pictures import display_of

        view, told_srgb = _view(STILLS, self.options.view), PngImagePlugin.PngInfo()
        told_srgb.add(b"sRGB", b"\0")

        def encode(frame: TakeFrame, path: Path) -> bytes:
            plain = io.BytesIO()
            shown = display_of(frame, self.options.picture, view, self.marking)
            Image.fromarray(shown).save(plain, "PNG", pnginfo=told_srgb)
            if self.keys is None:
                return plain.getvalue()
            from renderer.provenance.credentials import signed_bytes

            return signed_bytes(plain, path.name, self.about, self.keys)

        return encode

    def _exr(self) -> Callable[[TakeFrame, Path], bytes]:
        from renderer.exports.exr import exr_bytes

        style = self._style()
        return lambda frame, path: exr_bytes(frame, style)

    def _style(self) -> ExrStyle:
        from renderer.exports.exr import ExrStyle

        return ExrStyle(self.options.primaries, self.rate, self.about.software, self.about.take, self.marking)

    def _common(self) -> Common:
        from renderer.exports.color import DEFAULT_VIEW

        exr = self.options.to == "exr"
        key = "" if self.keys is None else hashlib.sha256(b"fingerprint " + self.keys.watermark).hexdigest()[:16]
        return Common(
            format=self.options.to, take_id=self.about.take_id, stream=self.options.stream or "",
            picture="all" if exr else self.options.picture,
            view=self.options.primaries if exr else self.options.view or DEFAULT_VIEW,
            marked_with=f"{self.about.watermark or 'no watermark'} {key}" if key else "",
        )  # fmt: skip


def _check_place(options: Options) -> None:
    """Raises ConfigError for a film that is not called one, ExportMixed where the take itself stands."""
    out = options.out
    if options.to == "mp4" and out.suffix.lower() != ".mp4":
        raise ConfigError(f"a film cannot be called {out.name!r}", fix="Name --out with the ending .mp4.")
    if out.exists() and out.samefile(options.take):
        raise ExportMixed(f"{str(out)!r} is the take", fix="Choose another --out.")


def _can_hold(take: Take) -> bool:
    from renderer.provenance.watermark import can_hold

    return can_hold(take.info.height, take.info.width)


def _view(display: str, name: str | None) -> View:
    from renderer.exports.color import DEFAULT_VIEW, View

    return View(display, name or DEFAULT_VIEW)


def _keys() -> Keys:
    from renderer.provenance.keys import load_keys

    keys = load_keys()
    assert keys is not None  # made when there were none
    return keys


def _numbers(take: Take, options: Options) -> list[int]:
    """The frames that are asked for. Raises TakeEmpty, InvalidValue, TakeMixed for several streams and none named."""
    take.require_frames()
    first, last = take.check_range(options.first, options.last)
    streams = take.info.streams
    if options.stream is None and len(streams) > 1:
        raise TakeMixed(f"The take has the streams {', '.join(streams)}", fix="Name one with --stream.")
    if options.stream is not None and options.stream not in streams:
        raise TakeMixed(
            f"The take has no stream '{options.stream}'", fix=f"Name one with --stream: {', '.join(streams)}."
        )
    numbers = range(first, last + 1)
    if len(streams) == 1:
        return list(numbers)
    found = [n for n in numbers if take.header(n).stream == options.stream]
    if not found:
        raise TakeMixed(f"Frames {first} to {last} have none of '{options.stream}'", fix="Name others with --frames.")
    return found


def _sign_folder(folder: Path, about: Generation, keys: Keys) -> None:
    """List and sign all of the folder's frames, those of other runs too. Raises ExportMixed for one that was signed
    before and has changed since: it is not signed again."""
    from renderer.provenance.manifest import FOLDER_MANIFEST, check_manifest, entry_of, write_manifest

    manifest = folder / FOLDER_MANIFEST
    with told(manifest):
        if manifest.is_file():
            before = check_manifest(manifest, keys)
            if before.changed:
                raise ExportMixed(
                    f"{before.changed[0]!r} was altered since it was signed", fix="Delete it, and export again."
                )
        files = {path.name: entry_of(path) for path in sorted(folder.glob("*.exr")) if path.name[0] != "."}
        write_manifest(manifest, files, about, keys)
