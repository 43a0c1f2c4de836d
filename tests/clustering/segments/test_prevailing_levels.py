"""Which values of a category tell clusters apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from clustering.segments.prevailing_levels import prevailing_levels


def test_values_that_prevail_in_some_clusters_alone_are_told() -> None:
    """Not what everybody mostly has, nor what nowhere half of a cluster has; noise belongs to no cluster."""
    columns = {
        "channel": ["web"] * 6 + ["app"] * 8 + ["web"] * 2 + ["shop"] * 4,
        "newsletter": ["true"] * 18 + ["false"] * 2,
    }
    customers = pa.RecordBatch.from_pydict({name: values * 10 for name, values in columns.items()})
    labels = np.tile(np.repeat([0, 1, -1], [6, 10, 4]), 10)
    found = prevailing_levels(customers, labels, ["channel", "newsletter"])
    assert {level: shares.tolist() for level, shares in found.items()} == {
        "channel=app": [0.0, 0.8],
        "channel=web": [1.0, 0.2],
    }
    assert prevailing_levels(customers, np.full(200, -1), ["channel"]) == {}
