"""Hashes that are laid apart and looked through for equal ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from clustering.lake.key_hashes import HashParts, KnownHashes


@pytest.mark.parametrize("parts", [1, 7, 10_000])
def test_hashes_that_several_batches_have_are_found(parts: int) -> None:
    """Whoever adds them, in whatever order, and however often they stand in one batch."""
    random = np.random.default_rng(7)
    batches = [random.integers(0, 2**64, 3_000, dtype=np.uint64) for _ in range(8)]
    batches[1][:3], batches[5][:3] = [0, 5, 2**64 - 1], [2**64 - 1, 0, 6]
    batches[6][:1_000] = batches[2][5]
    with HashParts(24_000, hashes_a_part=-(-24_000 // parts)) as together, ThreadPoolExecutor(4) as pool:
        assert together.count == min(parts, 256)
        list(pool.map(together.add, [batch.copy() for batch in batches]))
        found = np.concatenate([together.repeated(part) for part in range(together.count)])
    values, counts = np.unique(np.concatenate(batches), return_counts=True)
    assert found.tolist() == values[counts > 1].tolist()
    assert {0, 2**64 - 1, int(batches[2][5])} == set(found.tolist())


def test_one_key_of_all_rows_takes_no_more_room_than_two_of_a_batch() -> None:
    """A column that is the key by mistake has often one value, and all of its hashes lie in one part."""
    with HashParts(10**9, hashes_a_part=10**9) as together:
        for _ in range(10):
            together.add(np.full(65_536, 77, np.uint64))
        assert together._files[0].tell() == 10 * 2 * 8
        assert together.repeated(0).tolist() == [77]


def test_hashes_are_looked_up_among_many() -> None:
    """Those that lie near known ones are none of them."""
    random = np.random.default_rng(3)
    known = np.unique(random.integers(0, 2**64, 100_000, dtype=np.uint64))
    asked = np.concatenate([known[::7], known[::5] + np.uint64(1), random.integers(0, 2**64, 50_000, dtype=np.uint64)])
    assert KnownHashes(known).mask(asked).tolist() == np.isin(asked, known).tolist()
