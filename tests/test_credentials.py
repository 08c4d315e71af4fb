"""Keys, content credentials and signed manifests: made offline, trusted by their own root, broken by one bit."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from PIL import Image

from bridge.errors import ConfigError
from renderer.film import write_mp4
from renderer.provenance.credentials import Credentials, read, sign
from renderer.provenance.generation import Generation, payload_of, take_id
from renderer.provenance.keys import Keys, keys_folder, load_keys
from renderer.provenance.manifest import (
    FOLDER_MANIFEST,
    Entry,
    check_manifest,
    entry_of,
    manifest_of,
    sign_take,
    write_manifest,
)

ABOUT = Generation(
    take="court-3", take_id="0123456789abcdef" * 2, model="limn", model_sha256="ab" * 32, runtime="openvino", seed=7,
    software="Worldplate 0.1.0", watermark="01234567",
)  # fmt: skip
KINDS = (".png", ".jpg", ".mp4")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    made = load_keys(tmp_path_factory.mktemp("config") / "provenance")
    assert made is not None
    return made


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> dict[str, Path]:
    """A signed file of each kind."""
    folder = tmp_path_factory.mktemp("signed")
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 255, (36, 64, 3)).astype(np.uint8) for _ in range(4)]
    files = {}
    for kind in KINDS:
        plain, files[kind] = folder / f"plain{kind}", folder / f"signed{kind}"
        if kind == ".mp4":
            write_mp4(plain, frames, 25)
        else:
            Image.fromarray(frames[0]).save(plain)
        sign(plain, files[kind], ABOUT, keys)
    return files


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_keys_are_made_once_and_the_private_ones_are_the_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "provenance"
    first, second = load_keys(folder), load_keys(folder)
    assert first == second
    assert first is not None
    assert {mode_of(folder / name) for name in ("signer.key", "watermark.key")} == {0o600}
    assert mode_of(folder) == 0o700
    assert sorted(p.name for p in folder.parent.iterdir()) == ["provenance"]
    assert "PRIVATE" not in repr(first)


def test_looking_for_keys_makes_none(tmp_path: Path) -> None:
    assert load_keys(tmp_path / "none", create=False) is None
    assert not (tmp_path / "none").exists()


def test_many_that_start_together_get_one_set_of_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(load_keys, [tmp_path / "provenance"] * 8))
    assert all(keys == made[0] for keys in made)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["provenance"]


def test_keys_live_in_the_users_config_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert keys_folder() == tmp_path / "worldplate" / "provenance"
    monkeypatch.setenv("XDG_CONFIG_HOME", "not/absolute")
    assert keys_folder() == Path.home() / ".config" / "worldplate" / "provenance"


@pytest.mark.parametrize(
    ("name", "harm", "says"),
    [
        ("signer.key", "open", "chmod 600"),
        ("watermark.key", "open", "chmod 600"),
        ("root.pem", "gone", "cannot be read"),
        ("watermark.key", "short", "32 bytes"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_with_the_remedy(tmp_path: Path, name: str, harm: str, says: str) -> None:
    folder = tmp_path / "provenance"
    load_keys(folder)
    file = folder / name
    if harm == "open":
        file.chmod(0o640)
    elif harm == "gone":
        file.unlink()
    else:
        file.write_text("beef\n")
    with pytest.raises(ConfigError, match=says):
        load_keys(folder)


def test_the_root_signs_the_signer_and_nothing_else_can_be_signed_with_it(keys: Keys) -> None:
    signer, root = x509.load_pem_x509_certificates(keys.chain)
    signer.verify_directly_issued_by(root)
    constraints = [c.extensions.get_extension_for_class(x509.BasicConstraints).value.ca for c in (signer, root)]
    assert constraints == [False, True]
    use = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    assert sorted(p.name for p in keys.folder.iterdir()) == ["root.pem", "signer.key", "signer.pem", "watermark.key"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_file_is_trusted_by_its_own_root_and_says_how_it_was_made(
    signed: dict[str, Path], keys: Keys, kind: str
) -> None:
    told = read(signed[kind], keys)
    assert (told.state, told.problems) == ("trusted", ())
    assert told.generation == ABOUT
    assert told.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert told.signer.startswith("Worldplate local signer")
    assert told.generator == "Worldplate 0.1.0"


@pytest.mark.parametrize("kind", KINDS)
def test_another_machine_finds_it_intact_and_by_nobody_it_knows(
    signed: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    other = load_keys(tmp_path / "provenance")
    assert read(signed[kind], other).state == "intact"
    assert read(signed[kind], None).state == "intact"


@pytest.mark.parametrize("kind", KINDS)
def test_one_bit_changed_anywhere_in_the_picture_is_caught(
    signed: dict[str, Path], keys: Keys, tmp_path: Path, kind: str
) -> None:
    whole = signed[kind].read_bytes()
    plain_bytes = signed[kind].with_name(f"plain{kind}").stat().st_size
    for at in (len(whole) - 40, len(whole) - plain_bytes // 3, len(whole) - plain_bytes // 2):
        harmed = bytearray(whole)
        harmed[at] ^= 1
        path = tmp_path / f"harmed{kind}"
        path.write_bytes(harmed)
        assert read(path, keys).state == "altered", f"byte {at} of {len(whole)}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_credentials_has_none_and_one_cut_off_does_not_hold(
    signed: dict[str, Path], keys: Keys, tmp_path: Path, kind: str
) -> None:
    assert read(signed[kind].with_name(f"plain{kind}"), keys) == Credentials(state="absent")
    cut = tmp_path / f"cut{kind}"
    cut.write_bytes(signed[kind].read_bytes()[:-30])
    assert read(cut, keys).state in ("altered", "absent")


def test_credentials_are_small_and_have_no_thumbnail(signed: dict[str, Path]) -> None:
    for kind in KINDS:
        plain = signed[kind].with_name(f"plain{kind}")
        assert signed[kind].stat().st_size - plain.stat().st_size < 8192


def manifested(folder: Path, keys: Keys) -> Path:
    for name in ("0001.exr", "0002.exr"):
        (folder / name).write_bytes(name.encode() * 100)
    files = {p.name: entry_of(p) for p in folder.iterdir()}
    write_manifest(folder / FOLDER_MANIFEST, files, ABOUT, keys)
    return folder / FOLDER_MANIFEST


def test_a_signed_manifest_holds_for_its_files_and_is_trusted_by_its_own_root(keys: Keys, tmp_path: Path) -> None:
    told = check_manifest(manifested(tmp_path, keys), keys)
    assert (told.state, told.files, told.changed, told.missing) == ("trusted", 2, (), ())
    assert told.generation == ABOUT
    assert check_manifest(tmp_path / FOLDER_MANIFEST, None).state == "intact"


def test_one_bit_of_a_file_or_a_file_that_is_gone_breaks_the_manifest(keys: Keys, tmp_path: Path) -> None:
    manifest = manifested(tmp_path, keys)
    harmed = bytearray((tmp_path / "0002.exr").read_bytes())
    harmed[17] ^= 1
    (tmp_path / "0002.exr").write_bytes(harmed)
    assert check_manifest(manifest, keys).changed == ("0002.exr",)
    (tmp_path / "0001.exr").unlink()
    told = check_manifest(manifest, keys)
    assert (told.state, told.missing) == ("altered", ("0001.exr",))
    assert check_manifest(manifest, keys, ["unlisted.exr"]).missing == ("unlisted.exr",)


def test_a_manifest_whose_words_were_changed_does_not_hold(keys: Keys, tmp_path: Path) -> None:
    manifest = manifested(tmp_path, keys)
    told = json.loads(manifest.read_text())
    told["signed"]["about"]["model"] = "a photograph"
    manifest.write_text(json.dumps(told))
    found = check_manifest(manifest, keys)
    assert (found.state, found.problem) == ("altered", "its signature does not hold")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "\udcff", '{"signed": {}, "signature": "", "certificates": ""}', "9" * 5000]
)
def test_a_manifest_that_is_none_is_told_and_not_believed(tmp_path: Path, text: str) -> None:
    (tmp_path / FOLDER_MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert check_manifest(tmp_path / FOLDER_MANIFEST, None).state == "altered"


def test_a_manifest_never_reaches_out_of_its_folder(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    inner = tmp_path / "inner"
    inner.mkdir()
    write_manifest(inner / FOLDER_MANIFEST, {"../secret": entry_of(tmp_path / "secret")}, ABOUT, keys)
    assert check_manifest(inner / FOLDER_MANIFEST, keys).missing == ("../secret",)


def test_a_take_is_signed_beside_it(keys: Keys, tmp_path: Path) -> None:
    take = tmp_path / "court.mcap"
    take.write_bytes(os.urandom(3 << 20))
    manifest = sign_take(take, ABOUT, keys)
    assert manifest_of(take) == manifest
    assert check_manifest(manifest, keys, [take.name]).state == "trusted"
    assert isinstance(entry_of(take), Entry)


def test_a_take_is_named_by_32_bits_of_its_id() -> None:
    identity = take_id("court", 5)
    assert identity != take_id("court", 6)
    assert f"{payload_of(identity):08x}" == identity[:8]
