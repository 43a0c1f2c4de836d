"""What was read is kept by its hash, checked, and bounded, whatever other processes do in the same folder."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clustering.versions.read_cache import ReadCache, cache_of_this_machine


def hash_of(content: bytes) -> str:
    """Return what a file with this content is called."""
    return hashlib.sha256(content).hexdigest()


def test_what_was_kept_comes_back_and_nobody_else_may_look(tmp_path: Path) -> None:
    """The folder is made when something is kept."""
    cache = ReadCache(tmp_path / "kept")
    assert cache.get(hash_of(b"tulip")) is None
    cache.put(b"tulip")
    assert cache.get(hash_of(b"tulip")) == b"tulip"
    assert cache.folder.stat().st_mode & 0o777 == 0o700


def test_damaged_file_is_not_believed(tmp_path: Path) -> None:
    """It goes, and is fetched again."""
    cache = ReadCache(tmp_path)
    cache.put(b"tulip")
    (tmp_path / hash_of(b"tulip")).write_bytes(b"spade")
    assert cache.get(hash_of(b"tulip")) is None
    assert list(tmp_path.iterdir()) == []


def test_least_used_go_where_there_is_too_much(tmp_path: Path) -> None:
    """What is larger than all of it is not kept; what a killed process began goes after an hour."""
    cache = ReadCache(tmp_path, most=10)
    for age, content in ((30, b"aaaa"), (20, b"bbbb")):
        cache.put(content)
        os.utime(tmp_path / hash_of(content), (time.time() - age,) * 2)
    assert cache.get(hash_of(b"aaaa"))
    for name, age in ((".part-old", 7200), (".part-new", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    cache.put(b"cccc")
    cache.put(b"d" * 11)
    left = {hash_of(b"aaaa"), hash_of(b"cccc"), ".part-new"}
    assert {path.name for path in tmp_path.iterdir()} == left


def test_folder_that_cannot_be_used_costs_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file in its way nor a folder of somebody else's is an error, and the latter gets nothing."""
    (tmp_path / "file").touch()
    ReadCache(tmp_path / "file").put(b"tulip")
    assert ReadCache(tmp_path / "file").get(hash_of(b"tulip")) is None
    (tmp_path / "theirs").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    ReadCache(tmp_path / "theirs").put(b"tulip")
    assert list((tmp_path / "theirs").iterdir()) == []


def test_folder_is_the_one_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or one for each user where temporary files lie."""
    monkeypatch.setenv("CLUSTERING_STORE_CACHE", str(tmp_path))
    assert cache_of_this_machine().folder == tmp_path
    monkeypatch.delenv("CLUSTERING_STORE_CACHE")
    assert cache_of_this_machine().folder.name == f"clustering-store-{os.getuid()}"


def test_many_at_once_get_what_they_asked_for_or_nothing(tmp_path: Path) -> None:
    """Whoever reads while others write and let the oldest go has the whole of a file, and none fails."""
    contents = [bytes([number]) * 1_000 for number in range(20)]

    def work(seed: int) -> None:
        cache = ReadCache(tmp_path, most=5_000)
        for step in range(100):
            content = contents[(seed * 7 + step) % len(contents)]
            assert cache.get(hash_of(content)) in (None, content)
            cache.put(content)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert not any(path.name.startswith(".part-") for path in tmp_path.iterdir())
    ReadCache(tmp_path, most=5_000).put(contents[0])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5_000
