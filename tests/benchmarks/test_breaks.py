"""Every way to break a source does what it says, and counts as a break."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from sources.breaks import KINDS, SIZES, Source, break_source
from sources.effects import COUNTS_FROM, changed_share, moved_share
from sources.honest import GENERATORS
from sources.layout import KEY

SIZE = 2_000


@cache
def source(generator: str) -> Source:
    chosen = GENERATORS[generator]
    nights = list(chosen.nights(3, size=SIZE, nights=60))
    while "unchanged" in nights[-1].remarks:
        nights.pop()
    *before, tonight = (night.customers for night in nights)
    return Source(tonight, before, chosen.layout)


def test_there_are_at_least_forty_kinds_and_a_third_is_kept_for_the_end() -> None:
    """Which ones they are depends on the names alone."""
    assert len(KINDS) >= 40
    assert 0.3 <= sum(one.final for one in KINDS.values()) / len(KINDS) <= 0.4
    assert all(one.sentence.endswith(".") and one.least in SIZES for one in KINDS.values())


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("name", KINDS)
def test_each_break_changes_the_share_that_it_says(name: str, generator: str) -> None:
    """At least one row in a hundred, never the source itself, and the same for the same seed."""
    given = source(generator)
    copies = given.tonight.copy(), [each.copy() for each in given.before[-31:]]
    broken = break_source(name, given, seed=1)
    share, touches = changed_share(given.tonight, broken), KINDS[name].touches
    assert share >= COUNTS_FROM
    assert touches is None or 0.6 * touches <= share <= min(1, 1.2 * touches)
    assert set(broken.columns) == set(given.layout.columns)
    pd.testing.assert_frame_equal(broken, break_source(name, given, seed=1))
    pd.testing.assert_frame_equal(given.tonight, copies[0])
    assert all(one.equals(two) for one, two in zip(given.before[-31:], copies[1], strict=True))


def test_changes_are_counted_by_key() -> None:
    """A row that is lost, new, or has another value counts; another order and another time of change do not."""
    rows = source("walks").tonight.head(100).reset_index(drop=True)
    assert changed_share(rows, rows.sample(frac=1, random_state=0)) == 0
    assert changed_share(rows, rows.assign(changed_at=None)) == 0
    assert changed_share(rows, rows.head(97)) == pytest.approx(0.03)
    assert changed_share(rows, pd.concat([rows, rows.head(5)])) == pytest.approx(0.05)
    assert changed_share(rows, rows.assign(income=rows["income"].where(rows.index > 1, -5.0))) == pytest.approx(0.02)
    assert changed_share(rows, rows.assign(**{KEY: "x" + rows[KEY]})) == 1


def test_moves_are_counted_by_key() -> None:
    """Who has another label counts, and so does who lost it or came in."""
    labels = pd.Series([1, 1, 2, 2], index=list("abcd"))
    assert moved_share(labels, labels[::-1]) == 0
    assert moved_share(labels, pd.Series([1, 2, 2], index=list("abc"))) == 0.5
    assert moved_share(labels, pd.Series([1, 1, 2, 2, 1], index=list("abcde"))) == 0.25
