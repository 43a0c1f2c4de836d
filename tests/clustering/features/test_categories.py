"""Categories as arrays: levels, weights, and which of them count."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from clustering.config import Contract
from clustering.errors import TrainingError
from clustering.features import Scaling, fit_scaling
from clustering.features.categories import codes_of, learn_levels, shares_of, unrelated, weight_of

CONTRACT = Contract.model_validate(
    {
        "table": "t",
        "columns": {
            "id": {"type": "bigint", "role": "key"},
            "spent": {"type": "number", "role": "cluster"},
            "channel": {"type": "text", "role": "cluster", "encode": "one_hot", "missing": "allow"},
        },
    }
)
ROWS = 1_000


def rows_of(seed: int, *, related: bool = True) -> pa.RecordBatch:
    """Return customers who spend by channel, or whose channel means nothing."""
    generator = np.random.default_rng(seed)
    places = generator.choice(4, size=ROWS, p=[0.5, 0.3, 0.195, 0.005])
    spent = generator.normal(size=ROWS) + (places if related else 0)
    return pa.record_batch(
        {"spent": pa.array(spent), "channel": pa.array(["web", "app", None, "fax"]).take(pa.array(places))}
    )


def test_rare_levels_stand_together_and_a_missing_one_for_itself() -> None:
    """In the order of the alphabet, whatever the order of the rows; who has an unseen one is with the rare ones."""
    column = rows_of(0).column("channel")
    assert learn_levels(column, "channel") == learn_levels(column[::-1], "channel") == ("", "app", "web")
    values = pa.array(["web", "fax", "pigeon", None, "WEB", "app"])
    assert codes_of(values, ("", "app", "web")).tolist() == [2, 3, 3, 0, 3, 1]


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.0), (0.9, 0.08, 0.02), (0.25, 0.25, 0.25, 0.25)])
def test_a_category_varies_as_one_number(shares: tuple[float, ...]) -> None:
    """The variances of its arrays add up to 1, and two customers drawn at random lie as far apart as by a number."""
    codes = np.repeat(np.arange(len(shares)), (np.array(shares) * ROWS).astype(int))
    arrays = np.eye(len(shares))[codes] * weight_of(shares_of(codes, "abcd"[: len(shares) - 1]))
    assert arrays.var(axis=0).sum() == pytest.approx(1.0)


def test_features_of_a_category() -> None:
    """One scaling learns and applies it, and survives JSON."""
    rows = rows_of(0)
    scaling = fit_scaling(rows, ("channel", "spent"), CONTRACT)
    assert scaling.owners == ("channel",) * 4 + ("spent",)
    features = scaling.apply(rows)
    assert features[:, :4].var(axis=0).sum() == pytest.approx(1.0)
    assert features.mean(axis=0).tolist() == pytest.approx([0.0] * 5, abs=1e-9)
    assert scaling.category(features, "channel") == [
        {"fax": "other", None: "not given"}.get(value, value) for value in rows.column("channel").to_pylist()
    ]
    copy = Scaling.from_dict(scaling.to_dict())
    assert copy.apply(rows).tobytes() == features.tobytes()
    assert copy.always_present == ("spent",)


def test_a_category_that_goes_along_with_nothing_counts_as_nothing() -> None:
    """Its values lie apart like groups, and are none."""
    for seed in range(20):
        rows = rows_of(seed, related=False)
        scaling = fit_scaling(rows, ("spent", "channel"), CONTRACT)
        assert scaling.levels == {"channel": ()}
        assert scaling.apply(rows).shape == (ROWS, 1)


def test_few_customers_make_no_category_count_by_chance() -> None:
    """Where everything has something in common with everything."""
    for rows in (40, 200, 1_000):
        found = []
        for seed in range(100):
            generator = np.random.default_rng(seed)
            codes = {name: generator.integers(0, levels, rows) for name, levels in (("two", 2), ("six", 6))}
            found += unrelated(generator.normal(size=(rows, 4)), codes)
        assert len(found) >= 196


def test_categories_that_go_along_with_each_other_count() -> None:
    """Groups may show in categories alone."""
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 2, ROWS)
    one, other = (np.where(generator.random(ROWS) < 0.9, groups, 1 - groups) for _ in range(2))
    codes = {"one": one, "other": other, "random": generator.integers(0, 2, ROWS)}
    assert unrelated(generator.normal(size=(ROWS, 2)), codes) == ["random"]


def test_what_is_no_category_is_said() -> None:
    """A column in which everybody has the same value, or a value of their own."""
    with pytest.raises(TrainingError, match="column channel is 'web' for every customer"):
        learn_levels(pa.array(["web"] * 10), "channel")
    with pytest.raises(TrainingError, match="column channel has 1,000 different values, and none of them 10 customers"):
        learn_levels(pa.array(map(str, range(ROWS))), "channel")
