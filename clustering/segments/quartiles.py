"""Quartiles of each cluster's columns, from a sample that does not depend on the order of the rows or on the cuts.

The sample of a cluster are its customers with the smallest hashes of their keys, at most SAMPLE_CUSTOMERS of them: the
same ones however the customers were read, and the sample of a whole is found among those of its parts.

A sample of two is enough to see why. Customers with the hashes 7, 2, 9 and 4 have the sample {2, 4}. Read in two parts,
{7, 2} and {9, 4}, each part keeps both of its own, and of the four that are left, the two smallest are the same {2, 4}.
A customer who is among the smallest of all is among the smallest of whatever part holds them, so nobody is lost.

One cluster of 3,000 customers, read at once, and in two parts of which one is turned round:

>>> hashes = hash_keys(pa.array(range(3_000)))
>>> income = np.arange(3_000.0)
>>> def sample_of(rows):
...     accumulator = SampleAccumulator(["income"])
...     accumulator.add(np.zeros(len(rows), np.int32), hashes[rows], {"income": income[rows]})
...     return accumulator.sample
>>> whole = sample_of(np.arange(3_000))
>>> parts = merge_samples([sample_of(np.arange(1_200, 3_000)[::-1]), sample_of(np.arange(1_200))])
>>> len(whole.hashes), whole.hashes.tolist() == parts.hashes.tolist(), whole.quartiles(0) == parts.quartiles(0)
(1000, True, True)
>>> whole.quartiles(0)  # of all customers: 749.75, 1499.5, 2249.25
(745.75, 1474.0, 2210.25)
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SAMPLE_CUSTOMERS = 1_000  # of a cluster; the share below a quartile is then right within 3 % (two standard errors)
EVERY_HASH = np.uint64(2**64 - 1)
WORD = 8  # bytes
MASKS = np.array([2 ** (8 * count) - 1 for count in range(WORD + 1)], dtype=np.uint64)

Hashes: TypeAlias = npt.NDArray[np.uint64]
FloatArray: TypeAlias = npt.NDArray[np.float64]
Quartiles: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True)
class Sample:
    """Customers of some clusters: `labels` (n,), `hashes` (n,), and `values` (n, columns) with NaN for missing."""

    labels: npt.NDArray[np.int32]
    hashes: Hashes
    values: FloatArray

    @classmethod
    def empty(cls, columns: int) -> Sample:
        """Return the sample of nobody."""
        return cls(np.empty(0, np.int32), np.empty(0, np.uint64), np.empty((0, columns)))

    def joined(self, other: Sample) -> Sample:
        """Return the sample of both together: of each cluster, the customers with the smallest hashes."""
        labels = np.concatenate([self.labels, other.labels])
        hashes = np.concatenate([self.hashes, other.hashes])
        values = np.concatenate([self.values, other.values])
        order = _order(labels, hashes, values)
        _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
        kept = order[np.arange(len(order)) - np.repeat(starts, counts) < SAMPLE_CUSTOMERS]
        return Sample(labels[kept], hashes[kept], values[kept])

    def of(self, clusters: Sequence[int]) -> Sample:
        """Return a sample in which every customer of these clusters had the same chance to be.

        Clusters of one segment are described together, and a full sample stands for more customers than it holds. So
        all of them stop at the smallest of the full samples' last hashes. Here the first cluster is full and its last
        hash is 999; the second one has three customers in all, of whom one lies below that.

        >>> labels = np.repeat([0, 1], [1_000, 3]).astype(np.int32)
        >>> hashes = np.array([*range(1_000), 500, 2_000, 3_000], dtype=np.uint64)
        >>> both = Sample(labels, hashes, np.zeros((1_003, 1))).of([0, 1])
        >>> np.bincount(both.labels).tolist()
        [1000, 1]
        """
        found = np.isin(self.labels, clusters)
        labels, hashes = self.labels[found], self.hashes[found]
        full = np.flatnonzero(np.bincount(labels + 1) >= SAMPLE_CUSTOMERS) - 1
        last = min((hashes[labels == label].max() for label in full), default=EVERY_HASH)
        kept = hashes <= last
        return Sample(labels[kept], hashes[kept], self.values[found][kept])

    def quartiles(self, column: int, *, least: int = 1) -> Quartiles | None:
        """Return the quartiles of a column, interpolated between customers; None of fewer than `least` values."""
        values = self.values[:, column]
        present = values[~np.isnan(values)]
        if len(present) < least:
            return None
        first, median, third = np.quantile(present, (0.25, 0.5, 0.75)).tolist()
        return first, median, third


class SampleAccumulator:
    """The sample of every cluster of one version, built up over batches."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._sample = Sample.empty(len(columns))
        self._waiting: list[Sample] = []  # taken since; to join them one by one would take most of the time
        self._last = np.empty(0, np.uint64)  # of each cluster label + 1, the largest hash that is still taken

    @property
    def sample(self) -> Sample:
        """The sample of all customers so far."""
        if self._waiting:
            self._join()
        return self._sample

    def add(self, labels: npt.NDArray[np.int32], hashes: Hashes, values: Mapping[str, FloatArray]) -> None:
        """Add customers: their (n,) cluster labels, -1 for noise, hashes of their keys, and values of each column."""
        taken = np.flatnonzero(hashes <= self._limits(labels, hashes)[labels.astype(np.intp) + 1])
        if not len(taken):
            return
        columns = np.column_stack([values[name][taken] for name in self._columns])
        self._waiting.append(Sample(labels[taken], hashes[taken], columns))
        if sum(len(one.hashes) for one in self._waiting) >= max(len(self._sample.hashes), SAMPLE_CUSTOMERS):
            self._join()

    def _join(self) -> None:
        parts = ([getattr(one, name) for one in self._waiting] for name in ("labels", "hashes", "values"))
        self._sample = self._sample.joined(Sample(*map(np.concatenate, parts)))
        self._waiting = []
        sizes = np.bincount(self._sample.labels + 1, minlength=len(self._last))
        for place in np.flatnonzero(sizes >= SAMPLE_CUSTOMERS):
            self._last[place] = self._sample.hashes[self._sample.labels == place - 1].max()

    def _limits(self, labels: npt.NDArray[np.int32], hashes: Hashes) -> Hashes:
        """Return the largest hash to look at for each cluster label + 1: no customer of the sample lies above."""
        missing = int(labels.max()) + 2 - len(self._last)
        if missing > 0:
            self._last = np.append(self._last, np.full(missing, EVERY_HASH))
        if not (self._last == EVERY_HASH).any():
            return self._last
        # Of a large cluster that comes for the first time, twice as many as are wanted, if as many are there.
        customers = np.bincount(labels + 1, minlength=len(self._last))
        share = 2 * SAMPLE_CUSTOMERS / np.maximum(customers, 2 * SAMPLE_CUSTOMERS + 1)
        guess = np.minimum(self._last, (share * 2.0**64).astype(np.uint64))
        below = np.bincount(labels[hashes <= guess[labels + 1]] + 1, minlength=len(self._last))
        return np.where((customers > 2 * SAMPLE_CUSTOMERS) & (below >= SAMPLE_CUSTOMERS), guess, self._last)


def to_bytes(samples: Mapping[int, Sample]) -> bytes:
    """Return the samples of versions as bytes, from which `from_bytes` makes the same ones."""
    arrays = {
        f"{version} {name}": array
        for version, sample in samples.items()
        for name, array in (("labels", sample.labels), ("hashes", sample.hashes), ("values", sample.values))
    }
    written = io.BytesIO()
    np.savez(written, **arrays)  # type: ignore[arg-type]
    return written.getvalue()


def from_bytes(content: bytes) -> dict[int, Sample]:
    """Return the samples of versions by their ids."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        versions = {int(name.split()[0]) for name in arrays}
        return {
            version: Sample(*(arrays[f"{version} {name}"] for name in ("labels", "hashes", "values")))
            for version in versions
        }


def merge_samples(parts: Iterable[Sample]) -> Sample:
    """Return the sample of all parts together; their order does not matter."""
    first, *others = parts
    for other in others:
        first = first.joined(other)
    return first


def _order(labels: npt.NDArray[np.int32], hashes: Hashes, values: FloatArray) -> npt.NDArray[np.intp]:
    """Return the order by label, then hash; customers with the same hash are told apart by their values."""
    order = np.lexsort((hashes, labels))
    same = (np.diff(hashes[order]) == 0) & (np.diff(labels[order]) == 0)
    return np.lexsort((*values.T[::-1], hashes, labels)) if same.any() else order


def hash_keys(keys: pa.Array) -> Hashes:
    """Return a hash of each key, int64, string or binary(16): SplitMix64 (Steele, Lea & Flood, 2014) word by word."""
    if pa.types.is_integer(keys.type):
        return _mixed(keys.to_numpy().view(np.uint64))
    if pa.types.is_fixed_size_binary(keys.type):
        words = np.frombuffer(keys.buffers()[1], dtype="<u8").reshape(-1, 2)[keys.offset : keys.offset + len(keys)]
        return _mixed(_mixed(words[:, 0]) ^ words[:, 1])
    starts = np.frombuffer(keys.buffers()[1], dtype=np.int32)[keys.offset : keys.offset + len(keys) + 1]
    lengths = np.diff(starts)
    octets = np.frombuffer(bytes(keys.buffers()[2] or b"") + bytes(WORD), dtype=np.uint8)
    words = np.ndarray(len(octets) - WORD + 1, dtype="<u8", buffer=octets, strides=(1,))
    hashes = _mixed(lengths.astype(np.uint64))
    for place in range(0, int(lengths.max(initial=0)), WORD):
        left = np.clip(lengths - place, 0, WORD)
        word = words[np.minimum(starts[:-1] + place, len(words) - 1)] & MASKS[left]
        hashes = np.where(left > 0, _mixed(hashes ^ word), hashes)
    return hashes


def _mixed(numbers: Hashes) -> Hashes:
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return mixed
