"""The made-up customers have five groups that every model can see, and dirt of every kind."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.cluster import DBSCAN, KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from clustering.config import Configuration
from clustering.customers import Reason, Split, split
from clustering.demo.generator import generate_customers
from clustering.features import FloatMatrix, fit_scaling

ROWS = 4000
CENTRES = [(86_500, 82), (55_000, 49.5), (26_000, 21), (88_000, 17), (26_000, 79)]


@pytest.fixture(scope="module")
def parts(configuration: Configuration) -> Split:
    """Return the customers of one seed, split."""
    rows = generate_customers(ROWS, seed=3).combine_chunks().to_batches()[0]
    counts = pc.value_counts(rows["customer_id"].drop_null())
    duplicated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return split(rows, configuration.contract, duplicated=duplicated)


@pytest.fixture(scope="module")
def features(parts: Split, configuration: Configuration) -> FloatMatrix:
    """Return income and score of the valid customers, standardised."""
    return fit_scaling(parts.valid, ("annual_income", "spending_score"), configuration.contract).apply(parts.valid)


def test_a_seed_gives_the_same_customers_again() -> None:
    def written(seed: int) -> list[tuple[str, ...]]:
        # NaN is unequal to itself, its text is not.
        return list(zip(*(map(str, column.to_pylist()) for column in generate_customers(500, seed=seed)), strict=True))

    assert written(1) == written(1)
    assert written(1) != written(2)


def test_two_in_a_hundred_rows_are_dirty_for_every_reason(parts: Split) -> None:
    assert abs(parts.rejected.num_rows - 0.02 * ROWS) <= 1
    reasons = Counter(parts.rejected["reason"].to_pylist())
    assert set(reasons) == {reason.name.lower() for reason in Reason}
    assert reasons["duplicate_key"] % 2 == 0


def test_clean_customers_are_all_valid(configuration: Configuration) -> None:
    for rows in (0, 1, 50):
        customers = generate_customers(rows, seed=0, dirty_share=0).combine_chunks()
        assert customers.column_names == list(configuration.contract.used)
        batch = pa.RecordBatch.from_arrays([column.combine_chunks() for column in customers], schema=customers.schema)
        assert split(batch, configuration.contract).valid.num_rows == rows


def test_kmeans_recovers_the_five_groups(parts: Split, features: FloatMatrix) -> None:
    points = np.column_stack([parts.valid["annual_income"].to_numpy(), parts.valid["spending_score"].to_numpy()])
    distances = [((points - centre) / (20_000, 20)) ** 2 for centre in CENTRES]
    groups = np.argmin([distance.sum(axis=1) for distance in distances], axis=0)
    scores = {}
    for k in range(2, 9):
        labels = KMeans(k, n_init=10, random_state=0).fit_predict(features)
        scores[k] = silhouette_score(features, labels, sample_size=1_000, random_state=0)
        if k == 5:
            assert adjusted_rand_score(groups, labels) > 0.95
    assert max(scores, key=scores.__getitem__) == 5
    assert scores[5] > 0.05 + max(score for k, score in scores.items() if k != 5)


def test_density_separates_the_five_groups(features: FloatMatrix) -> None:
    labels = DBSCAN(eps=0.2, min_samples=20).fit_predict(features)
    assert labels.max() == 4
    assert np.mean(labels == -1) < 0.05
