"""Rules in plain words: a surrogate tree with rounded thresholds."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import closing

import numpy as np
import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg2 import sql
from psycopg2.extras import execute_values

from clustering.config import PROJECT
from clustering.segments import rules
from clustering.segments.rules import FAR_FROM_EVERY_GROUP, NO_SHORT_RULE, Rule, explain_segments
from clustering.segments.stability_bands import stability_band
from clustering.segments.thresholds import Box, in_words, joined, round_threshold, spoken_number, sql_predicate

COLUMNS = ("annual_income", "spending_score")
CENTRES = np.array([(86_500.0, 82), (55_300, 49.5), (26_300, 21), (88_200, 17), (25_700, 79)])
MALL = PROJECT.parent / "shared" / "data" / "mall_customers.csv"


def blobs(rows: int = 3_000, *, spread: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return values of five groups and the segments 1 to 5 that they are in, by the nearest centre."""
    rng = np.random.default_rng(seed)
    values = CENTRES[rng.integers(0, 5, rows)] + rng.normal(size=(rows, 2)) * [8_000 * spread, 7 * spread]
    apart = ((values[:, np.newaxis] - CENTRES) / CENTRES.std(axis=0)) ** 2
    return values, apart.sum(axis=2).argmin(axis=1) + 1


def selected(boxes_of: Rule, values: np.ndarray, segments: np.ndarray, segment: int) -> tuple[float, float]:
    """Return coverage and precision of a rule's SQL, computed by numpy from its text."""
    assert boxes_of.sql is not None
    text = boxes_of.sql.replace(" AND ", " & ").replace(" OR ", " | ")
    for comparison in ("annual_income > ", "annual_income <= ", "spending_score > ", "spending_score <= "):
        text = text.replace(comparison, f"({comparison}")
    parts = [" & ".join(f"{part})" for part in branch.split(" & ")) for branch in text.split(" | ")]
    names = {"annual_income": values[:, 0], "spending_score": values[:, 1]}
    inside = np.logical_or.reduce([eval(part, {}, names) for part in parts])  # noqa: S307
    hits = np.count_nonzero(inside & (segments == segment))
    return hits / np.count_nonzero(segments == segment), hits / np.count_nonzero(inside)


def test_five_groups() -> None:
    """Groups in the corners and the middle are told apart by thresholds that read well."""
    values, segments = blobs()
    found = explain_segments(values, segments, columns=COLUMNS)
    assert found.pop(0).words == FAR_FROM_EVERY_GROUP
    assert sorted(found) == [1, 2, 3, 4, 5]
    assert found[1].fidelity > 0.98
    assert found[1].words.startswith("annual income above ")
    assert " and spending score above " in found[1].words
    for segment, rule in found.items():
        assert (rule.coverage, rule.precision) == selected(rule, values, segments, segment)
        assert len(rule.words) < 120


@pytest.fixture(scope="module")
def mall() -> tuple[np.ndarray, np.ndarray]:
    """Return income and score of the customers of a mall, and their clusters."""
    from sklearn.cluster import KMeans

    with MALL.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    values = np.array([[1000 * float(row[3]), float(row[4])] for row in rows])
    return values, KMeans(5, n_init=50, random_state=0).fit_predict((values - values.mean(axis=0)) / values.std(axis=0))


@pytest.mark.skipif(not MALL.exists(), reason=f"{MALL} is not there")
@pytest.mark.parametrize(("depth", "fidelity"), [(2, 0.865), (3, 0.98), (4, 0.995)])
def test_mall_fidelity(
    mall: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch, depth: int, fidelity: float
) -> None:
    """Rounding the thresholds costs nothing of the reference values."""
    values, labels = mall
    monkeypatch.setattr(rules, "DEPTH", depth)
    found = explain_segments(values, labels + 1, columns=COLUMNS)
    del found[0]
    assert {rule.fidelity for rule in found.values()} == {fidelity}
    assert all(rule.words.startswith("approximately: ") for rule in found.values()) == (fidelity < 0.9)


def test_whatever_the_order() -> None:
    """Shuffled customers give the same rules."""
    values, segments = blobs(spread=1.6)
    order = np.random.default_rng(1).permutation(len(values))
    assert explain_segments(values[order], segments[order], columns=COLUMNS) == explain_segments(
        values, segments, columns=COLUMNS
    )


def test_outliers() -> None:
    """Outliers are in no box, and their rule says so; customers around a group cost its rule precision."""
    values, segments = blobs()
    segments[np.random.default_rng(2).random(len(segments)) < 0.2] = 0
    found = explain_segments(values, segments, columns=COLUMNS)
    assert found[0] == Rule(FAR_FROM_EVERY_GROUP, None, None, None, found[1].fidelity)
    assert found[1].fidelity < 0.9
    assert found[1].precision is not None
    assert found[1].precision < 0.9
    assert found[1].words.startswith("approximately: annual income")


def test_more_segments_than_leaves() -> None:
    """A segment without a leaf in the tree gets one of its own: everybody has a rule, and its figures are true."""
    rng = np.random.default_rng(3)
    segments = np.repeat(np.arange(1, 13), 200)
    values = np.column_stack([10.0 * segments, np.zeros(len(segments))]) + rng.normal(size=(len(segments), 2))
    found = explain_segments(values, segments, columns=COLUMNS)
    assert found.pop(0).fidelity < 0.9
    for segment, rule in found.items():
        assert (rule.coverage, rule.precision) == selected(rule, values, segments, segment)
        assert rule.coverage is not None
        assert rule.coverage > 0.95


def test_no_rule() -> None:
    """A segment that thresholds cannot tell at all says that."""
    values = np.zeros((10, 2))
    found = explain_segments(values, np.array([1] * 7 + [2] * 3), columns=COLUMNS)
    assert found[1] == Rule("approximately: every customer", "true", 1.0, 0.7, 0.7)
    assert found[2] == Rule(NO_SHORT_RULE, None, None, None, 0.7)


def test_only_segment() -> None:
    """One segment is everybody."""
    found = explain_segments(*blobs(50)[:1], np.ones(50, dtype=int), columns=COLUMNS)
    assert found[1] == Rule("every customer", "true", 1.0, 1.0, 1.0)


@pytest.mark.parametrize("factor", [1e-12, 1.0, 1e12, 1e100])
def test_extreme_units(factor: float) -> None:
    """Values far beyond single precision are split like any others."""
    values, segments = blobs(500)
    found = explain_segments(values * factor, segments, columns=COLUMNS)
    assert found[1].fidelity > 0.98


def test_giant() -> None:
    """A customer with an income of 1e12 does not move the others' thresholds out of their range."""
    values, segments = blobs(500)
    found = explain_segments(np.vstack([values, [1e12, 80.0]]), np.append(segments, 1), columns=COLUMNS)
    assert found[1].words == "annual income above 70,000 and spending score above 50"
    assert found[1].fidelity > 0.98


FINITE = st.floats(-1e12, 1e12, allow_nan=False)


@settings(deadline=None)
@given(st.lists(FINITE, min_size=2, max_size=50, unique=True), st.data())
def test_rounding_changes_no_small_split(values: list[float], data: st.DataObject) -> None:
    """Below a thousand rows no row changes its side, however round the threshold has become."""
    column = np.array(sorted(values))
    cut = data.draw(st.integers(1, len(column) - 1))
    below = np.arange(len(column)) < cut
    threshold = round_threshold(column, below=below, among=np.arange(len(column)))
    assert (column <= threshold).tolist() == below.tolist()


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (69_123, 70_964, 70_000),  # the roundest number between both
        (60, 61, 60),  # whole numbers stay whole, and the threshold belongs to what is below
        (0.61, 0.64, 0.62),
        (-70_964, -69_123, -70_000),
        (0.9, 1.3, 1),
        (-0.2, 0.1, -0.05),
        (1.0, np.nextafter(1.0, 2.0), 1.0),
    ],
)
def test_round_threshold(lower: float, upper: float, expected: float) -> None:
    """The threshold is the number with the fewest digits in the gap, and of these the one nearest to its middle."""
    column = np.array([lower - 1000, lower, upper, upper + 1000])
    below = np.array([True, True, False, False])
    assert round_threshold(column, below=below, among=np.arange(4)) == expected


def test_round_threshold_of_many() -> None:
    """Where values lie close, one in a thousand rows may change its side for fewer digits."""
    column = np.linspace(0.0, 1.0, 100_001)
    assert round_threshold(column, below=column <= 0.50003, among=np.arange(len(column))) == 0.5


def test_joined_boxes() -> None:
    """Boxes that touch become one; boxes that only meet at a corner stay two."""
    low, high = Box().up_to(0, 1.0), Box().above(0, 1.0)
    assert joined([low.up_to(1, 5.0), high.up_to(1, 5.0)]) == [Box().up_to(1, 5.0)]
    assert joined([low.up_to(1, 5.0), high.above(1, 5.0)]) == [low.up_to(1, 5.0), high.above(1, 5.0)]


def test_words_and_sql() -> None:
    """A box reads as a person would say it, and as SQL with quotes where a name needs them."""
    box = Box().above(0, 1_000.0).up_to(0, 2_500.0).up_to(1, 0.25)
    columns = ("order", "visits")
    assert in_words(box, columns) == "order between 1,000 and 2,500 and visits up to 0.25"
    expected = '"order" > 1000 AND "order" <= 2500 AND coalesce(visits, 3) <= 0.25 OR coalesce(visits, 3) > 1e+30'
    assert sql_predicate([box, Box().above(1, 1e30)], columns, {"visits": 3}) == expected
    assert spoken_number(-1234.5) == "-1,234.5"


def test_sql_selects_the_rows(create_database: Callable[[], str]) -> None:
    """PostgreSQL selects the same customers by a rule as the rule's figures say, filled gaps and odd names included."""
    values, segments = blobs(2_000, spread=1.4)
    gaps = (values[:, 1] > 48) & (values[:, 1] < 50)
    values[gaps, 1] = 49.0
    found = explain_segments(values, segments, columns=("select", "spending_score"), fills={"spending_score": 49.0})
    rows = [(x, None if gap else y, s) for (x, y), gap, s in zip(values.tolist(), gaps, segments.tolist(), strict=True)]
    with closing(psycopg2.connect(create_database())) as connection, connection.cursor() as cursor:
        cursor.execute('create table t ("select" numeric, spending_score double precision, segment integer)')
        execute_values(cursor, "insert into t values %s", rows)
        del found[0]
        for segment, rule in found.items():
            statement = sql.SQL("select count(*), count(*) filter (where segment = {}) from t where {}")
            cursor.execute(statement.format(sql.Literal(segment), sql.SQL(str(rule.sql))))
            chosen, hits = cursor.fetchone() or (0, 0)
            assert hits / np.count_nonzero(segments == segment) == rule.coverage
            assert hits / chosen == rule.precision
    assert any('"select"' in str(rule.sql) for rule in found.values())
    assert any("coalesce(spending_score, 49)" in str(rule.sql) for rule in found.values())


def test_stability_bands() -> None:
    """Hennig's bounds belong to the better band."""
    bands = [stability_band(value) for value in (1.0, 0.85, 0.8499, 0.75, 0.7499, 0.6, 0.5999, 0.0)]
    assert bands == [
        "highly stable", "highly stable", "valid", "valid", "pattern", "pattern", "do not trust", "do not trust",
    ]  # fmt: skip
