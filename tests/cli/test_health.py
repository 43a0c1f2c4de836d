"""What a terminal says of the segments' health and of drift."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest

from tests.command_line import Run


@pytest.fixture
def scored(trained_by: Callable[[str], Run]) -> Run:
    """Return the command line on a warehouse with a night whose incomes have doubled since the training."""
    clustering = trained_by("kmeans")
    with closing(psycopg2.connect(os.environ["WAREHOUSE_URL"])) as connection, connection:
        connection.cursor().execute("update customers set annual_income = annual_income * 2 where annual_income < 1e9")
    assert clustering("score", "--model", "kmeans").code == 0
    return clustering


def test_health_and_drift_are_said_in_words(scored: Run) -> None:
    """Four answers a model with reason and date, each segment, and what the one on drift rests on."""
    document = scored("health", "--json").document
    kmeans = next(one for one in document["models"] if one["model"] == "kmeans")
    states = {one["name"]: one["state"] for one in kmeans["aspects"]}
    assert (states["fresh"], states["complete"], states["drifted"]) == ("good", "good", "care")
    shown = scored("health", "--model", "kmeans").out
    for words in ("Fresh", "Complete", "Drifted", "annual_income", "as the whole night, see above"):
        assert words in shown
    checks = scored("drift", "--json").document["checks"]
    assert checks[0]["alarm"]
    assert checks[0]["statistic"] > checks[0]["threshold"]
    alarms = [one["alarm"] for one in checks]
    assert alarms == sorted(alarms, reverse=True)
    listed = scored("drift", "--model", "kmeans", "--as-of", checks[0]["as_of"], "--all").out
    assert f"{sum(alarms)} of {len(checks)} checks as of" in listed


def test_without_a_night_both_say_so(clustering: Run) -> None:
    """A model without any published night, and a date that was not published, are answers and no errors."""
    assert clustering("migrate").code == 0
    done = clustering("health")
    assert done.code == 0
    assert "without a published night" in done.out
    assert "Nothing yet" in done.out
    done = clustering("drift", "--as-of", "2026-01-31")
    assert (done.code, done.out) == (
        0,
        "no check for drift as of 2026-01-31 is there; clustering runs says which nights were published\n",
    )
