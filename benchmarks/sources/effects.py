"""How much a break changes: it counts from a hundredth of the rows, or of the labels, on."""

from __future__ import annotations

import pandas as pd

from sources.layout import CHANGED, KEY

COUNTS_FROM = 0.01


def changed_share(tonight: pd.DataFrame, broken: pd.DataFrame) -> float:
    """Return the share of tonight's rows that a break took, added or changed, at most 1.

    Rows of a key that stands twice are compared in their order; when a row was changed is no value of the customer.
    """
    if not len(tonight):
        return float(len(broken) > 0)
    left, right = (_numbered(each) for each in (tonight, broken))
    both = left.merge(right, on=[KEY, "place"], how="outer", suffixes=("", " after"), indicator="side")
    common = both["side"] == "both"
    differs = ~common
    for name in (each for each in left.columns if each not in (KEY, "place")):
        before, after = both[name], both[f"{name} after"]
        differs |= common & ~((before == after) | (before.isna() & after.isna()))
    return min(1.0, float(differs.sum()) / len(tonight))


def _numbered(customers: pd.DataFrame) -> pd.DataFrame:
    values = customers.drop(columns=CHANGED, errors="ignore").astype({KEY: object})
    return values.assign(place=values.groupby(KEY, dropna=False).cumcount())


def moved_share(tonight: pd.Series, broken: pd.Series) -> float:
    """Return the share of tonight's customers who have another label, or none, where labels are indexed by key.

    Those who come in add to it, at most to 1. A key that is not labelled is not in the index.
    """
    if not len(tonight):
        return float(len(broken) > 0)
    new = len(broken.index.difference(tonight.index))
    return min(1.0, (int((broken.reindex(tonight.index) != tonight).sum()) + new) / len(tonight))
