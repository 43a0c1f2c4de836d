"""The figures of a version and their JSON."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from clustering.segments.events import Event
from clustering.versions.metrics import Comparison, FitFigures, Metrics, NamedChange
from clustering.warehouse import Warehouse

FIGURES = {"clusters": 3.0, "smallest_share": 0.1, "noise_share": 0.0, "silhouette": 0.5, "bic": -20.5}
MOVE = {"from_segment": 1, "to_segment": 2, "customers": 2, "share": 0.2, "from_name": "High", "to_name": "Low"}
COMPARED = {"champion_silhouette": 0.4, "movement": 0.2, "moves": [MOVE], "price_of_stability": None}
EVENT = {"event": "birth", "segment_id": 6, "related_segment_ids": [1, 2], "jaccard": None, "description": "New."}
FIRST = {**FIGURES, "verdict": "3 clusters", "events": []}
LATER = {**FIGURES, "verdict": "3 clusters", "champion_version_id": 7, **COMPARED, "events": [EVENT]}
REFUSED = {**FIRST, "refusal": "one value outweighs the others", "champion_version_id": 7}


def written(metrics: Metrics) -> Any:
    """Return what the database gets."""
    return json.loads(json.dumps(metrics.to_document()))


@pytest.mark.parametrize("document", [FIRST, LATER, REFUSED], ids=["first", "later", "refused"])
def test_document_comes_back_with_the_same_keys(document: dict[str, Any]) -> None:
    """What was not measured has no key; a price that cannot be known is null beside what was compared."""
    assert written(Metrics.from_document(document)) == document


def test_document_becomes_values() -> None:
    """Figures, moves and events are read by attribute."""
    metrics = Metrics.from_document(LATER)
    assert (metrics.silhouette, metrics.min_jaccard, metrics.refusal) == (0.5, None, None)
    assert metrics.comparison == Comparison(0.4, 0.2, (NamedChange(1, 2, 2, 0.2, "High", "Low"),), None)
    assert metrics.events == (Event("birth", 6, (1, 2), None, "New."),)
    assert metrics.others == {}


def test_row_of_another_release_is_read_and_kept() -> None:
    """A release without some figures, or with more of them, does not keep this one from reading."""
    assert Metrics.from_document({}) == Metrics()
    more = {"likelihood_over_gaussian": 0.3, "cause": {"of": "later"}}
    later = {**LATER, **more, "moves": [{**MOVE, "cause": "x"}], "events": [{**EVENT, "cause": "x"}]}
    metrics = Metrics.from_document(later)
    assert (metrics.others, replace(metrics, others={})) == (more, Metrics.from_document(LATER))
    assert written(metrics) == {**LATER, **more}


def test_numbers_are_those_that_have_no_parts() -> None:
    """A log line and the result of a task hold numbers alone, figures of one algorithm among them."""
    metrics = Metrics.from_document({**LATER, "likelihood_over_gaussian": 0.3})
    assert metrics.numbers == {
        **FIGURES,
        "champion_version_id": 7,
        "champion_silhouette": 0.4,
        "movement": 0.2,
        "likelihood_over_gaussian": 0.3,
    }


def test_figures_of_a_fit_are_the_columns_of_candidates(warehouse: Warehouse) -> None:
    """Every figure of a fit has a column of its own in the table of candidates, and every such column is one."""
    with warehouse.transaction(read_only=True) as transaction:
        rows = transaction.rows("schema/columns", relation="segmentation.model_selection")
    others = {"model_version_id", "candidate", "chosen", "settings", "verdict", "figures"}
    assert {row.name for row in rows} - others == {one.name for one in fields(FitFigures)}
