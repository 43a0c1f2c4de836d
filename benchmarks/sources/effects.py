"""How much a break changes: it counts from a hundredth of the rows, or of the labels, on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sources.layout import CHANGED, KEY

COUNTS_FROM = 0.01


def changed_share(tonight: pd.DataFrame, broken: pd.DataFrame) -> float:
    """Return the share of tonight's rows that a break took, added or changed, at most 1.

    Rows of a key that stands twice are compared in their order; when a row was changed is no value of the customer.
    """
    if not len(tonight):
        return float(len(broken) > 0)
    (keys, rows), (other_keys, other_rows) = _hashes(tonight), _hashes(broken)
    here_or_there = len(keys) + len(other_keys) - len(np.intersect1d(keys, other_keys))
    return min(1.0, (here_or_there - len(np.intersect1d(rows, other_rows))) / len(tonight))


def _hashes(customers: pd.DataFrame) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return a number for each row by its key and which one of the key's it is, and one by that and all values."""
    keys = customers[[KEY]].astype(object)
    place = keys.groupby(KEY, dropna=False).cumcount() if keys[KEY].duplicated().any() else 0
    values = {
        str(name): column.astype("float64") + 0.0 if pd.api.types.is_numeric_dtype(column) else column.astype(object)
        for name, column in customers.drop(columns=[KEY, CHANGED], errors="ignore").items()
    }
    named = keys.assign(place=place)
    hashes = [pd.util.hash_pandas_object(one, index=False).to_numpy() for one in (named, named.assign(**values))]
    return hashes[0], hashes[1]


def moved_share(tonight: pd.Series, broken: pd.Series) -> float:
    """Return the share of tonight's customers who have another label, or none, where labels are indexed by key.

    Those who come in add to it, at most to 1. A key that is not labelled is not in the index.
    """
    if not len(tonight):
        return float(len(broken) > 0)
    new = len(broken.index.difference(tonight.index))
    return min(1.0, (int((broken.reindex(tonight.index) != tonight).sum()) + new) / len(tonight))
