"""Breaks that give a customer another key, or a key another customer's values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sources.breaks import Source, kind, some
from sources.layout import AGE, COUNTRY, KEY

Random = np.random.Generator


@kind(
    "an encoding fault in the key", "UTF-8 was read as Latin-1, and keys with an umlaut are other keys.", touches=None
)
def encoding_fault(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(
        **{KEY: source.tonight[KEY].str.replace("Ö", "Ã–").str.replace("Ü", "Ãœ").astype(object)}
    )


@kind(
    "keys given anew",
    "A migration counted the customers anew, and most keys belong to another customer, or to nobody.",
    touches=1.0,
)
def renumbered(source: Source, rng: Random) -> pd.DataFrame:
    place = pd.Series(rng.permutation(len(source.tonight)) + 1, index=source.tonight.index)
    return source.tonight.assign(**{KEY: source.tonight[KEY].str[:4] + place.astype(str).str.zfill(8)})


@kind("a space after keys", "A fixed-width export left a space after the keys of the two last branches.", touches=None)
def trailing_space(source: Source, rng: Random) -> pd.DataFrame:
    late = source.tonight[KEY] > "R"
    return source.tonight.assign(**{KEY: source.tonight[KEY].where(~late, source.tonight[KEY] + " ")})


@kind("leading zeros of keys lost", "A spreadsheet took the numbers in the keys for numbers.", touches=1.0)
def zeros_lost(source: Source, rng: Random) -> pd.DataFrame:
    key = source.tonight[KEY]
    return source.tonight.assign(**{KEY: key.str[:4] + key.str[4:].str.lstrip("0")})


@kind("keys in lower case", "Another system writes the same keys in lower case.", touches=1.0)
def lower_case(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(**{KEY: source.tonight[KEY].str.lower()})


@kind("keys without their branch", "A regular expression cut the branch off the keys.", touches=1.0)
def without_branch(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(**{KEY: source.tonight[KEY].str[4:]})


@kind(
    "every tenth customer another's values",
    "A join on a name that several share gave a tenth of the customers another person's values.",
    touches=0.1,
)
def tenth_shuffled(source: Source, rng: Random) -> pd.DataFrame:
    return _shuffled(source, some(source.tonight, 0.1, rng), rng)


@kind("everybody another's values", "Keys and values were pasted side by side in two different orders.", touches=1.0)
def all_shuffled(source: Source, rng: Random) -> pd.DataFrame:
    return _shuffled(source, np.ones(len(source.tonight), dtype=np.bool_), rng)


@kind(
    "a column shifted by one row",
    "A header was counted as a row, and everybody has the spending of the customer before.",
    touches=1.0,
)
def shifted(source: Source, rng: Random) -> pd.DataFrame:
    ordered = source.tonight.sort_values(KEY)
    return ordered.assign(**{source.layout.money: np.roll(ordered[source.layout.money].to_numpy(), 1)})


@kind(
    "columns shuffled apart",
    "The anonymised copy was loaded, in which each column was shuffled by itself.",
    touches=1.0,
)
def anonymised(source: Source, rng: Random) -> pd.DataFrame:
    values = {name: rng.permutation(source.tonight[name].to_numpy()) for name in source.layout.clustered}
    return source.tonight.assign(**values)


@kind(
    "a tenth has the values of one customer",
    "A join on a missing e-mail address found the same person for a tenth of the customers.",
    touches=0.1,
)
def same_person(source: Source, rng: Random) -> pd.DataFrame:
    names = [*source.layout.clustered, AGE, COUNTRY]
    person = source.tonight.iloc[int(rng.integers(len(source.tonight)))]
    mask = some(source.tonight, 0.1, rng)
    broken = source.tonight.copy()
    for name in names:
        broken.loc[mask, name] = person[name]
    return broken


def _shuffled(source: Source, where: np.ndarray[tuple[int], np.dtype[np.bool_]], rng: Random) -> pd.DataFrame:
    names = [*source.layout.clustered, AGE, COUNTRY]
    places = np.flatnonzero(where)
    order = np.arange(len(source.tonight))
    order[places] = np.roll(rng.permutation(places), 1) if len(places) == 1 else _cycle(places, rng)
    return source.tonight.assign(**{name: source.tonight[name].to_numpy()[order] for name in names})


def _cycle(places: np.ndarray[tuple[int], np.dtype[np.intp]], rng: Random) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return places in an order in which none stays where it was."""
    order = rng.permutation(len(places))
    moved = np.empty_like(places)
    moved[order] = places[np.roll(order, 1)]
    return moved
