"""What a made-up source looks like: which column breaks are done to, the contract, and a night's rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from clustering.config import Contract

KEY, COUNTRY, AGE, CHANGED = "customer_id", "country", "age", "changed_at"
BRANCHES = ("BER", "KÖL", "LYO", "MÜN", "ROM", "ZÜR")  # a key begins with the branch where the customer signed up
COUNTRIES = ("DE", "FR", "IT", "CH", "AT")


@dataclass(frozen=True)
class Layout:
    """The three clustered columns of a source by what they hold; `other` may be missing and is filled in then."""

    money: str
    count: str
    other: str
    fill: float
    transform: str

    @property
    def clustered(self) -> tuple[str, str, str]:
        """The columns that the distance is made of."""
        return (self.money, self.count, self.other)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, the key first."""
        return (KEY, COUNTRY, AGE, *self.clustered, CHANGED)

    def contract(self, **settings: Any) -> Contract:
        """Return the contract of such a source, with other settings of `customers.yaml` beside the columns."""
        amount = {"type": "number", "role": "cluster", "range": [0, None]}
        columns = {
            KEY: {"type": "text", "role": "key"},
            COUNTRY: {"type": "text", "role": "protected", "missing": "allow"},
            AGE: {"type": "integer", "role": "profile", "range": [0, 120], "missing": "allow"},
            self.money: amount | {"transform": self.transform},
            self.count: amount | {"transform": self.transform},
            self.other: amount | {"missing": self.fill},
            CHANGED: {"type": "timestamp", "role": "ignore"},
        }
        return Contract.model_validate({"table": "public.customers", "columns": columns} | settings)


WALKS = Layout(money="spending", count="visits", other="income", fill=40_000.0, transform="none")
ORDERS = Layout(money="revenue", count="orders", other="recency_days", fill=365.0, transform="log")


@dataclass(frozen=True)
class Night:
    """What the source holds on a night, and what an insider would say of it, such as `campaign`."""

    as_of: date
    customers: pd.DataFrame
    remarks: frozenset[str]


def keys(branches: np.ndarray[Any, np.dtype[np.int64]], numbers: np.ndarray[Any, np.dtype[np.int64]]) -> pd.Series:
    """Return keys such as `KÖL-00000123` of customers by their branch's place and their number."""
    names = pd.Series(np.array(BRANCHES, dtype=object)[branches])
    return names + "-" + pd.Series(numbers).astype(str).str.zfill(8)
