"""A night from a terminal is checked for drift as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clustering.errors import WarehouseError
from clustering.monitoring import alarms
from tests.command_line import Run, sql


def test_drift_is_warned_of(trained_by: Callable[[str], Run]) -> None:
    """A quiet night says nothing; drift is a warning on stderr and in the document, and the night is published."""
    clustering = trained_by("kmeans")
    quiet = clustering("score", "--model", "kmeans", "--json")
    assert quiet.document["drift"] == []
    assert "drift" not in quiet.err

    sql("update customers set annual_income = annual_income * 2 where annual_income between 0 and 1e9")
    drifted = clustering("score", "--model", "kmeans", "--json")
    assert drifted.code == 0
    assert drifted.document["status"] == "published"
    assert "drift: kmeans, inputs, distribution of annual_income: " in drifted.err
    assert ("kmeans", "annual_income") in {(one["model"], one["subject"]) for one in drifted.document["drift"]}
    assert sql("select * from segmentation.retraining_requests") == []


def test_night_that_cannot_be_watched_is_published(
    trained_by: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure, such as of a connection that ends between both, is a warning."""
    clustering = trained_by("kmeans")

    def lost(*_: Any, **__: Any) -> None:
        raise WarehouseError("the connection ended")

    monkeypatch.setattr(alarms, "watch", lost)
    done = clustering("score", "--model", "kmeans")
    assert done.code == 0
    assert "warning: published, but not checked for drift: " in done.err
