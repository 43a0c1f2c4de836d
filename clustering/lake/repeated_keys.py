"""Keys that stand in several rows, wherever the rows lie: in one file, or in two.

Hashes of all keys are looked at in passes, each of a bounded number, so that memory does not grow with the customers;
keys whose hashes are equal are then compared themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.customers import as_keys
from clustering.errors import DataError
from clustering.lake.file_source import FilePart, FileSource
from clustering.segments.quartiles import Hashes, hash_keys

KEYS_A_PASS = 16_000_000  # 128 MB of hashes
MOST_REPEATED = 1_000_000


def repeated_keys(
    source: FileSource, shards: Sequence[Sequence[FilePart]], *, keys_a_pass: int = KEYS_A_PASS
) -> list[pa.Array]:
    """Return for each shard those of its keys that stand in several rows of all shards, typed as valid keys.

    Raises DataError where there are more than MOST_REPEATED of them: then a row is no customer.
    """
    narrowed = source.narrowed(source.contract.only(()))
    hashes = _repeated_hashes(narrowed, shards, keys_a_pass)
    if not len(hashes):
        return [pa.array([], pa.string()) for _ in shards]
    suspected = [_with_hashes(narrowed, parts, hashes) for parts in shards]
    counted = pa.concat_arrays(suspected).value_counts()
    repeated = counted.filter(pc.greater(counted.field("counts"), 1)).field("values")
    if len(repeated) > MOST_REPEATED:
        raise DataError(
            f"{len(repeated):,} keys of {source.name} stand in several rows, and a row has to be a customer; write "
            "files of one row a customer, and each customer once"
        )
    return [keys.filter(pc.is_in(keys, value_set=repeated)).unique() for keys in suspected]


def _keys(source: FileSource, parts: Sequence[FilePart]) -> Iterator[pa.Array]:
    for batch in source.batches(parts):
        keys = as_keys(batch.column(0), source.contract)
        if len(keys):
            yield keys


def _repeated_hashes(source: FileSource, shards: Sequence[Sequence[FilePart]], keys_a_pass: int) -> Hashes:
    passes = math.ceil(source.rows / keys_a_pass)
    found = [np.empty(0, np.uint64)]
    for number in range(passes):
        taken = []
        for keys in (keys for parts in shards for keys in _keys(source, parts)):
            hashes = hash_keys(keys)
            taken.append(hashes if passes == 1 else hashes[hashes % np.uint64(passes) == number])
        together = np.concatenate([np.empty(0, np.uint64), *taken])
        together.sort()
        found.append(np.unique(together[1:][together[1:] == together[:-1]]))
    return np.concatenate(found)


def _with_hashes(source: FileSource, parts: Sequence[FilePart], hashes: Hashes) -> pa.Array:
    found = [keys.filter(pa.array(np.isin(hash_keys(keys), hashes))) for keys in _keys(source, parts)]
    kind = found[0].type if found else (pa.int64() if source.contract.key_type == "bigint" else pa.string())
    return pa.concat_arrays([pa.array([], kind), *found])
