"""The keys of this machine's user: what signs exports and takes, and what the watermark is drawn by.

    ~/.config/worldplate/provenance/        $XDG_CONFIG_HOME goes before ~/.config
        root.pem        the certificate to hand to those who are to trust these exports
        signer.pem      the signer's certificate, signed by the root
        signer.key      its private key (P-256)                    mode 0600
        watermark.key   32 random bytes, as hex                    mode 0600

Made on first use, offline; the root's own key is forgotten right after it has signed. Nobody else knows the root: to
others a picture is intact and signed by an unknown, until they are given `root.pem`. Back the folder up to go on
reading old marks; to retire the keys, move it away.
"""

from __future__ import annotations

import datetime
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import ConfigError, MissingDependency

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder

INSTALL = 'Install them with `pip install "worldplate[provenance]"`.'
PRIVATE = ("signer.key", "watermark.key")
PUBLIC = ("root.pem", "signer.pem")
VALID_DAYS = 3650
ORGANISATION = "Worldplate, made on the user's own machine"
try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError as error:
    raise MissingDependency(f"keys and signatures need cryptography: {error}", fix=INSTALL) from error


@dataclass(frozen=True)
class Keys:
    """`chain` is the signer's certificate and then the root's, PEM; `signer_key` is PEM too. Never printed."""

    folder: Path
    root: bytes
    chain: bytes
    signer_key: bytes
    watermark: bytes  # 32 bytes

    def __repr__(self) -> str:
        return f"Keys({self.folder})"


def keys_folder() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if os.path.isabs(home) else Path.home() / ".config") / "worldplate" / "provenance"


def load_keys(folder: Path | None = None, *, create: bool = True) -> Keys | None:
    """The keys, made first when there are none and `create` is set; else None.

    Raises ConfigError when a file is missing, unreadable, or a private one is open to others; OSError when the folder
    cannot be written.
    """
    folder = folder or keys_folder()
    if not folder.exists():
        if not create:
            return None
        _make(folder)
    read = {name: _read(folder / name, private=name in PRIVATE) for name in (*PRIVATE, *PUBLIC)}
    try:
        watermark = bytes.fromhex(read["watermark.key"].decode("ascii").strip())
    except ValueError:
        watermark = b""
    if len(watermark) != 32:
        raise ConfigError(f"{folder / 'watermark.key'} is not 32 bytes as hex", fix=_mend(folder))
    return Keys(folder, read["root.pem"], read["signer.pem"] + read["root.pem"], read["signer.key"], watermark)


def _mend(folder: Path) -> str:
    return f"Put it back from a backup, or move {folder} away, and new keys are made."


def _read(path: Path, *, private: bool) -> bytes:
    try:
        if private and os.name == "posix" and path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others than you", fix=f"Run `chmod 600 {path}`.")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix=_mend(path.parent)) from error


def _make(folder: Path) -> None:
    """All files at once under another name, then in place: two that start together get one set of keys."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = Path(tempfile.mkdtemp(prefix=".provenance-", dir=folder.parent))
    try:
        for name, data in _chain().items():
            descriptor = os.open(new / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(data)
        _in_place(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _in_place(new: Path, folder: Path) -> None:
    try:
        new.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was first: its keys are the keys
            raise


def _chain() -> dict[str, bytes]:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("Worldplate local root"), _name("Worldplate local signer")
    root = _certificate(root_name, root_name, root_key, root_key, authority=True)
    signer = _certificate(name, root_name, key, root_key, authority=False)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return {
        "root.pem": root.public_bytes(pem),
        "signer.pem": signer.public_bytes(pem),
        "signer.key": key.private_bytes(pem, pkcs8, serialization.NoEncryption()),
        "watermark.key": secrets.token_hex(32).encode() + b"\n",
    }


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{common} {secrets.token_hex(4)}"),
        ]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: EllipticCurvePrivateKey,
    issuer_key: EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> Certificate:
    """As C2PA's certificate profile wants it: version 3, key identifiers, and for a signer the use of e-mail
    protection (the specification's section 14.5.1)."""
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))  # clocks of a farm differ
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    return _with_use(builder, authority).sign(issuer_key, hashes.SHA256())


def _with_use(builder: CertificateBuilder, authority: bool) -> CertificateBuilder:
    if authority:
        return builder
    return builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip
