"""Tables as people have them: types of columns and keys, names, rights on columns, row-level security."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from clustering import Registry, Warehouse, explain_customer, forget
from clustering.config import Column, Configuration, Contract, Formats, KeyType
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import DataError
from clustering.warehouse import migrate
from clustering.warehouse.source import describe_source
from clustering.web.samples import read_points
from tests.databases import Server
from tests.logins import administer
from tests.projects import Project, retrain

ROWS = 1_000


@pytest.fixture(scope="module")
def shops(postgresql: Server, configuration: Configuration) -> Iterator[Callable[[KeyType], str]]:
    """Return a function that names a migrated database with valid customers, and a type of their numbers by name."""
    names: list[str] = []

    @cache
    def make(key_type: KeyType) -> str:
        names.append(postgresql.create())
        warehouse = Warehouse(postgresql.url(names[-1]))
        load_customers(warehouse, configuration.contract, generate_customers(ROWS, seed=1, dirty_share=0))
        labels = ", ".join(f"'k{number}'" for number in range(ROWS, 0, -1))
        administer(warehouse.uri, f"create type grade as enum ({labels})")
        migrate(warehouse, _keyed(configuration.contract, key_type))
        return names[-1]

    yield make
    for name in names:
        postgresql.drop(name)


def _keyed(contract: Contract, key_type: KeyType, **columns: Column) -> Contract:
    """Return the contract of the table `shop`, with a type of its key."""
    own = contract.columns["customer_id"].model_copy(update={"type": key_type})
    return contract.model_copy(
        update={"table": "public.shop", "columns": {**contract.columns, "customer_id": own, **columns}}
    )


@pytest.fixture
def shop(
    shops: Callable[[KeyType], str], create_database: Callable[..., str], declared: Configuration, tmp_path: Path
) -> Callable[..., Project]:
    """Return a function that makes a project with a table `shop` of valid customers, made by expressions."""

    def make(key: str, key_type: KeyType = "bigint", *more: str, **columns: Column) -> Project:
        warehouse = Warehouse(create_database(shops(key_type)))
        selected = ", ".join([f"{key} as customer_id", "age, gender, annual_income, spending_score", *more])
        administer(warehouse.uri, f"create table shop as select {selected} from customers")  # noqa: S608
        table = _keyed(declared.contract, key_type, **columns)
        migrate(warehouse, table)
        whole = declared.model_copy(update={"contract": table})
        return Project(warehouse, whole, Registry(warehouse, tmp_path / "store"))

    return make


@pytest.mark.parametrize(
    ("key", "key_type"),
    [
        ("customer_id::numeric(10,0)", "bigint"),
        ("customer_id::numeric(12,2)", "bigint"),
        ("customer_id::double precision", "bigint"),
        ("customer_id::oid", "bigint"),
        ("customer_id::numeric(10,0)", "text"),
        ("customer_id", "text"),
        ("('c' || customer_id)::name", "text"),
        ("('c' || customer_id)::char(12)", "text"),
        ("('k' || customer_id)::grade", "text"),
        ("lpad(customer_id::text, 32, '0')::uuid", "text"),
    ],
)
def test_keys_of_real_tables_are_read(shop: Callable[..., Project], key: str, key_type: KeyType) -> None:
    """Every customer is labelled, in one shard or several, and is found again by key: explained, drawn, compared."""
    project = shop(key, key_type)
    assert [one["decision"] for one in retrain(project, "kmeans")] == ["promoted"]
    assert project.night("2026-11-21", models=["kmeans"])["rows_labelled"] == ROWS
    assert project.night("2026-11-22", models=["kmeans"], shards=3)["rows_labelled"] == ROWS
    ((customer,),) = project.sql("select min(customer_id) from segmentation.current_customer_segments")
    assert _pulls(project, customer)
    points = read_points(
        project.warehouse, project.configuration, model="kmeans", as_of=_latest(project), asked=(None, None)
    )
    assert len(points.x) == ROWS


FOLDED = "create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
DOMAIN = "create domain code as varchar(40)"


@pytest.mark.parametrize(
    ("kind", "made_by", "written"),
    [
        ("uuid", None, "{:08X}-0000-4000-8000-00000000abcd"),
        ("char(12)", None, "Key{}"),
        ("code", DOMAIN, "Key{}"),
        ("citext", "create extension citext", "Key{}"),
        ('varchar collate "folded"', FOLDED, "Key{}"),
    ],
)
def test_keys_are_nowhere_folded(shop: Callable[..., Project], kind: str, made_by: str | None, written: str) -> None:
    """Nobody is found, or forgotten, by another spelling of a key, whatever its column takes for the same."""
    project = shop("customer_id", "text")
    if made_by:
        try:
            administer(project.warehouse.uri, made_by)
        except psycopg2.Error as error:
            pytest.skip(f"this server has no {kind}: {error}")
    keys = [written.format(number) for number in range(ROWS)]
    project.sql(f"alter table shop alter column customer_id type {kind} using (%s::text[])[customer_id]::{kind}", keys)
    retrain(project, "kmeans")
    assert project.night(models=["kmeans"], shards=2)["rows_labelled"] == ROWS
    key = keys[170].lower() if kind == "uuid" else keys[170]
    assert _pulls(project, key)
    others = [key.upper(), f"{key} ", f" {key}", f"{{{key}}}", key.replace("-", "_").swapcase()]
    for other in others:
        with pytest.raises(DataError, match="keys are compared as they are written"):
            explain_customer(project.configuration, project.registry, customer_id=other)
        with pytest.raises(DataError, match="no row has the key"):
            _forget(project, other)
    assert _labelled(project) == ROWS
    assert _forget(project, key)["source_rows"] == 1
    assert _labelled(project) == ROWS - 1


def test_keys_that_a_column_takes_for_the_same_are_two_customers(shop: Callable[..., Project]) -> None:
    """Two spellings are two keys, neither of which stands twice; each is explained and forgotten by itself."""
    project = shop("customer_id::text", "text")
    try:
        administer(project.warehouse.uri, FOLDED)
    except psycopg2.Error as error:
        pytest.skip(f"this server has no such collation: {error}")
    project.sql('alter table shop alter column customer_id type varchar collate "folded"')
    project.sql("update shop set customer_id = 'Ada' where customer_id = '1'")
    project.sql("update shop set customer_id = 'ada' where customer_id = '2'")
    retrain(project, "kmeans")
    assert project.night(models=["kmeans"], shards=2)["rows_labelled"] == ROWS
    assert _pulls(project, "Ada") != _pulls(project, "ada")
    assert _forget(project, "Ada")["source_rows"] == 1
    assert _labelled(project) == ROWS - 1
    assert _pulls(project, "ada")


def _forget(project: Project, key: str) -> dict[str, Any]:
    return forget(project.warehouse, project.configuration, project.registry, customer_id=key, requested_by="the test")


def _labelled(project: Project) -> int:
    ((labelled,),) = project.sql("select count(*) from segmentation.current_customer_segments")
    return int(labelled)


def _pulls(project: Project, customer: Any) -> dict[str | None, float | str | None]:
    (label,) = explain_customer(project.configuration, project.registry, customer_id=customer).labels
    return {part.feature: part.value for part in label.explanation.pulls}


def _latest(project: Project) -> Any:
    return project.sql("select max(as_of) from segmentation.published_runs")[0][0]


def test_numeric_keys_that_are_no_whole_numbers_reject_their_row(shop: Callable[..., Project]) -> None:
    """A fraction, a value that is no number, and a key that stands twice are faults of their rows alone."""
    project = shop("customer_id::numeric")
    retrain(project, "kmeans")
    project.sql("update shop set customer_id = 1.5 where customer_id in (1, 2)")
    project.sql("update shop set customer_id = 'NaN' where customer_id = 3")
    project.sql("update shop set customer_id = 1e30 where customer_id = 4")
    project.sql("update shop set customer_id = 6.00 where customer_id = 5")
    assert project.night(models=["kmeans"], shards=3)["rows_labelled"] == ROWS - 6
    reasons = "select reason, count(*) from segmentation.rejected_customers group by 1 order by 1"
    found = dict(project.sql(reasons))
    assert found == {"duplicate_key": 2, "not_convertible": 1, "not_finite": 1, "wrong_type": 2}
    assert [one["decision"] for one in retrain(project, "kmeans")] != []


def test_key_of_another_kind_is_refused_with_a_way_out(shop: Callable[..., Project]) -> None:
    """What cannot be a key is told with the types that can, and with what makes one."""
    project = shop("now() + customer_id * interval '1 day'")
    with (
        pytest.raises(DataError, match=r"the type timestamptz, but .* or name a view with customer_id::bigint"),
        project.warehouse.transaction() as transaction,
    ):
        describe_source(transaction, project.configuration.contract)


def test_booleans_and_money_are_numbers_where_the_contract_says_so(shop: Callable[..., Project]) -> None:
    """A boolean is 0 or 1, money its amount, whatever the sign of the currency; both are explained as well."""
    project = shop(
        "customer_id",
        "bigint",
        "customer_id % 2 = 0 as has_card",
        has_card=Column(type="integer", role="profile"),
    )
    project.sql("alter table shop alter column annual_income type money using annual_income::numeric::money")
    assert [one["decision"] for one in retrain(project, "kmeans")] == ["promoted"]
    assert project.night(models=["kmeans"])["rows_labelled"] == ROWS
    ((share,),) = project.sql(
        "select sum(avg_has_card * customers) / sum(customers) from segmentation.current_segments"
    )
    assert share == pytest.approx(0.5, abs=0.01)
    assert _pulls(project, 7)


@pytest.mark.parametrize(
    "formats", [Formats(decimal=",", thousands="."), Formats(missing=("99",)), Formats(dates="day-first")]
)
def test_feature_in_a_declared_format_is_explained_by_what_the_night_reads(
    shop: Callable[..., Project], formats: Formats
) -> None:
    """1.234 is 1234 for the night and for the explanation, where the points are said to part thousands."""
    project = shop("customer_id").with_contract(formats=formats)
    retrain(project, "kmeans")
    ((income,),) = project.sql("select annual_income::numeric::integer from shop where customer_id = 7")
    project.sql("alter table shop alter column annual_income type text using annual_income::numeric::integer::text")
    if formats.thousands:
        project.sql("update shop set annual_income = regexp_replace(annual_income, '(...)$', '.\\1')")
    assert project.night(models=["kmeans"])["rows_labelled"] == ROWS
    assert _pulls(project, 7)["annual_income"] == income


@pytest.mark.parametrize(
    "name", ["public.crm-shop", '"dwh-prod".shop', "2024_dwh.shop", 'public."a ""b"".c"', "Ünï.shop"]
)
def test_tables_of_any_name_are_read(shop: Callable[..., Project], name: str) -> None:
    """A name with a hyphen, a digit first, a dot or a quote names its table."""
    project = shop("customer_id")
    Contract.model_validate(project.configuration.contract.model_dump() | {"table": name})
    named = project.with_contract(table=name)
    load_customers(project.warehouse, named.configuration.contract, generate_customers(ROWS, seed=1, dirty_share=0))
    migrate(named.warehouse, named.configuration.contract)
    retrain(named, "kmeans")
    assert named.night(models=["kmeans"])["rows_labelled"] == ROWS
    assert _pulls(named, 7)


def test_rights_on_the_columns_suffice(shop: Callable[..., Project], create_login: Callable[..., str]) -> None:
    """No right on the e-mail address is asked for, and the columns that lack one are named."""
    project = shop("customer_id", "bigint", "'secret'::text as email")
    url = create_login(project.warehouse, "in role segmentation_writer")
    login = Warehouse(url).uri.split("//")[1].split(":")[0]
    administer(
        project.warehouse.uri,
        "revoke select on shop from segmentation_writer",
        f'grant select (customer_id, age, gender, annual_income, spending_score) on shop to "{login}"',
    )
    analyst = replace(project, warehouse=Warehouse(url), registry=Registry(Warehouse(url), project.registry.store))
    assert [one["decision"] for one in retrain(analyst, "kmeans")] == ["promoted"]
    assert analyst.night(models=["kmeans"])["rows_labelled"] == ROWS
    administer(project.warehouse.uri, sql.SQL("revoke select (age) on shop from {}").format(sql.Identifier(login)))
    with pytest.raises(DataError, match=r"may not be read by .*; grant select on it, or on age of it"):
        analyst.plan()


def test_migrating_does_not_grant_the_whole_table_where_columns_are_granted(shop: Callable[..., Project]) -> None:
    """Who gave the writers five columns keeps the sixth."""
    project = shop("customer_id", "bigint", "'secret'::text as email")
    administer(
        project.warehouse.uri,
        "revoke select on shop from segmentation_writer",
        "grant select (customer_id, age, gender, annual_income, spending_score) on shop to segmentation_writer",
    )
    migrate(project.warehouse, project.configuration.contract)
    assert project.sql("select has_column_privilege('segmentation_writer', 'shop', 'email', 'select')") == [(False,)]


def test_view_whose_owner_lacks_a_right_is_told_of(
    shop: Callable[..., Project], create_login: Callable[..., str]
) -> None:
    """What the select would run into is found when it is tried."""
    project = shop("customer_id")
    login = Warehouse(create_login(project.warehouse)).uri.split("//")[1].split(":")[0]
    administer(project.warehouse.uri, "create view seen as select * from shop", f'alter view seen owner to "{login}"')
    seen = project.with_contract(table="public.seen").configuration.contract
    with (
        pytest.raises(DataError, match=r"public\.seen may not be read by .*permission denied for table shop"),
        project.warehouse.transaction() as transaction,
    ):
        describe_source(transaction, seen)


def test_rows_hidden_by_row_level_security_are_told_of(
    shop: Callable[..., Project], create_login: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    """A night that sees a part of the customers says so when it is planned, and one that sees all does not."""
    project = shop("customer_id")
    url = create_login(project.warehouse, "in role segmentation_writer")
    administer(
        project.warehouse.uri,
        "alter table shop enable row level security",
        "create policy half on shop using (customer_id <= 500)",
        "grant select on shop to segmentation_writer",
    )
    analyst = replace(project, warehouse=Warehouse(url), registry=Registry(Warehouse(url), project.registry.store))
    retrain(analyst, "kmeans")
    assert "row-level security may hide rows of public.shop from login_" in caplog.text
    planned = analyst.plan(models=["kmeans"])
    assert "row-level security" in planned["warning"]
    with project.warehouse.transaction() as transaction:
        assert describe_source(transaction, project.configuration.contract).warning is None
