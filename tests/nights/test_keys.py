"""Keys of every type, sources of every kind, and rows that are bad in every way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from secrets import token_hex

import pytest

from clustering import Registry, Warehouse, migrate
from tests.appointing import SETTINGS, appoint
from tests.projects import Project, retrain

COLUMNS = "age int, gender text, annual_income double precision, spending_score double precision"
KEYS = {
    "bigint": ("integer", "g"),
    "text": ("varchar(20)", "'ü' || g"),
    "uuid": ("uuid", "md5(g::text)::uuid"),
}
FIVE_GROUPS = (
    "insert into {table} select {key}, 20 + g % 50, 'x',"
    " (array[86500, 55000, 26000, 88000, 26000])[1 + g % 5] + g % 97 * 50,"
    " (array[82, 49, 21, 17, 79])[1 + g % 5] + g % 89 / 10.0 from generate_series(1, 1000) as g"
)


@pytest.fixture
def make_project(create_database, configuration, tmp_path):
    """Return a function that makes a project whose key has another type."""

    def make(key_type: str) -> Project:
        columns = dict(configuration.contract.columns)
        columns["customer_id"] = columns["customer_id"].model_copy(update={"type": key_type})
        contract = configuration.contract.model_copy(update={"columns": columns})
        warehouse = Warehouse(create_database())
        migrate(warehouse, contract)
        return Project(
            warehouse, configuration.model_copy(update={"contract": contract}), Registry(warehouse, tmp_path)
        )

    return make


@pytest.mark.parametrize("key_type", KEYS)
def test_key_of_any_type_is_cut_into_shards_and_labelled(make_project, key_type):
    """Shards by key range label everybody once; NULL keys and all rows of a repeated key are rejected."""
    project = make_project(key_type)
    column, key = KEYS[key_type]
    project.sql(f"create table customers (customer_id {column}, {COLUMNS})")
    project.sql(FIVE_GROUPS.format(table="customers", key=key))
    project.sql("insert into customers select null, 30, 'x', 50000, 50 from generate_series(1, 3)")
    project.sql("insert into customers select * from customers where customer_id is not null limit 2")
    retrain(project, "kmeans")
    result = project.night(shards=4)
    assert (result["rows_read"], result["rows_labelled"]) == (1005, 998)
    reasons = Counter(reason for (reason,) in project.sql("select reason from segmentation.rejected_customers"))
    assert reasons == {"missing_key": 3, "duplicate_key": 4}
    missing = project.sql(
        "select count(*) from customers left join segmentation.current_customer_segments as label using (customer_id)"
        " where label.customer_id is null"
    )
    assert missing == [(7,)]
    shards = project.sql("select count(*) from segmentation.run_shards where rows_read > 100")
    assert shards == [(4,)]


def test_source_may_be_a_view_with_aliases_and_other_units(untrained):
    """A view is counted whole, headers are found by their aliases, thousands become units."""
    untrained.sql(f"create table people (customer_id bigint, {COLUMNS})")
    untrained.sql(FIVE_GROUPS.format(table="people", key="g"))
    untrained.sql(
        'create view customers as select customer_id as "CustomerID", age as "Age", gender as "Gender",'
        ' (annual_income / 1000)::numeric as "Annual Income (k$)", spending_score::real as "Spending Score (1-100)"'
        " from people"
    )
    retrain(untrained, "kmeans")
    untrained.night(shards=2)
    [(low, high)] = untrained.sql("select min(avg_annual_income), max(avg_annual_income) from segmentation.segments")
    assert 25_000 < low < 35_000
    assert 80_000 < high < 95_000


def test_bad_rows_are_rejected_with_a_reason_and_the_others_labelled(untrained):
    """Each kind of bad value has its reason; nothing aborts."""
    untrained.sql(
        "create table customers (customer_id bigint, age text, gender text, annual_income numeric, spending_score text)"
    )
    untrained.sql(FIVE_GROUPS.format(table="customers", key="g"))
    bad = [
        (None, "30", "x", "50000", "50", "missing_key", "customer_id"),
        (2001, None, "x", "50000", "50", "missing_value", "age"),
        (2002, "thirty", "x", "50000", "50", "wrong_type", "age"),
        (2003, "30.5", "x", "50000", "50", "wrong_type", "age"),
        (2004, "121", "x", "50000", "50", "out_of_range", "age"),
        (2005, "30", "x", "NaN", "50", "not_finite", "annual_income"),
        (2006, "30", "x", "Infinity", "50", "not_finite", "annual_income"),
        (2007, "30", "x", "1e400", "50", "not_convertible", "annual_income"),
        (2008, "30", "x", "-1", "50", "out_of_range", "annual_income"),
        (2009, "30", "x", "50000", "0", "out_of_range", "spending_score"),
        (2010, "30", "x", "50000", "", "missing_value", "spending_score"),
        (2011, "30", "x", "50000", "Robert'); drop table customers;--", "wrong_type", "spending_score"),
        (2012, "30", "x", "50000", "50", "duplicate_key", "customer_id"),
        (2012, "31", "x", "50000", "50", "duplicate_key", "customer_id"),
    ]
    for row in bad:
        untrained.sql("insert into customers values (%s, %s, %s, %s, %s)", *row[:5])
    untrained.sql("insert into customers values (3000, '30', null, 50000, '50')")
    retrain(untrained, "kmeans")
    result = untrained.night(shards=3)
    assert (result["rows_labelled"], result["rows_rejected"]) == (1001, len(bad))
    found = untrained.sql("select customer_id, reason, column_name from segmentation.rejected_customers")
    expected = [(None if row[0] is None else str(row[0]), row[5], row[6]) for row in bad]
    assert Counter(found) == Counter(expected)


def test_keys_repeated_in_a_table_that_inherits_are_rejected(project):
    """A primary key says nothing about the rows of tables that inherit from its table."""
    project.sql(
        "delete from customers where customer_id is null or customer_id in"
        " (select customer_id from customers group by 1 having count(*) > 1);"
        " alter table customers add primary key (customer_id); create table more () inherits (customers);"
        " insert into more select * from customers where customer_id in (select customer_id from customers limit 3)"
    )
    project.night(shards=1)
    repeated = "select count(*) from segmentation.rejected_customers where reason = 'duplicate_key'"
    assert project.sql(repeated) == [(6,)]


def test_values_that_no_index_holds_stop_no_night(make_project):
    """A key of 6 kB rejects its row and no other; one of 1 kB is labelled, and whoever has a long protected value."""
    project = make_project("text")
    project.sql(f"create table customers (customer_id text, {COLUMNS})")
    project.sql(FIVE_GROUPS.format(table="customers", key="'customer ' || g"))
    for key, gender in ((token_hex(3040), "x"), (token_hex(512), "x"), ("long", token_hex(3040))):
        project.sql("insert into customers values (%s, 30, %s, 50000, 50)", key, gender)
    project.sql("update customers set age = -1 where customer_id = 'customer 1'")
    # A group that is large enough to be published, of the same long value.
    project.sql("update customers set gender = %s where customer_id like 'customer 2%%'", token_hex(3040))
    retrain(project, "kmeans")
    result = project.night(shards=2)
    assert (result["rows_labelled"], result["rows_rejected"]) == (1001, 2)
    rejected = "select length(customer_id), reason, column_name from segmentation.rejected_customers order by 1"
    assert project.sql(rejected) == [(10, "out_of_range", "age"), (6080, "not_convertible", "customer_id")]
    assert project.sql("select max(length(customer_id)) from segmentation.customer_labels") == [(1024,)]
    project.night("2026-11-23", shards=2)


def test_models_with_the_longest_names_have_histories_of_their_own(trained_project, tmp_path):
    """Of two names that agree to the last byte but one, each gets its labels and periods."""
    first = trained_project.configuration.models["kmeans"]
    names = ["k" * 55 + "a", "k" * 55 + "b"]
    models = dict.fromkeys(names, first)
    project = replace(
        trained_project, configuration=trained_project.configuration.model_copy(update={"models": models})
    )
    for name in names:
        appoint(project, name, **SETTINGS["kmeans"])
    project.night("2026-11-22")
    project.night("2026-11-23")
    counts = dict(project.sql("select model, count(*) from segmentation.segment_history group by model"))
    assert set(counts) == set(names)
    assert len(set(counts.values())) == 1
