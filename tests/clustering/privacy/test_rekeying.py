"""Customers who get other keys keep what is known of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clustering.errors import DataError
from clustering.privacy.forgetting import forget
from clustering.privacy.rekeying import rekey
from tests.projects import Project

ALL = "select customer_id from customers where customer_id is not null"
SHIFT = 5_000_000_000


@pytest.fixture
def project(appointed_project: Project) -> Project:
    """Return a project with two nights."""
    for day in ("2026-11-20", "2026-11-21"):
        appointed_project.night(day, models=["kmeans"])
    return appointed_project


def give(project: Project, path: Path, pairs: list[tuple[object, object]]) -> dict[str, Any]:
    path.write_text("".join(f"{old},{new}\n" for old, new in [("old", "new"), *pairs]), encoding="utf-8")
    return rekey(project.warehouse, project.configuration, path=path, requested_by="Ada")


def test_next_night_under_new_keys_sees_nobody_gone_or_new(project: Project, tmp_path: Path) -> None:
    """History, labels and rejected rows go over; whoever follows the changes reads all members anew."""
    before = project.sql(
        "select customer_id, model, segment_id, valid_from from segmentation.segment_history order by 1"
    )
    ((rejected,),) = project.sql("select count(*) from segmentation.rejected_customers where customer_id is not null")
    keys = [key for (key,) in project.sql(f"select distinct customer_id from ({ALL}) as one")]  # noqa: S608
    report = give(project, tmp_path / "map.csv", [(key, int(key) + SHIFT) for key in keys])
    assert report["known"] == len({row[0] for row in before})
    assert report["rows"]["segmentation.rejected_customers"] >= rejected - 5  # those whose key is none
    after = project.sql(
        "select customer_id, model, segment_id, valid_from from segmentation.segment_history order by 1"
    )
    assert after == [(key + SHIFT, *rest) for key, *rest in before]
    project.sql("update customers set customer_id = customer_id + %s", SHIFT)
    project.night("2026-11-22", models=["kmeans"])
    moved = "select count(*) from segmentation.segment_migrations where as_of = '2026-11-22' and by_source > 0"
    assert project.sql(moved) == [(0,)]
    told = project.sql("select kind from segmentation.segment_changes order by change_id")
    assert told == [("start",), ("start",)]
    assert project.sql("select action, detail ->> 'request' from segmentation.audit_log") == [
        ("rekey", report["request"])
    ]
    assert project.staged() == []


@pytest.mark.parametrize("key_type", ["integer", "numeric(20, 2)", "double precision"])
def test_tables_whose_keys_are_other_numbers_get_the_new_keys_too(
    project: Project, tmp_path: Path, key_type: str
) -> None:
    """A sample or a copy of the source has the source's type."""
    sample = "segmentation_staging.sample_20261121000000_abc"
    project.sql(f"create table {sample} as select 1::{key_type} as customer_id")
    assert give(project, tmp_path / "map.csv", [(1, 90_001)])["rows"][sample] == 1
    assert project.sql(f"select customer_id::integer from {sample}") == [(90_001,)]  # noqa: S608


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([(1, 90_001), (1, 90_002)], "'1' stands twice among the former keys"),
        ([(1, 90_001), (2, 90_001)], "'90001' would be the key of several customers"),
        ([(90_000, 90_001), (90_001, 90_002)], "'90001' is a former key and a new one"),
        ([("one", 2)], "row 2: 'one' is no key of a customer"),
        ([(1, "2,3")], "row 2 has 3 values"),
    ],
)
def test_what_is_ambiguous_is_refused_and_nothing_is_changed(
    project: Project, tmp_path: Path, pairs: list[tuple[object, object]], told: str
) -> None:
    """A key has one new one, and a new one is one customer's."""
    before = project.sql("select * from segmentation.segment_history order by 1, 2, 4")
    with pytest.raises(DataError, match=told):
        give(project, tmp_path / "map.csv", pairs)
    assert project.sql("select * from segmentation.segment_history order by 1, 2, 4") == before


def test_key_of_another_customer_or_of_one_who_was_forgotten_is_refused(project: Project, tmp_path: Path) -> None:
    """Two customers do not become one, and nobody comes back under another key."""
    [(one,), (other,)] = project.sql("select customer_id from segmentation.customer_segments order by 1 limit 2")
    with pytest.raises(DataError, match=f"'{other}' is the key of a customer already"):
        give(project, tmp_path / "map.csv", [(one, other)])
    forget(project.warehouse, project.configuration, project.registry, customer_id=str(one), requested_by="Ada")
    with pytest.raises(DataError, match=f"'{one}' is the key of a customer who was forgotten"):
        give(project, tmp_path / "map.csv", [(one, SHIFT)])
