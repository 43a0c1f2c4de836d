"""Customers who get other keys keep what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clustering.errors import DataError
from clustering.privacy.forgetting import forget
from clustering.privacy.rekeying import rekey
from tests.projects import Project

ALL = "select customer_id from customers where customer_id is not null"
SHIFT = 5_000_000_000


@pytest.fixture(scope="module")
def nights_once(copy_for_module: Callable[[Project], Project], appointed_once: Project) -> Project:
    """Return a project with two nights; not to be changed."""
    project = copy_for_module(appointed_once)
    for day in ("2026-11-20", "2026-11-21"):
        project.night(day, models=["kmeans"])
    return project


@pytest.fixture
def project(copy_project: Callable[[Project], Project], nights_once: Project) -> Project:
    """Return a copy of it."""
    return copy_project(nights_once)


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


def merge(project: Project, path: Path, *lines: str) -> dict[str, Any]:
    path.write_text("".join(f"{line}\n" for line in ("old,new,keeps", *lines)), encoding="utf-8")
    return rekey(project.warehouse, project.configuration, path=path, requested_by="Ada")


@pytest.mark.parametrize("is_new", [True, False])
def test_of_merged_records_one_history_goes_on_and_both_are_forgotten(
    project: Project, tmp_path: Path, is_new: bool
) -> None:
    """The other one ends with the next night, as of somebody who leaves; the customer's later keys know of it."""
    [(keeper,), (other,)] = project.sql("select customer_id from segmentation.customer_segments order by 1 limit 2")
    key = SHIFT if is_new else keeper
    periods = "select segment_id, valid_from, valid_to from segmentation.segment_history where customer_id = %s"
    before = project.sql(periods, keeper)
    report = merge(project, tmp_path / "map.csv", f"{keeper},{key},yes", f"{other},{key},no")
    assert (report["customers"], report["known"], report["merged"]) == (2, int(is_new), 1)
    assert project.sql(periods, key) == before
    project.sql("delete from customers where customer_id = %s", other)
    project.sql("update customers set customer_id = %s where customer_id = %s", key, keeper)
    project.night("2026-11-22", models=["kmeans"])
    left = "select sum(by_source), sum(customers) from segmentation.segment_migrations where as_of = '2026-11-22'"
    assert project.sql(f"{left} and to_segment_id is null") == [(1, 1)]
    assert project.sql(f"{left} and from_segment_id is null") == [(None, None)]
    assert project.sql(periods, key) == before
    assert [str(valid_to) for *_, valid_to in project.sql(periods, other)] == ["2026-11-22"]
    merge(project, tmp_path / "map.csv", f"{key},{SHIFT + 1},yes")
    told = forget(project.warehouse, project.configuration, project.registry, customer_id=SHIFT + 1, requested_by="Ada")
    assert told["removed"]["segmentation.segment_history"] == 2
    assert not {"segmentation.segment_history", "segmentation.merged_customers"} & set(told["left"])
    assert project.sql("select count(*) from segmentation.merged_customers") == [(0,)]
    ((found,),) = project.sql("select count(*) from segmentation.segment_history where customer_id = %s", other)
    assert found == 0


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["1,90001,yes", "2,90001,yes"], "'90001' would be the key of several customers, of whom exactly one"),
        (["1,90001,no", "2,90001,no"], "'90001' would be the key of several customers, of whom exactly one"),
        (["1,90001,no"], "'90001' would have nobody's history"),
        (["1,2,yes", "2,2,no"], "'2' is a former key and a new one"),
        (["1,90001,perhaps"], "row 2: keeps is 'perhaps', and has to be yes or no"),
        (["1,90001"], "row 2 has 2 values, and needs old, new and keeps"),
    ],
)
def test_merge_that_does_not_say_whose_history_goes_on_is_refused(
    project: Project, tmp_path: Path, lines: list[str], told: str
) -> None:
    """Nothing is changed, and nothing is noted."""
    with pytest.raises(DataError, match=told):
        merge(project, tmp_path / "map.csv", *lines)
    assert project.sql("select count(*) from segmentation.merged_customers") == [(0,)]


def test_key_of_another_customer_or_of_one_who_was_forgotten_is_refused(project: Project, tmp_path: Path) -> None:
    """Two customers do not become one, and nobody comes back under another key."""
    [(one,), (other,)] = project.sql("select customer_id from segmentation.customer_segments order by 1 limit 2")
    with pytest.raises(DataError, match=f"'{other}' is the key of a customer already"):
        give(project, tmp_path / "map.csv", [(one, other)])
    forget(project.warehouse, project.configuration, project.registry, customer_id=str(one), requested_by="Ada")
    with pytest.raises(DataError, match=f"'{one}' is the key of a customer who was forgotten"):
        give(project, tmp_path / "map.csv", [(one, SHIFT)])
