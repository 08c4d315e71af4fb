"""A signed list of files with their SHA-256: the mark of what content credentials have no place in, EXR and takes.

    {"signed": {"version": 1, "about": {...}, "files": {"0001.exr": {"sha256": "...", "bytes": 1234}}},
     "signature": "...", "certificates": "-----BEGIN..."}

The signature is ECDSA over P-256 with SHA-256 (FIPS 186-5), base64 of its DER, over the UTF-8 bytes of `signed` as JSON
with sorted keys and no spaces; `certificates` is the signer's and then the root's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

from renderer.provenance.generation import Generation
from renderer.provenance.keys import Keys

FOLDER_MANIFEST = "manifest.json"  # of an export that is a folder
SUFFIX = ".manifest.json"  # beside a single file
VERSION = 1
MOST_BYTES = 64 << 20
NAMED = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
CHUNK_BYTES = 1 << 20


class Entry(Struct, frozen=True):
    sha256: str
    bytes: int


class Listed(Struct, frozen=True):
    """What is signed."""

    version: int
    about: Generation
    files: dict[str, Entry]


class Signed(Struct, frozen=True):
    signed: dict[str, Any]  # a Listed, as it came
    signature: str
    certificates: str


class Checked(Struct, frozen=True, kw_only=True):
    """What a manifest says; `state` as in Credentials: `trusted`, `intact`, `altered`. `changed` and `missing` are the
    names of those files that are not as listed."""

    state: str
    signer: str = ""
    generation: Generation | None = None
    files: int = 0
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str = ""


def manifest_of(path: Path) -> Path | None:
    """The manifest that speaks of a file or folder: its own, or its folder's."""
    if path.is_dir():
        candidates = [path / FOLDER_MANIFEST]
    else:
        candidates = [path.with_name(path.name + SUFFIX), path.with_name(FOLDER_MANIFEST)]
    return next((c for c in candidates if c.is_file()), None)


def sign_take(path: Path, about: Generation, keys: Keys) -> Path:
    """Sign one file that is finished, beside it; returns the manifest. Reads the file once. Raises OSError."""
    manifest = path.with_name(path.name + SUFFIX)
    write_manifest(manifest, {path.name: entry_of(path)}, about, keys)
    return manifest


def write_manifest(path: Path, files: dict[str, Entry], about: Generation, keys: Keys) -> None:
    """Sign `files`, whose names are relative to the manifest's folder. It appears whole or not at all."""
    signed = msgspec.to_builtins(Listed(VERSION, about, files))
    key = serialization.load_pem_private_key(keys.signer_key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # made by keys.py
    signature = base64.b64encode(key.sign(_bytes_of(signed), ec.ECDSA(hashes.SHA256()))).decode()
    whole = Signed(signed, signature, keys.chain.decode("ascii"))
    new = path.with_name(f".{path.name}.part")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1))
    os.replace(new, path)


def check_manifest(path: Path, keys: Keys | None, only: Iterable[str] | None = None) -> Checked:
    """Check the signature and the files that are listed, or of them `only` some. Raises OSError when the manifest
    cannot be read."""
    try:
        told = msgspec.json.decode(_bounded(path), type=Signed)
        listed = msgspec.convert(told.signed, Listed)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        return Checked(state="altered", problem=f"it is not a manifest of this version: {error}")
    state, signer, problem = _signature(told, keys)
    names = list(listed.files) if only is None else list(only)
    changed, missing = [], []
    for name in names:
        entry = listed.files.get(name)
        if entry is None or Path(name).name != name or not (path.parent / name).is_file():
            missing.append(name)
        elif entry_of(path.parent / name) != entry:
            changed.append(name)
    if changed or missing:
        state = "altered"
    return Checked(
        state=state, signer=signer, generation=listed.about, files=len(names), changed=tuple(changed),
        missing=tuple(missing), problem=problem,
    )  # fmt: skip


def entry_of(path: Path) -> Entry:
    """SHA-256 and size of a file, read a piece at a time."""
    digest, count = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
            count += len(piece)
    return Entry(digest.hexdigest(), count)


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def _bytes_of(signed: dict[str, Any]) -> bytes:
    return json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()


def _signature(told: Signed, keys: Keys | None) -> tuple[str, str, str]:
    """State, signer and problem."""
    try:
        signer, root = x509.load_pem_x509_certificates(told.certificates.encode())[:2]
        signer.verify_directly_issued_by(root)
        key = signer.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return "altered", "", "the signer's key is of another kind"
        key.verify(base64.b64decode(told.signature), _bytes_of(told.signed), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, TypeError):
        return "altered", "", "its signature does not hold"
    name = " / ".join(str(a.value) for oid in NAMED for a in signer.subject.get_attributes_for_oid(oid))
    known = keys is not None and x509.load_pem_x509_certificate(keys.root) == root
    return ("trusted" if known else "intact"), name, ""
