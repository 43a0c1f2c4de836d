"""What each segment looks like, column by column, as the warehouse itself would count it."""

from __future__ import annotations

import pytest

from clustering.scoring.endings import abandon_run
from clustering.segments.rounding import rounded

PROFILES = (
    "select model, segment_id, column_name, customers, mean, minimum, q1, median, q3, maximum"
    " from segmentation.segment_profiles order by 1, 2, 3"
)
COUNTED = """
select model, segment_id, column_name, count(value), avg(value::numeric)::float8, min(value), max(value),
    percentile_cont(array[0.25, 0.5, 0.75]) within group (order by value)
from segmentation.current_customer_segments
join (
    select customer_id, 'age' as column_name, age::float8 as value from customers
    union all select customer_id, 'annual_income', annual_income from customers
    union all select customer_id, 'spending_score', spending_score from customers
) as source using (customer_id)
group by 1, 2, 3 order by 1, 2, 3
"""


@pytest.fixture
def profiled(project):
    """Return a project whose clusters are smaller than a sample, so that quartiles are those of all customers."""
    project.sql("delete from customers where customer_id > 1500 or age !~ '^[0-9]{1,3}$' or age::integer > 120")
    project = project.with_contract(min_group=1)
    project.night()
    return project


def test_profiles_agree_with_the_labels(profiled):
    """Counts, extremes, means and quartiles are those of the segment's customers, rounded; of few, the mean alone."""
    published = [row for row in profiled.sql(PROFILES) if row[3]]
    counted = profiled.sql(COUNTED)
    assert len(published) == len(counted) > 30
    for row, (*place, customers, mean, minimum, maximum, quartiles) in zip(published, counted, strict=True):
        assert row[:4] == (*place, customers)
        assert row[4] == rounded(mean)
        shown = (minimum, *quartiles, maximum) if customers >= 20 else (None,) * 5
        assert row[5:] == tuple(map(rounded, shown))


def test_profiles_are_those_of_the_segments(project):
    """Every segment has a row a column; its averages are the same to the last bit."""
    project.night()
    assert project.sql(
        "select count(*) from segmentation.segments as segment"
        " join segmentation.segment_profiles as profile using (as_of, model, segment_id)"
        " where column_name = 'age' and mean is distinct from avg_age or profile.run_id <> segment.run_id"
    ) == [(0,)]
    counts = project.sql(
        "select count(*), 3 * (select count(*) from segmentation.segments) from segmentation.segment_profiles"
    )
    assert counts[0][0] == counts[0][1] > 0


def test_shuffled_rows_and_other_shards_give_identical_profiles(project):
    """Quartiles too depend on nothing but the customers."""
    project.night(shards=1)
    profiles = project.sql(PROFILES)
    project.sql(
        "create table shuffled as table customers; truncate customers;"
        " insert into customers select * from shuffled order by random()"
    )
    project.night(shards=5)
    assert project.sql(PROFILES) == profiles
    assert len(project.sql("select distinct run_id from segmentation.segment_profiles")) == 1


@pytest.mark.parametrize("end", ["published", "abandoned", "dry run"])
def test_ended_run_keeps_no_samples_and_no_keys(project, end):
    """What the shards sampled and the keys between them are of no use afterwards, and are those of customers."""
    planned = project.plan(shards=2, dry_run=end == "dry run")
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    kept = "select count(samples), count(lower_bound) + count(upper_bound) from segmentation.run_shards"
    assert project.sql(kept) == [(2, 2)]
    if end == "abandoned":
        abandon_run(project.warehouse, run_id=planned["run_id"], note="test")
    else:
        project.publish(planned["run_id"])
    assert project.sql(kept) == [(0, 0)]
