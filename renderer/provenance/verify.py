"""What the marks of a file say, in words: credentials, signed manifest, watermark."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from bridge.errors import ConfigError
from renderer.provenance.credentials import TYPES, Credentials, read
from renderer.provenance.generation import Generation
from renderer.provenance.journal import with_payload
from renderer.provenance.keys import Keys
from renderer.provenance.manifest import Checked, check_manifest, manifest_of
from renderer.provenance.pixels import PICTURES, evidence_of
from renderer.provenance.watermark import Evidence

TAKES = (".mcap",)
KNOWN = (*PICTURES, *TAKES)
HOLDS = ("trusted", "intact")


class Watermark(Struct, frozen=True, kw_only=True):
    """What the pixels say to this machine's key. `payload` is 8 hex digits; it means something where `found`."""

    found: bool
    payload: str
    score: float
    uncertain_bits: int
    frames: int
    take: str = ""  # by this machine's journal, whose payload is nearest
    bits_off: int = 0  # from that one


class Found(Struct, frozen=True, kw_only=True):
    """All that was looked for in one file or folder; None was not looked for."""

    file: str
    credentials: Credentials | None = None
    manifest: Checked | None = None
    watermark: Watermark | None = None
    all_inside_marked: bool = False  # of a folder

    @property
    def altered(self) -> bool:
        return any(mark is not None and mark.state == "altered" for mark in (self.credentials, self.manifest))

    @property
    def marked(self) -> bool:
        """Whether some mark is there and none is broken."""
        signed = any(mark is not None and mark.state in HOLDS for mark in (self.credentials, self.manifest))
        found = self.watermark is not None and self.watermark.found
        return not self.altered and (signed or found or self.all_inside_marked)


def verify(path: Path, keys: Keys | None) -> list[Found]:
    """What is found in a file; of a folder, in the folder as a whole and then in each of its pictures and takes.

    Raises ConfigError for what is no file this command reads, OSError for one that cannot be read.
    """
    if path.is_dir():
        return _folder(path, keys)
    if path.suffix.lower() not in KNOWN or not path.exists():
        what = "is of a kind that carries no marks" if path.exists() else "is not there"
        raise ConfigError(f"{str(path)!r} {what}", fix=f"Name a folder, or a file ending in {', '.join(KNOWN)}.")
    return [_file(path, keys)]


def _folder(path: Path, keys: Keys | None) -> list[Found]:
    files = [p for p in sorted(path.iterdir()) if p.suffix.lower() in KNOWN and not p.name.startswith(".")]
    manifest = manifest_of(path)
    if not files and manifest is None:
        raise ConfigError(f"{str(path)!r} has no picture and no take", fix="Name a folder that an export wrote.")
    together = Evidence()
    each = [_file(file, keys, together) for file in files]
    whole = Found(
        file=str(path),
        manifest=None if manifest is None else check_manifest(manifest, keys),
        watermark=_watermark(together, keys) if any(p.suffix.lower() in PICTURES for p in files) else None,
        all_inside_marked=bool(each) and all(one.marked for one in each),
    )
    return [whole, *each]


def _file(path: Path, keys: Keys | None, together: Evidence | None = None) -> Found:
    """`together` gathers what the pictures of a folder say."""
    suffix, manifest, mark = path.suffix.lower(), manifest_of(path), None
    if suffix in PICTURES and keys is not None:
        evidence = evidence_of(path)
        mark = _watermark(evidence, keys)
        if together is not None:
            together.join(evidence)
    return Found(
        file=str(path),
        credentials=read(path, keys) if suffix in TYPES else None,
        manifest=None if manifest is None else check_manifest(manifest, keys, [path.name]),
        watermark=mark,
    )


def _watermark(evidence: Evidence, keys: Keys | None) -> Watermark | None:
    if keys is None:
        return None
    reading = evidence.read(keys.watermark)
    near = with_payload(reading.payload) if reading.found else None
    return Watermark(
        found=reading.found, payload=f"{reading.payload:08x}", score=round(reading.score, 1),
        uncertain_bits=reading.uncertain_bits, frames=reading.frames, take="" if near is None else near[0].about.take,
        bits_off=0 if near is None else near[1],
    )  # fmt: skip


def words_of(found: Found) -> list[str]:
    """The findings as lines for a person, the first of them the verdict."""
    verdict = "ALTERED" if found.altered else "marked" if found.marked else "NO MARK FOUND"
    lines = [f"{found.file!r}: {verdict}" if not found.file.isprintable() else f"{found.file}: {verdict}"]
    if found.credentials is not None:
        lines.append(f"  credentials: {_credentials(found.credentials)}")
    if found.manifest is not None:
        lines.append(f"  signed manifest: {_manifest(found.manifest)}")
    if found.watermark is not None:
        lines.append(f"  watermark: {_mark(found.watermark)}")
    elif found.credentials is not None:
        lines.append("  watermark: not looked for, this machine has no key of its own")
    return lines


def _credentials(told: Credentials) -> str:
    if told.state == "absent":
        return "none"
    if told.state == "altered":
        return f"there, and they do not hold: {', '.join(told.problems) or 'no reason given'}"
    return f"{_trust(told.state, told.signer)}; {told.source_type or 'no source type'}{_made(told.generation)}"


def _manifest(told: Checked) -> str:
    if told.problem:
        return told.problem
    wrong = [f"{name} is altered" for name in told.changed] + [f"{name} is missing" for name in told.missing]
    if wrong:
        return "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    return f"{told.files} file{'s' * (told.files != 1)} {_trust(told.state, told.signer)}{_made(told.generation)}"


def _mark(told: Watermark) -> str:
    if not told.frames:
        return "not looked for, the picture is smaller than the mark's grid"
    if not told.found:
        return f"not found with this machine's key (score {told.score:g} of 50, {told.frames} frames)"
    unsure = f", {told.uncertain_bits} of its 32 bits unsure" if told.uncertain_bits else ""
    off = f" but for {told.bits_off} bit{'s' * (told.bits_off > 1)}" if told.bits_off else ""
    take = f", take {told.take} by this machine's journal{off}" if told.take else ""
    return f"found, payload {told.payload}{unsure}{take} (score {told.score:g}, {told.frames} frames)"


def _trust(state: str, signer: str) -> str:
    whose = "whose root is this machine's" if state == "trusted" else "whom this machine does not know"
    return f"intact, signed by {signer or 'nobody named'}, {whose}"


def _made(about: Generation | None) -> str:
    if about is None:
        return ""
    weights = f" (weights {about.model_sha256[:12]})" if about.model_sha256 else ""
    mark = f", watermark {about.watermark}" if about.watermark else ""
    return f"; made with {about.model}{weights}, take {about.take} ({about.take_id[:8]}), seed {about.seed}{mark}"
