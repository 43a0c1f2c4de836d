"""Scaling: fitted once, applied everywhere, independent of the rows around a row."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering.config import Configuration, Contract
from clustering.errors import DataError, TrainingError
from clustering.features import Scaling, fit_scaling

CONTRACT = Contract.model_validate(
    {
        "table": "t",
        "columns": {
            "id": {"type": "bigint", "role": "key"},
            "plain": {"type": "number", "role": "cluster"},
            "skewed": {"type": "integer", "role": "cluster", "range": [0, None], "transform": "log"},
        },
    }
)


def rows_of(plain: list[float], skewed: Sequence[int | None]) -> pa.RecordBatch:
    return pa.record_batch({"plain": pa.array(plain, pa.float64()), "skewed": pa.array(skewed, pa.int64())})


def test_features_are_standardised_after_the_declared_transform() -> None:
    """Mean and population standard deviation; log is log(1 + value)."""
    rows = rows_of([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1])
    scaling = fit_scaling(rows, ("skewed", "plain"), CONTRACT)
    assert scaling.columns == ("skewed", "plain")
    assert scaling.transforms == ("log", "none")
    assert scaling.mean.tolist() == [math.log(2) / 2, 2.5]
    assert scaling.scale.tolist() == pytest.approx([math.log(2) / 2, math.sqrt(1.25)])
    features = scaling.apply(rows)
    assert features.flags.c_contiguous
    assert features.dtype == np.float64
    assert features[:, 0].tolist() == pytest.approx([-1, -1, 1, 1])
    assert features[:, 1].tolist() == pytest.approx([-1.3416407865, -0.4472135955, 0.4472135955, 1.3416407865])
    assert scaling.apply(rows.slice(0, 0)).shape == (0, 2)


def with_median(name: str) -> Contract:
    column = CONTRACT.columns[name].model_copy(update={"missing": "median"})
    return CONTRACT.model_copy(update={"columns": {**CONTRACT.columns, name: column}})


def test_the_median_of_the_training_stands_for_a_missing_value() -> None:
    """It is that of the values that are there, in their own unit, also where models see a logarithm."""
    rows = rows_of([1.0, 2.0, 3.0, 4.0, 5.0], [0, 7, None, 63, None])
    scaling = fit_scaling(rows, ("skewed", "plain"), with_median("skewed"))
    assert scaling.medians == {"skewed": 7.0}
    assert scaling.always_present == ("plain",)
    filled = rows_of([1.0, 2.0, 3.0, 4.0, 5.0], [0, 7, 7, 63, 7])
    plain = fit_scaling(filled, ("skewed", "plain"), CONTRACT)
    assert scaling.mean.tolist() == plain.mean.tolist()
    assert scaling.scale.tolist() == plain.scale.tolist()
    assert scaling.apply(rows).tobytes() == plain.apply(filled).tobytes()
    copy = Scaling.from_dict(json.loads(json.dumps(scaling.to_dict())))
    assert copy.medians == scaling.medians
    assert scaling.invert(scaling.apply(rows))[2].tolist() == pytest.approx([7.0, 3.0])


def test_the_median_of_an_even_number_of_values_lies_between_them() -> None:
    assert fit_scaling(rows_of([1.0] * 3, [2, 5, None]), ("skewed",), with_median("skewed")).medians == {"skewed": 3.5}


def test_a_column_that_is_empty_for_everybody_has_no_median() -> None:
    with pytest.raises(TrainingError, match="column skewed is empty for every customer, so it has no median"):
        fit_scaling(rows_of([1.0] * 2, [None] * 2), ("skewed",), with_median("skewed"))


def test_a_version_that_has_learnt_no_median_labels_nobody_without_a_value() -> None:
    """One that was trained before the contract said so would put them anywhere."""
    scaling = Scaling.from_dict(fit_scaling(rows_of([1.0, 2.0], [3, 4]), ("skewed",), CONTRACT).to_dict())
    assert scaling.medians == {}
    with pytest.raises(DataError, match="1 of 2 customers have no skewed, and the version has learnt nothing"):
        scaling.apply(rows_of([1.0, 2.0], [3, None]))


def test_a_scaling_survives_json_to_the_last_bit() -> None:
    rows = rows_of([0.1, 0.2, 1 / 3], [3, 5, 7])
    scaling = fit_scaling(rows, ("plain", "skewed"), CONTRACT)
    copy = Scaling.from_dict(json.loads(json.dumps(scaling.to_dict())))
    assert copy.columns == scaling.columns
    assert copy.transforms == scaling.transforms
    assert copy.mean.tobytes() == scaling.mean.tobytes()
    assert copy.scale.tobytes() == scaling.scale.tobytes()


values = st.lists(st.tuples(st.floats(-1e300, 1e300), st.integers(0, 2**62)), min_size=1, max_size=80)


@given(values, st.data())
def test_a_rows_features_do_not_depend_on_its_neighbours(rows: list[tuple[float, int]], data: st.DataObject) -> None:
    """Bit for bit: any slice of the rows has the features that it has in the whole."""
    whole = rows_of(*map(list, zip(*rows, strict=True)))
    scaling = Scaling(("plain", "skewed"), ("none", "log"), np.array([0.1, 3.0]), np.array([1 / 3, 0.7]))
    start = data.draw(st.integers(0, len(rows)))
    length = data.draw(st.integers(0, len(rows)))
    expected = scaling.apply(whole)[start : start + length]
    assert scaling.apply(whole.slice(start, length)).tobytes() == expected.tobytes()


@given(st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=50), st.randoms())
def test_the_fit_does_not_depend_on_the_order_of_the_rows(plain: list[float], order: random.Random) -> None:
    """The sums are exact, so a shuffled sample gives the same scaling to the last bit."""
    plain = [*plain, 0.0, 1e99]
    shuffled = order.sample(plain, len(plain))
    one, other = (
        fit_scaling(rows_of(numbers, [1] * len(plain)), ("plain",), CONTRACT) for numbers in (plain, shuffled)
    )
    assert (one.mean.tobytes(), one.scale.tobytes()) == (other.mean.tobytes(), other.scale.tobytes())


def test_a_constant_column_is_named(configuration: Configuration) -> None:
    rows = pa.record_batch({"annual_income": [1.0, 2.0], "spending_score": [7.0, 7.0]})
    with pytest.raises(
        TrainingError, match=r"spending_score is 7 for every customer.*take it out of the model's features"
    ):
        fit_scaling(rows, ("annual_income", "spending_score"), configuration.contract)


def test_columns_that_cannot_be_standardised_are_named() -> None:
    with pytest.raises(TrainingError, match=r"plain reaches 1e\+308, too large to standardise; give it a range"):
        fit_scaling(rows_of([1e308, -1e308], [1, 1]), ("plain",), CONTRACT)
    with pytest.raises(TrainingError, match=r"plain reaches 1\.7e\+308, too large"):
        fit_scaling(rows_of([1.7e308, 1.7e308, 0], [1, 1, 1]), ("plain",), CONTRACT)
    with pytest.raises(TrainingError, match="plain differs by less than can be standardised"):
        fit_scaling(rows_of([0.0, 5e-324], [1, 1]), ("plain",), CONTRACT)


def test_no_customers_cannot_be_standardised() -> None:
    with pytest.raises(TrainingError, match="no valid customers"):
        fit_scaling(rows_of([], []), ("plain",), CONTRACT)


def test_the_largest_numbers_become_infinite_without_a_warning() -> None:
    scaling = Scaling(("plain",), ("none",), np.array([-1e308]), np.array([1e-3]))
    assert scaling.apply(rows_of([1.7e308, -1e308], [1, 1]))[:, 0].tolist() == [math.inf, 0.0]
