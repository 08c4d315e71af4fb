"""Engines on disk are this user's own, whole and unaltered, or they are not loaded."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bridge.errors import ConfigError, ModelUnsafe
from renderer.runtimes import engine_cache
from renderer.runtimes.engine_cache import MAGIC, EngineCache, user_cache

IDENTITY = {"network": "ab" * 32, "library": "ort 1", "device": "cpu"}
ENGINE = bytes(range(256)) * 40


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "cache" / "engines", tmp_path / "config" / "engines.key")


def test_what_is_kept_is_found_again_and_nothing_else(cache: EngineCache) -> None:
    assert cache.find(IDENTITY) is None
    cache.keep(IDENTITY, ENGINE)
    assert cache.find(IDENTITY) == ENGINE
    for name in IDENTITY:
        assert cache.find({**IDENTITY, name: "another"}) is None


def test_files_folder_and_key_are_for_their_user_alone(cache: EngineCache) -> None:
    path = cache.keep(IDENTITY, ENGINE)
    for private, mode in ((path, 0o600), (cache.key_file, 0o600), (cache.folder, 0o700)):
        assert stat.S_IMODE(private.stat().st_mode) == mode
    assert sorted(each.name for each in cache.folder.iterdir()) == [path.name]  # nothing half written stays


@pytest.mark.parametrize("place", [0, len(MAGIC), len(MAGIC) + 31, len(MAGIC) + 32, len(MAGIC) + 40, -1])
def test_one_bit_that_was_changed_is_refused(cache: EngineCache, place: int) -> None:
    path = cache.keep(IDENTITY, ENGINE)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelUnsafe, match="altered"):
        cache.find(IDENTITY)


@pytest.mark.parametrize("data", [b"", MAGIC, MAGIC + bytes(20), MAGIC + bytes(4000)], ids=len)
def test_what_is_no_engine_is_refused(cache: EngineCache, data: bytes) -> None:
    path = cache.keep(IDENTITY, ENGINE)
    path.write_bytes(data)
    with pytest.raises(ModelUnsafe):
        cache.find(IDENTITY)


def test_an_engine_under_another_ones_name_is_refused(cache: EngineCache) -> None:
    other = {**IDENTITY, "device": "another"}
    cache.keep(other, ENGINE).replace(cache.path_of(IDENTITY))
    with pytest.raises(ModelUnsafe, match="another one's"):
        cache.find(IDENTITY)


def test_an_engine_of_another_user_or_machine_is_refused(cache: EngineCache, tmp_path: Path) -> None:
    theirs = EngineCache(tmp_path / "theirs", tmp_path / "theirs.key")
    cache.keep({**IDENTITY, "device": "first"}, ENGINE)  # so that there is a key
    theirs.keep(IDENTITY, ENGINE).replace(cache.path_of(IDENTITY))
    with pytest.raises(ModelUnsafe, match="not of this user's making"):
        cache.find(IDENTITY)


def test_without_the_key_nothing_is_believed(cache: EngineCache) -> None:
    cache.keep(IDENTITY, ENGINE)
    cache.key_file.unlink()
    with pytest.raises(ModelUnsafe):
        cache.find(IDENTITY)
    assert not cache.key_file.exists()


def test_a_link_and_a_file_that_is_open_to_others_are_refused(cache: EngineCache, tmp_path: Path) -> None:
    path = cache.keep(IDENTITY, ENGINE)
    path.chmod(0o644)
    with pytest.raises(ModelUnsafe, match="open to"):
        cache.find(IDENTITY)
    path.chmod(0o600)
    path.replace(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelUnsafe, match="cannot be opened"):
        cache.find(IDENTITY)


@pytest.mark.parametrize("spoil", ["open", "short", "text"])
def test_a_key_that_cannot_be_trusted_is_named_with_what_to_do(cache: EngineCache, spoil: str) -> None:
    cache.keep(IDENTITY, ENGINE)
    if spoil == "open":
        cache.key_file.chmod(0o640)
    else:
        cache.key_file.write_text("abcd" if spoil == "short" else "no key")
    for use in (lambda: cache.find(IDENTITY), lambda: cache.keep(IDENTITY, ENGINE)):
        with pytest.raises(ConfigError, match=r"engines\.key"):
            use()


def test_two_processes_that_start_together_get_one_key(cache: EngineCache) -> None:
    cache.key_file.parent.mkdir(parents=True)
    engine_cache.write_private(cache.key_file, b"ab" * 32, replace=False)
    engine_cache.write_private(cache.key_file, b"cd" * 32, replace=False)
    assert cache.key_file.read_bytes() == b"ab" * 32
    cache.keep(IDENTITY, ENGINE)
    assert cache.find(IDENTITY) == ENGINE


def test_only_so_many_are_kept_and_the_least_used_goes(cache: EngineCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_cache, "MOST_KEPT", 3)
    each = [{**IDENTITY, "device": str(n)} for n in range(4)]
    for n, identity in enumerate(each[:3]):
        os.utime(cache.keep(identity, ENGINE), (n, n))
    assert cache.find(each[0]) == ENGINE  # which makes it the newest
    cache.keep(each[3], ENGINE)
    assert [cache.find(identity) is not None for identity in each] == [True, False, True, True]


def test_the_users_own_lies_where_the_system_keeps_caches_and_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "k"))
    assert user_cache() == EngineCache(
        tmp_path / "c" / "worldplate" / "engines", tmp_path / "k" / "worldplate" / "engines.key"
    )
