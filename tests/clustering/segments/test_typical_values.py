"""What the customers of a cluster are like, in the columns' own units."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from clustering.config import Column, Contract
from clustering.segments.typical_values import LEAST, typical_values

CONTRACT = Contract(
    table="shop",
    columns={
        "id": Column(type="bigint", role="key"),
        "recency": Column(type="integer", role="cluster", range=(0, None), transform="log", unit="days"),
        "paid": Column(type="number", role="cluster", unit="€", decimals=2),
    },
)


def test_values_are_said_in_the_columns_own_units_beside_those_of_all() -> None:
    """Middle values, rounded to three figures so that nobody's own is told, with the unit and decimals declared."""
    recency = [312] * LEAST + [45] * (3 * LEAST)
    paid = [1234.56] * LEAST + [10.0] * (3 * LEAST)
    customers = pa.RecordBatch.from_pydict({"id": list(range(4 * LEAST)), "recency": recency, "paid": paid})
    labels = np.repeat([0, 1], [LEAST, 3 * LEAST])
    sentences = typical_values(customers, labels, columns=("recency", "paid"), contract=CONTRACT)
    assert sentences[0] == (
        "Typical values, beside those of all customers: recency 312 days (all 45 days), paid 1,230.00 € (all 10.00 €)."
    )


def test_of_few_customers_nothing_is_said() -> None:
    """The middle one of a few would be one customer's own value; noise is no cluster."""
    customers = pa.RecordBatch.from_pydict({"recency": list(range(LEAST + 4)), "paid": [1.0] * (LEAST + 4)})
    labels = np.repeat([0, 1, -1], [LEAST - 1, 4, 1])
    assert typical_values(customers, labels, columns=("recency",), contract=CONTRACT) == ["", ""]
    everybody = np.zeros(LEAST + 4, dtype=np.int32)
    least = CONTRACT.model_copy(update={"min_group": 1_000})
    assert typical_values(customers, everybody, columns=("recency",), contract=least) == [""]
    assert typical_values(customers, everybody, columns=("recency",), contract=CONTRACT) != [""]
