"""Made-up days before today: customers who change their ways, join and leave, a few a day."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

KEY, CHANGING = "customer_id", "spending_score"
CHANGED, JOINED, LEFT = 0.006, 0.004, 0.003  # shares of the customers, a day
LEFT_KEYS = 1_000  # a day, above the largest key of today


def customers_before(today: pa.Table, days: int, *, seed: int) -> pa.Table:
    """Return the customers as they were so many `days` before `today`, the same for the same arguments.

    Each day a few had another spending score, a few were not there yet, and a few were who have left since. `today` has
    the columns of `generate_customers`.
    """
    customers, last = today, pc.max(today[KEY]).as_py()
    for day in range(1, days + 1):
        random = np.random.default_rng([seed, day])
        customers = _the_day_before(customers, random, first_key=last + day * LEFT_KEYS)
    return customers


def _the_day_before(customers: pa.Table, random: np.random.Generator, *, first_key: int) -> pa.Table:
    rows = customers.num_rows
    order = random.permutation(rows)
    changed, joined, left = np.split(order, np.cumsum([round(rows * CHANGED), round(rows * JOINED)]))
    left = left[: min(round(rows * LEFT), LEFT_KEYS)]
    source = np.arange(rows)
    source[changed] = random.permutation(changed)
    scores = customers[CHANGING].take(pa.array(source))
    customers = customers.set_column(customers.schema.get_field_index(CHANGING), CHANGING, scores)
    gone = customers.take(pa.array(left))
    keys = pa.array(np.arange(first_key, first_key + len(left)))
    gone = gone.set_column(gone.schema.get_field_index(KEY), KEY, keys)
    stayed = customers.take(pa.array(np.setdiff1d(np.arange(rows), joined)))
    return pa.concat_tables([stayed, gone]).combine_chunks()
