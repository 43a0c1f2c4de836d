"""What BI tools rely on does not change by accident."""

from __future__ import annotations

import pytest

from clustering.config import Column, Configuration
from clustering.warehouse import Warehouse, migrate
from tests.clustering.bi_contract import differences, pinned, present


def test_bi_relations_are_those_that_are_pinned(warehouse: Warehouse) -> None:
    """Names, types and order of every BI relation are as committed, and everything has a comment."""
    found, silent = present(warehouse)
    told = differences(pinned(), found)
    assert not told, "\n".join(told)
    assert silent == []


def test_design_names_columns() -> None:
    """The columns that programs and people were promised stand first, in the promised order."""
    promised = {
        "segments": "as_of model segment_id segment_name description recommended_action customers share",
        "current_segments": "as_of model segment_id segment_name description recommended_action customers share avg_*",
        "current_customer_segments": "as_of model customer_id cluster_label segment_id segment_name confidence",
    }
    for name, columns in promised.items():
        held = [column.split()[0] for column in pinned()[name]]
        assert held[: len(columns.split())] == columns.split()


@pytest.mark.parametrize("key_type", ["text", "uuid"])
def test_other_contracts_change_averages_and_key_alone(
    empty_warehouse: Warehouse, configuration: Configuration, key_type: str
) -> None:
    """What depends on the source contract is known to the pinned file."""
    columns = dict(configuration.contract.columns)
    columns["customer_id"] = columns["customer_id"].model_copy(update={"type": key_type})
    columns["visits"] = Column(type="integer", role="profile", description="Visits per year")
    migrate(empty_warehouse, configuration.contract.model_copy(update={"columns": columns}))
    found, silent = present(empty_warehouse, key_type=key_type)
    assert differences(pinned(), found) == []
    assert silent == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("alter table segmentation.segments rename column share to part", "segments no longer has share double"),
        (
            "alter table segmentation.segment_events alter column event type varchar(9)",
            "segment_events no longer has event",
        ),
        ("drop view segmentation.segment_trend", "segment_trend is gone"),
        ("revoke select on segmentation.segments from segmentation_reader", "segments is gone or no longer readable"),
        (
            "revoke execute on function segmentation.segment_as_of(date) from public, segmentation_reader",
            "segment_as_of",
        ),
    ],
)
def test_incompatible_change_fails(warehouse: Warehouse, statement: str, said: str) -> None:
    """Whatever BI would lose is named, with what to do instead."""
    with warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql(statement)
    told = differences(pinned(), present(warehouse)[0])
    assert any(line.startswith(said) and "into a view of another name" in line for line in told)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("alter table segmentation.segments add column mood text", "segments has a new column, mood text"),
        (
            "create view segmentation.mine as select 1; grant select on segmentation.mine to segmentation_reader",
            "mine is new",
        ),
    ],
)
def test_addition_says_what_it_needs(warehouse: Warehouse, statement: str, said: str) -> None:
    """What is new is named too, with the files that it has to be written into, and a missing comment is found."""
    with warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql(statement)
    found, silent = present(warehouse)
    assert [f"{said}: if it is meant, add it to bi_contract.yaml (see there) and to CHANGELOG.md."] == differences(
        pinned(), found
    )
    assert silent


def test_other_order_fails() -> None:
    """Tools that read by place would take one column for another."""
    before = {"segments": ["as_of date", "model text"]}
    (told,) = differences(before, {"segments": ["model text", "as_of date"]})
    assert told.startswith("segments has its columns in another order: model text, as_of date.")
