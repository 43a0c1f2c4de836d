"""What a login that is only a writer can make of the rights of those who work beside it, and of what is noted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

import pytest
from psycopg2 import errors

from clustering import Registry, Warehouse, drop_expired, forget, retire_model
from clustering.errors import ClusteringError, ConfigurationError
from tests.clustering.scoring.histories import withdraw
from tests.databases import database_of
from tests.projects import Project

RISE = "reset role; alter role {login} superuser;"
FUNCTIONS = """
create function segmentation_staging.spy() returns trigger language plpgsql as
    $$ begin {rise} return case when tg_op = 'DELETE' then old else new end; end $$;
create function segmentation_staging.spied(text) returns boolean language plpgsql immutable as
    $$ begin {rise} return true; end $$;
"""
# Attacks on the history, which forgetting, publishing, retiring and retention write.
ATTACKS = {
    "trigger": "create trigger spy before insert or update or delete on {table}"
    " for each row execute function segmentation_staging.spy()",
    "deferred trigger": "create constraint trigger spy after insert or update or delete on {table}"
    " deferrable initially deferred for each row execute function segmentation_staging.spy()",
    "rule": "create rule spy as on delete to {table} do also select segmentation_staging.spied('')",
    "check": "alter table {table} add constraint spy check (segmentation_staging.spied(model)) not valid",
    "check by the server's own functions": "alter table {table} add constraint spy"
    " check (query_to_xml('select segmentation_staging.spied('''')', true, true, '') is not null) not valid",
    "index": "create index spy on {table} (segmentation_staging.spied(model))",
}
HISTORY = "segmentation_partitions.period_kmeans"


@dataclass(frozen=True)
class Neighbours:
    """A project as its administrator sees it, as a writer does, and the writer's login."""

    admin: Project
    writer: Project
    login: str

    def attack(self, statement: str) -> None:
        """Let the writer put code on a table, which would make it a superuser."""
        rise = RISE.format(login=self.login)
        # Building an index runs its expression, as the writer.
        self.writer.sql(FUNCTIONS.format(rise="") + statement)
        self.writer.sql(FUNCTIONS.replace("create function", "create or replace function").format(rise=rise))

    @property
    def is_superuser(self) -> bool:
        """Whether the attack has worked."""
        return self.admin.sql("select rolsuper from pg_roles where rolname = %s", self.login) == [(True,)]


@pytest.fixture(scope="module")
def neighbours_once(
    copy_for_module: Callable[[Project], Project], appointed_once: Project, create_login_for_module: Callable[..., str]
) -> Neighbours:
    """Return a project after two nights, with a login that is only a writer; not to be changed."""
    admin = copy_for_module(appointed_once)
    login = create_login_for_module(admin.warehouse, "in role segmentation_writer")
    made = _neighbours(admin, login)
    for day in ("2026-11-20", "2026-11-21"):
        made.writer.night(day, models=["kmeans"])
    return made


@pytest.fixture
def neighbours(copy_project: Callable[[Project], Project], neighbours_once: Neighbours) -> Neighbours:
    """Return a copy of the project after two nights, with the same login."""
    admin = copy_project(neighbours_once.admin)
    login = urlsplit(neighbours_once.writer.warehouse.uri)._replace(path=f"/{database_of(admin.warehouse.uri)}")
    return _neighbours(admin, urlunsplit(login))


def _neighbours(admin: Project, login: str) -> Neighbours:
    writer = replace(admin, warehouse=Warehouse(login), registry=Registry(Warehouse(login), admin.registry.store))
    return Neighbours(admin, writer, urlsplit(login).username or "")


def _forget(project: Project) -> None:
    ((customer,),) = project.sql("select min(customer_id) from segmentation.segment_history")
    forget(project.warehouse, project.configuration, project.registry, customer_id=customer, requested_by="Ada")


def _publish(project: Project) -> None:
    project.sql("update customers set spending_score = 101 - spending_score, annual_income = annual_income / 3")
    project.night("2026-11-22", models=["kmeans"])


def _retire(project: Project) -> None:
    retire_model(project.warehouse, model="kmeans", retired_by="Ada")


def _retain(project: Project) -> None:
    drop_expired(project.warehouse, project.with_contract(history_days=1).configuration)


def _withdraw(project: Project) -> None:
    withdraw(project, "2026-11-21")


@pytest.mark.parametrize("attack", ATTACKS)
def test_writers_code_has_no_rights_of_whoever_forgets(neighbours: Neighbours, attack: str) -> None:
    """An administrator who forgets a customer is told what is on the writer's table, and nothing of it runs."""
    neighbours.attack(ATTACKS[attack].format(table=HISTORY))
    with pytest.raises(ConfigurationError, match=r"period_kmeans has a .*spy.*, and it would run with the rights of"):
        _forget(neighbours.admin)
    assert not neighbours.is_superuser


@pytest.mark.parametrize(
    "work", [_publish, _retire, _retain, _withdraw], ids=["publish", "retire", "retention", "withdrawal"]
)
def test_writers_code_has_no_rights_of_whoever_works(neighbours: Neighbours, work: Callable[[Project], None]) -> None:
    """Nor does it run with those of an administrator who publishes, retires a model or keeps less history."""
    neighbours.admin.sql(
        "update segmentation.segment_history set valid_from = '2026-11-18', valid_to = '2026-11-19'"
        " where segment_id = 1"
    )
    neighbours.attack(ATTACKS["trigger"].format(table=HISTORY))
    with suppress(ClusteringError):
        work(neighbours.admin)
    assert not neighbours.is_superuser


def test_writers_types_have_no_rights_of_whoever_forgets(neighbours: Neighbours) -> None:
    """Every table is searched for the key; a cast of the writer's own type is code of its too."""
    neighbours.attack(
        "create type segmentation_staging.sort as enum ('a');"
        "create function segmentation_staging.told(segmentation_staging.sort) returns text language plpgsql as"
        " $$ begin perform segmentation_staging.spied(''); return 'a'; end $$;"
        "create cast (segmentation_staging.sort as text)"
        " with function segmentation_staging.told(segmentation_staging.sort);"
        "create table segmentation_staging.sample_1 (customer_id segmentation_staging.sort);"
        "insert into segmentation_staging.sample_1 values ('a')"
    )
    with pytest.raises(ConfigurationError, match=r"sample_1 has a type of column customer_id that"):
        _forget(neighbours.admin)
    assert not neighbours.is_superuser


def test_writer_withdraws_a_date_and_what_its_night_has_retired(neighbours: Neighbours) -> None:
    """Whoever may publish may take back, and adds to what is noted without changing it."""
    writer = neighbours.writer
    writer.night("2026-11-20", models=["gmm"])
    contract = writer.configuration.contract.model_copy(update={"default_model": None})
    alone = {"models": {"kmeans": writer.configuration.models["kmeans"]}, "contract": contract}
    without = replace(writer, configuration=writer.configuration.model_copy(update=alone))
    for day in ("2026-11-22", "2026-11-23"):
        without.night(day)
    withdraw(without, "2026-11-22")
    assert withdraw(writer, "2026-11-23")["returned"] == {"gmm": "2026-11-20"}
    (noted,) = writer.sql("select count(*), bool_and(database_user = session_user) from segmentation.audit_log")
    assert noted == (2, True)


def test_administrator_works_with_the_writers_rights(neighbours: Neighbours) -> None:
    """Whoever may do more does the writer's work as the writer, and reads and keeps the same."""
    neighbours.admin.night("2026-11-22", models=["kmeans"])
    _forget(neighbours.admin)
    owners = (
        "select distinct relowner::regrole::text from pg_class where relname ~ '^(labels|history)_' and relkind in"
        " ('r', 'p')"
    )
    assert neighbours.admin.sql(owners) == [("segmentation_writer",)]
    trail = "select database_user = session_user from segmentation.audit_log where action = 'forget'"
    assert neighbours.admin.sql(trail) == [(True,)]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into segmentation.audit_log (action, actor, description, detail, occurred_at)"
        " values ('forget', 'Ada', 'x', '{}', '2020-01-01')",
        "insert into segmentation.audit_log (action, actor, description, detail, database_user)"
        " values ('forget', 'Ada', 'x', '{}', 'ada')",
        "insert into segmentation.promotions (model, model_version_id, decision, reason, decided_by, decided_at)"
        " values ('kmeans', 1, 'promoted', 'x', 'Ada', '2020-01-01')",
        "insert into segmentation.promotions (model, model_version_id, decision, reason, decided_by, database_user)"
        " values ('kmeans', 1, 'promoted', 'x', 'Ada', 'ada')",
        "insert into segmentation.model_retirements (model, retired_on, reason, retired_by, retired_at)"
        " values ('kmeans', '2026-11-22', 'x', 'Ada', '2020-01-01')",
        "insert into segmentation.promotions (promotion_id, model, model_version_id, decision, reason, decided_by)"
        " overriding system value values (9, 'kmeans', 1, 'promoted', 'x', 'Ada')",
        "update segmentation.model_retirements set retired_by = 'Ada'",
        "delete from segmentation.model_retirements",
        "create function segmentation.format(text, varchar) returns text language sql as 'select 1'",
        "create view segmentation.current_model as select 1",
    ],
)
def test_writer_fills_no_column_of_the_audit(neighbours: Neighbours, statement: str) -> None:
    """When something was noted, and by which login, is not the writer's to say; nor does it create beside our views."""
    with pytest.raises(errors.InsufficientPrivilege):
        neighbours.writer.sql(statement)


def test_login_of_a_claim_is_noted(neighbours: Neighbours) -> None:
    """Who did something is a claim of the writer; the login that made it stands beside it, in any role."""
    neighbours.writer.sql(
        "set role segmentation_writer; insert into segmentation.promotions (model, model_version_id, decision, reason,"
        " decided_by) values ('kmeans', 1, 'promoted', 'because', 'Ada')"
    )
    neighbours.writer.sql(
        "insert into segmentation.audit_log (action, actor, description, detail) values ('forget', 'Ada', 'x', '{}')"
    )
    retire_model(neighbours.writer.warehouse, model="kmeans", retired_by="Ada")
    told = neighbours.admin.sql("select actor, database_user from segmentation.audit_trail where actor = 'Ada'")
    assert told == [("Ada", neighbours.login)] * 3
