"""The ways in which a source breaks: pure functions from a night's customers to what a broken load would hold.

Written before the checks that are judged by them. The kinds that `is_final` names are used only at the end, never while
checks are tuned; which ones is decided by a hash of the name, so that a new kind changes nothing for the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from sources.layout import Layout

SEED = "final kinds 1"  # chosen once, before any check was there
SIZES = (200, 20_000, 1_000_000)


@dataclass(frozen=True)
class Source:
    """The customers of tonight, those of the nights before (the latest last, at least one), and the columns."""

    tonight: pd.DataFrame
    before: Sequence[pd.DataFrame]
    layout: Layout

    def ago(self, nights: int) -> pd.DataFrame:
        """Return the customers of so many nights before tonight, or of the earliest night that is known."""
        return self.before[max(-nights, -len(self.before))]


Break: TypeAlias = Callable[[Source, np.random.Generator], pd.DataFrame]


@dataclass(frozen=True)
class Kind:
    """A way to break a source; `touches` is about the share of tonight's rows, None where the night decides it."""

    name: str
    sentence: str
    touches: float | None
    apply: Break = field(repr=False)
    least: int = SIZES[0]  # customers from which on it makes sense

    @property
    def final(self) -> bool:
        """Whether it is kept for the end."""
        return is_final(self.name)


KINDS: dict[str, Kind] = {}


def kind(name: str, sentence: str, *, touches: float | None, least: int = SIZES[0]) -> Callable[[Break], Break]:
    """Register a break under a name, with the sentence that is told of it."""

    def register(apply: Break) -> Break:
        KINDS[name] = Kind(name, sentence, touches, apply, least)
        return apply

    return register


def is_final(name: str) -> bool:
    """Return whether a kind is used only at the end: about a third, by a hash of the name and SEED."""
    return int.from_bytes(hashlib.sha256(f"{SEED}: {name}".encode()).digest()[:8]) % 3 == 0


def break_source(name: str, source: Source, *, seed: int) -> pd.DataFrame:
    """Return what a kind of break makes of tonight's customers, the same for the same seed; nothing is changed."""
    one = KINDS[name]
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    broken = one.apply(source, np.random.default_rng([seed, number]))
    return broken.reset_index(drop=True)


def some(customers: pd.DataFrame, share: float, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a mask of a random share of the rows, at least of one."""
    chosen = np.zeros(len(customers), dtype=np.bool_)
    chosen[rng.permutation(len(customers))[: max(1, round(share * len(customers)))]] = True
    return chosen


def only(customers: pd.DataFrame, where: Any) -> pd.DataFrame:
    """Return the rows of a mask."""
    kept: pd.DataFrame = customers[np.asarray(where, dtype=np.bool_)]
    return kept


def changed(customers: pd.DataFrame, where: Any, values: Mapping[str, Any]) -> pd.DataFrame:
    """Return customers with other values of some columns in the rows of a mask."""
    new = {name: customers[name].where(~np.asarray(where), value) for name, value in values.items()}
    return customers.assign(**new)
