"""Content credentials (C2PA) of PNG, JPEG and MP4: a signed statement inside the file of what made it.

By c2pa-python, offline: no time stamp service, no remote manifests, no revocation look-ups, no thumbnail. The action is
`c2pa.created`, its source type IPTC's `compositeWithTrainedAlgorithmicMedia`: engine pixels and a model's together. The
engine's own pictures, without a plate, are `digitalCreation`.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from bridge.errors import ConfigError, MissingDependency
from renderer.provenance.generation import Generation
from renderer.provenance.keys import INSTALL, Keys

try:
    import c2pa
except ImportError as error:
    raise MissingDependency(f"content credentials need c2pa-python: {error}", fix=INSTALL) from error

TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".mp4": "video/mp4"}
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED, DRAWN = "compositeWithTrainedAlgorithmicMedia", "digitalCreation"
ASSERTION = "worldplate.generation"


class Credentials(Struct, frozen=True, kw_only=True):
    """What a file's credentials say. `state` is `trusted` (intact, by a root that is known here), `intact` (by one that
    is not), `altered` (they are there and do not hold) or `absent`."""

    state: str
    signer: str = ""
    generator: str = ""
    source_type: str = ""
    generation: Generation | None = None
    problems: tuple[str, ...] = ()


def sign(source: Path, target: Path, about: Generation, keys: Keys, name: str = "") -> None:
    """Write `target`, a copy of `source` with credentials; they are two files of one type, by the suffix of `name`,
    which is what the file is to be called (`target`'s own when empty).

    Raises ConfigError when it cannot be signed, OSError when it cannot be written.
    """
    with source.open("rb") as whole, target.open("w+b") as signed:
        _sign(whole, signed, name or target.name, about, keys)


def signed_bytes(source: BinaryIO, name: str, about: Generation, keys: Keys) -> bytes:
    """The same in memory, of a file that is to be called `name`. Raises ConfigError."""
    source.seek(0)
    signed = io.BytesIO()
    _sign(source, signed, name, about, keys)
    return signed.getvalue()


def _sign(whole: BinaryIO, signed: BinaryIO, name: str, about: Generation, keys: Keys) -> None:
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", keys.chain, keys.signer_key, None))
    try:
        builder = c2pa.Builder(json.dumps(statement(name, about)), _context(keys))
        builder.sign(signer, TYPES[Path(name).suffix.lower()], whole, signed)
    except c2pa.C2paError as error:
        raise ConfigError(
            f"{name!r} cannot be signed: {_line(error)}", fix="Make room, or export with --no-mark."
        ) from error


def statement(title: str, about: Generation) -> dict[str, Any]:
    """The manifest definition: who made it, by what action, and with which model, seed and take."""
    kind = DRAWN if about.picture == "engine" else GENERATED
    action = {
        "action": "c2pa.created", "digitalSourceType": SOURCE_TYPES + kind, "softwareAgent": {"name": about.software},
    }  # fmt: skip
    name, _, version = about.software.partition(" ")
    return {
        "title": title.encode("utf-8", "replace").decode(),
        "claim_generator_info": [{"name": name, "version": version}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
            {"label": ASSERTION, "data": msgspec.to_builtins(about)},
        ],
    }


def read(path: Path, keys: Keys | None) -> Credentials:
    """What the credentials of a file say; roots other than this machine's own are not trusted. Raises OSError."""
    try:
        with path.open("rb") as file:
            reader = c2pa.Reader(TYPES[path.suffix.lower()], file, context=_context(keys))
            told = json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return Credentials(state="absent")
    except c2pa.C2paError as error:
        return Credentials(state="altered", problems=(_line(error),))
    return _understood(told)


def _understood(told: dict[str, Any]) -> Credentials:
    active = told.get("manifests", {}).get(told.get("active_manifest", ""), {})
    data = {a.get("label"): a.get("data", {}) for a in active.get("assertions", ())}
    actions = data.get("c2pa.actions.v2", {}).get("actions") or [{}]
    made_by = (active.get("claim_generator_info") or [{}])[0]
    signature = active.get("signature_info", {})
    failed = tuple(status["code"] for status in told.get("validation_status", ()))
    states = {"Trusted": "trusted", "Valid": "intact"}
    return Credentials(
        state=states.get(told.get("validation_state", ""), "altered"),
        signer=" / ".join(text for text in (signature.get("common_name"), signature.get("issuer")) if text),
        generator=f"{made_by.get('name', '')} {made_by.get('version', '')}".strip(),
        source_type=str(actions[0].get("digitalSourceType", "")).rpartition("/")[2],
        generation=_generation(data.get(ASSERTION)),
        problems=failed,
    )


def _generation(data: object) -> Generation | None:
    """None when another program wrote the credentials."""
    try:
        return msgspec.convert(data, Generation)
    except msgspec.ValidationError:
        return None


def _context(keys: Keys | None) -> Any:
    return c2pa.Context(c2pa.Settings.from_dict(_settings(keys)))


def _settings(keys: Keys | None) -> dict[str, Any]:
    trust = {} if keys is None else {"trust": {"user_anchors": keys.root.decode("ascii")}}
    return {
        "version": 1,
        **trust,
        "verify": {
            "verify_trust": True, "verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False,
        },
        "builder": {"thumbnail": {"enabled": False}},
    }  # fmt: skip


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
