"""Keys that stand in several rows, wherever the rows lie: in one file, or in two.

The keys are read once, by some threads, and their hashes are looked through for equal ones; only where there are some
the keys are read again, and those with such hashes are compared themselves. Memory does not grow with the customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.customers import as_keys
from clustering.errors import DataError
from clustering.lake.file_source import FilePart, FileSource
from clustering.lake.key_hashes import HASHES_A_PART, HashParts, KnownHashes
from clustering.segments.quartiles import Hashes, hash_keys

MOST_REPEATED = 1_000_000
AT_ONCE = 4  # parts of files that are read, or of hashes that are sorted, as no other task of a run works meanwhile


def repeated_keys(
    source: FileSource, shards: Sequence[Sequence[FilePart]], *, hashes_a_part: int = HASHES_A_PART
) -> list[pa.Array]:
    """Return for each shard those of its keys that stand in several rows of all shards, typed as valid keys.

    Raises DataError where there are more than MOST_REPEATED of them: then a row is no customer.
    """
    narrowed = source.narrowed(source.contract.only(()))
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="keys") as pool:
        hashes = _repeated_hashes(pool, narrowed, shards, hashes_a_part)
        if not len(hashes):
            return [pa.array([], pa.string()) for _ in shards]
        known = KnownHashes(hashes)
        counted = list(pool.map(lambda parts: _counted(narrowed, parts, known), shards))
    every = _added(counted)
    repeated = every.filter(pc.greater(every["rows"], 1))["key"].combine_chunks()
    return [_among(one["key"].combine_chunks(), repeated) for one in counted]


def _keys(source: FileSource, parts: Sequence[FilePart]) -> Iterator[pa.Array]:
    for batch in source.batches(parts):
        keys = as_keys(batch.column(0), source.contract)
        if len(keys):
            yield keys


def _repeated_hashes(
    pool: ThreadPoolExecutor, source: FileSource, shards: Sequence[Sequence[FilePart]], hashes_a_part: int
) -> Hashes:
    """Return the hashes that several rows have, ascending; those of different keys may be equal."""
    found, count = [np.empty(0, np.uint64)], 0
    with HashParts(source.rows, hashes_a_part=hashes_a_part) as together:

        def read(part: FilePart) -> None:
            for keys in _keys(source, [part]):
                together.add(hash_keys(keys))

        list(pool.map(read, [part for parts in shards for part in parts]))
        for hashes in pool.map(together.repeated, range(together.count)):
            count += len(hashes)
            if count <= MOST_REPEATED:
                found.append(hashes)
    if count > MOST_REPEATED:
        raise DataError(
            f"{count:,} keys of {source.name} stand in several rows, and a row has to be a customer; write "
            "files of one row a customer, and each customer once"
        )
    return np.concatenate(found)


def _counted(source: FileSource, parts: Sequence[FilePart], known: KnownHashes) -> pa.Table:
    """Return each key of a shard whose hash is known, with its rows."""
    kept, waits = [_no_keys(source)], 0
    for keys in _keys(source, parts):
        counts = keys.filter(pa.array(known.mask(hash_keys(keys)))).value_counts()
        kept.append(pa.table({"key": counts.field("values"), "rows": counts.field("counts")}))
        waits += len(counts)
        if waits > MOST_REPEATED:
            kept, waits = [_added(kept)], 0
    return _added(kept)


def _no_keys(source: FileSource) -> pa.Table:
    kind = as_keys(pa.array([], pa.null()), source.contract).type
    return pa.schema([("key", kind), ("rows", pa.int64())]).empty_table()


def _added(counted: Sequence[pa.Table]) -> pa.Table:
    summed = pa.concat_tables(counted).group_by("key", use_threads=False).aggregate([("rows", "sum")])
    return pa.table({"key": summed["key"], "rows": summed["rows_sum"]})


def _among(keys: pa.Array, repeated: pa.Array) -> pa.Array:
    return keys.filter(pc.is_in(keys, value_set=repeated))
