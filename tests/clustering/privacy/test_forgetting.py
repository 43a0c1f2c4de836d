"""Forgetting a customer."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from clustering.cli import main
from clustering.config import Configuration
from clustering.errors import DataError, RunError
from clustering.privacy.forgetting import forget
from clustering.scoring.endings import abandon_by_hand
from clustering.scoring.retention import drop_expired
from clustering.scoring.shards import score_shard
from clustering.training.pruning import prune
from clustering.versions.registry import Registry
from clustering.warehouse import Warehouse, migrate
from clustering.web.champion_changes import Champions
from clustering.web.movements import read_movement
from tests.appointing import appoint
from tests.databases import Server
from tests.object_stores import Bucket
from tests.projects import Project

# A key that occurs nowhere by chance.
SOMEBODY = 7_316_498_205_117
# Where the key of a customer who was forgotten stands for a while: in the row that tells others to remove them too.
TOLD = {"segmentation.segment_changes.customer_id": 1}
COLUMNS = """
select format('%I.%I', namespace.nspname, class.relname), attribute.attname
from pg_attribute as attribute
join pg_class as class on class.oid = attribute.attrelid
join pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname in ('segmentation', 'segmentation_partitions', 'segmentation_staging')
    and class.relkind in ('r', 'p', 'm')
    and attribute.attnum > 0 and not attribute.attisdropped
"""


def rows_with(project: Project, key: int | str) -> dict[str, int]:
    """Return in how many rows of which column of the schemas a key stands, partitions included."""
    found = {}
    for table, column in project.sql(COLUMNS):
        ((rows,),) = project.sql(f'select count(*) from {table} where "{column}"::text like %s', f"%{key}%")  # noqa: S608
        if rows:
            found[f"{table}.{column}"] = rows
    return found


def become_customer(project: Project, key: int, *, instead_of: int) -> None:
    """Give a key to a customer of the source."""
    project.sql("update public.customers set customer_id = %s where customer_id = %s", key, instead_of)


def a_core_customer(project: Project) -> int:
    """Return a valid customer whose values are a core point of DBSCAN's champion."""
    version = project.registry.champions(["dbscan"])["dbscan"]
    artifact = project.registry.load(version)
    income, score = artifact.scaling.invert(artifact.parameters["core"])[100]
    [(key,), *_] = project.sql(
        "select customer_id from public.customers where customer_id is not null and age ~ '^[0-9]{2}$'"
        " and abs(annual_income - %s) < 1e-6 and abs(spending_score - %s) < 1e-6",
        float(income),
        float(score),
    )
    return int(key)


def run_forget(project: Project, key: Any = SOMEBODY) -> dict[str, Any]:
    """Forget a customer."""
    return forget(
        project.warehouse, project.configuration, project.registry, customer_id=str(key), requested_by="Ada Lovelace"
    )


@pytest.fixture(scope="module")
def known_once(copy_for_module: Callable[[Project], Project], appointed_once: Project) -> Project:
    """Return a project with two nights, a rejected row and a sample that all know a customer; not to be changed."""
    project = copy_for_module(appointed_once)
    become_customer(project, SOMEBODY, instead_of=a_core_customer(project))
    project.night("2026-11-20")
    project.sql("update public.customers set annual_income = -1 where customer_id = %s", SOMEBODY)
    project.night("2026-11-21")
    project.sql("create table segmentation_staging.sample_20261121000000_abc as select * from public.customers")
    return project


@pytest.fixture
def known(copy_project: Callable[[Project], Project], known_once: Project) -> Project:
    """Return a copy of the project that knows a customer."""
    return copy_project(known_once)


def test_nothing_is_left(known: Project) -> None:
    """No column of any table has the key any more, and the report counts what was removed."""
    before = rows_with(known, SOMEBODY)
    assert {place.split(".")[1] for place in before} >= {"customer_labels", "rejected_customers", "segment_history"}
    report = run_forget(known)
    assert rows_with(known, SOMEBODY) == TOLD
    assert report["left"] == {}
    assert report["told_for_days"] == 30
    assert report["removed"] == {
        "segmentation.customer_labels": 3,
        "segmentation.rejected_customers": 1,
        "segmentation.segment_changes": 3,
        "segmentation.segment_history": 3,
        "segmentation_staging.sample_20261121000000_abc": 1,
    }
    assert report["tables_searched"] > 20
    assert run_forget(known)["removed"] == {}  # the source still has the customer


@pytest.fixture(scope="module")
def by_name_once(
    postgresql: Server, configuration: Configuration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Return a project whose customers' keys are texts; not to be changed."""
    columns = configuration.contract.columns
    key = columns["customer_id"].model_copy(update={"type": "text"})
    contract = configuration.contract.model_copy(update={"columns": {**columns, "customer_id": key}})
    name = postgresql.create()
    warehouse = Warehouse(postgresql.url(name))
    migrate(warehouse, contract)
    project = Project(warehouse, configuration, Registry(warehouse, tmp_path_factory.mktemp("store")))
    appoint(project, "kmeans")
    project.sql(
        "create table customers as select 'customer ' || g as customer_id, 20 + g % 50 as age, 'x' as gender,"
        " 20000 + g * 100.0 as annual_income, 1 + g % 99 as spending_score from generate_series(1, 400) as g"
    )
    yield replace(project, configuration=configuration.model_copy(update={"contract": contract}))
    postgresql.drop(name)


@pytest.fixture
def by_name(copy_project: Callable[[Project], Project], by_name_once: Project) -> Project:
    """Return a copy of the project whose keys are texts."""
    return copy_project(by_name_once)


def test_key_between_two_shards(by_name: Project) -> None:
    """A customer whose key has cut the source into shards stands nowhere any more either."""
    planned = by_name.plan(shards=4)
    ((key, places),) = by_name.sql(
        "select lower_bound, count(*) from segmentation.run_shards where shard = 2 group by 1"
    )
    assert places == 1
    assert "segmentation.run_shards.lower_bound" in rows_with(by_name, key)
    for shard in planned["shards"]:
        by_name.score(planned["run_id"], shard)
    by_name.publish(planned["run_id"])
    report = run_forget(by_name, key)
    assert report["removed"] == {"segmentation.customer_labels": 1, "segmentation.segment_history": 1}
    assert report["left"] == {}
    assert rows_with(by_name, key) == TOLD


def test_labels_whose_detaching_a_reader_holds_up(known: Project) -> None:
    """Labels that retention has begun to detach are no part of the table of all labels, and lose the customer too."""
    few = known.with_contract(label_runs=1)
    with closing(psycopg2.connect(known.warehouse.uri)) as connection, connection, connection.cursor() as reader:
        reader.execute("select count(*) from segmentation.customer_segments")
        assert drop_expired(few.warehouse, few.configuration)["left"] == [1]
        ((pending,),) = known.sql("select inhrelid::regclass::text from pg_inherits where inhdetachpending")
        report = run_forget(few)
    assert pending.startswith("segmentation_partitions.labels_1_")
    assert report["removed"][pending] == 1
    assert report["left"] == {}
    assert rows_with(known, SOMEBODY) == TOLD


FORGOTTEN = (
    "select change_id, kind, customer_id from segmentation.segment_changes where kind in ('forgotten', 'change')"
)


def test_those_who_follow_the_changes_are_told_once_and_for_a_while(known: Project) -> None:
    """What was told of the customer goes; the last row about them says so, until its time is over."""
    run_forget(known)
    run_forget(known)  # the source still has the customer, and what was told is told again, at the end
    ((change_id, *told),) = [row for row in known.sql(FORGOTTEN) if row[2] == SOMEBODY]
    assert told == ["forgotten", SOMEBODY]
    assert known.sql("select max(change_id) from segmentation.segment_changes") == [(change_id,)]
    known.sql("update segmentation.segment_changes set noted_at = now() - interval '31 days' where kind = 'forgotten'")
    drop_expired(known.warehouse, known.configuration)
    assert rows_with(known, SOMEBODY) == {}


def test_members_are_read_anew_where_no_key_may_be_told(known: Project) -> None:
    """Without a time for it, the key stands nowhere at once; who keeps the customer is told to read all anew."""
    silent = known.with_contract(tombstone_days=0)
    assert run_forget(silent)["told_for_days"] == 0
    assert rows_with(known, SOMEBODY) == {}
    last = "select kind from segmentation.segment_changes order by change_id desc limit 1"
    assert known.sql(last) == [("expired",)]


def test_labels_are_not_dropped_while_somebody_is_forgotten_in_them(known: Project) -> None:
    """What retention has detached and not yet dropped it leaves to the next night, and the customer goes from it."""
    few = known.with_contract(label_runs=1)
    find = "select inhparent::regclass, inhrelid::regclass from pg_inherits where inhrelid::regclass::text ~ '%s'"
    ((model_table, detached),) = known.sql(find % "labels_1_.*" + " and inhparent::regclass::text ~ 'labels_kmeans'")
    known.sql(f"alter table {model_table} detach partition {detached}")
    with known.warehouse.transaction() as transaction:
        transaction.execute("forgetting/lock_labels")
        assert drop_expired(few.warehouse, few.configuration)["left"] == [1]
        assert known.sql("select to_regclass(%s) is not null", detached) == [(True,)]
    assert run_forget(few)["removed"][detached] == 1
    assert drop_expired(few.warehouse, few.configuration)["left"] == []


def test_published_counts_stay(known: Project) -> None:
    """Segments say how many customers there were on their date."""
    question = "select * from segmentation.segments order by as_of, model, segment_id"
    before = known.sql(question)
    run_forget(known)
    assert known.sql(question) == before


def test_next_night_brings_nobody_back(known: Project) -> None:
    """A customer who has left the source stays forgotten; the report warns while the source has them."""
    assert run_forget(known)["source_rows"] == 1
    known.sql("delete from public.customers where customer_id = %s", SOMEBODY)
    with pytest.raises(DataError, match=f"no row has the key '{SOMEBODY}': nothing was changed"):
        run_forget(known)
    known.night("2026-11-22")
    assert rows_with(known, SOMEBODY) == TOLD


def test_core_point_is_dropped(project: Project) -> None:
    """The point goes from the artifact, the former artifact from the store, and the night still works."""
    become_customer(project, SOMEBODY, instead_of=a_core_customer(project))
    version = project.registry.champions(["dbscan"])["dbscan"]
    before = project.registry.load(version)
    (told,) = run_forget(project)["core_points"]
    assert (told["model"], told["version"], told["outcome"]) == ("dbscan", version.version, "dropped")
    now = project.registry.champions(["dbscan"])["dbscan"]
    after = project.registry.load(now)
    assert len(after.parameters["core"]) == len(before.parameters["core"]) - 1
    assert not (project.registry.store / version.artifact).exists()
    gone = {tuple(row) for row in before.parameters["core"]} - {tuple(row) for row in after.parameters["core"]}
    assert len(gone) == 1
    assert project.night()["status"] == "published"
    assert [row[0] for row in project.sql("select action from segmentation.audit_log order by audit_id")] == [
        "drop_core_point",
        "forget",
    ]


def test_core_point_is_dropped_from_an_object_store(project: Project, bucket: Bucket, tmp_path: Path) -> None:
    """Neither the bucket nor what a machine has kept of it has the former artifact, even where the removal failed."""
    bucket.fill(project.registry.store)
    stored = replace(project, registry=Registry(project.warehouse, bucket.uri))
    stored.night("2026-11-20")
    version = stored.registry.champions(["dbscan"])["dbscan"]
    before = stored.registry.load(version)
    become_customer(project, SOMEBODY, instead_of=a_core_customer(project))
    former = {name: content for name, content in bucket.objects().items() if name.startswith(version.artifact)}
    assert run_forget(stored)["core_points"][0]["outcome"] == "dropped"
    now = stored.registry.champions(["dbscan"])["dbscan"]
    assert len(stored.registry.load(now).parameters["core"]) == len(before.parameters["core"]) - 1
    assert version.artifact not in bucket.names()
    assert len(stored.registry.load(version).parameters["core"]) == len(before.parameters["core"]) - 1
    stored.registry.files.write(version.artifact, {name.rpartition("/")[2]: one for name, one in former.items()})
    prune(stored.configuration, stored.registry)
    assert version.artifact not in bucket.names()
    hashes = {sha256(content).hexdigest() for content in former.values()} - {version.artifact_sha256}
    assert {path.name for path in (tmp_path / "kept").iterdir()} & hashes == set()
    assert stored.night()["status"] == "published"


def test_running_process_drops_the_core_point_too(project: Project) -> None:
    """An app that has loaded the version labels with the new artifact, and keeps nothing of the former one."""
    become_customer(project, SOMEBODY, instead_of=a_core_customer(project))
    champions = Champions(project.configuration, project.registry, seconds=0)
    before = len(champions.scorer("dbscan").artifact.parameters["core"])
    run_forget(project)
    champions.versions()  # what any request asks, of whatever model
    assert champions._scorers == {}
    assert len(champions.scorer("dbscan").artifact.parameters["core"]) == before - 1


def test_core_point_of_somebody_who_has_left(project: Project) -> None:
    """Without the source's row nobody knows which point was theirs: the report asks for a retraining."""
    become_customer(project, SOMEBODY, instead_of=a_core_customer(project))
    project.night()
    project.sql("delete from public.customers where customer_id = %s", SOMEBODY)
    (told,) = run_forget(project)["core_points"]
    assert told["outcome"] == "unknown"
    assert "retrain" in told["meaning"]


def test_customer_whose_values_have_changed(project: Project) -> None:
    """A point that does not have today's values is not taken for the customer's."""
    become_customer(project, SOMEBODY, instead_of=a_core_customer(project))
    project.sql("update public.customers set annual_income = annual_income + 0.5 where customer_id = %s", SOMEBODY)
    before = project.registry.champions(["dbscan"])["dbscan"]
    (told,) = run_forget(project)["core_points"]
    assert told["outcome"] == "not found"
    assert project.registry.champions(["dbscan"])["dbscan"] == before


def test_artifact_that_is_lost(known: Project) -> None:
    """A version without its files hinders nothing: the rows go, and the report says which version it is."""
    shutil.rmtree(known.registry.store / known.registry.champions(["dbscan"])["dbscan"].artifact)
    report = run_forget(known)
    assert [told["outcome"] for told in report["core_points"]] == ["unreadable"]
    assert rows_with(known, SOMEBODY) == TOLD


def test_audit_does_not_name_the_customer(known: Project) -> None:
    """Who asked and how many rows went is noted, under a random number."""
    report = run_forget(known)
    ((actor, detail),) = known.sql(
        "select actor, detail from segmentation.audit_log where action = 'forget' and detail ->> 'request' = %s",
        report["request"],
    )
    assert actor == "Ada Lovelace"
    assert detail["removed"] == report["removed"]
    assert str(SOMEBODY) not in json.dumps(detail)


def test_not_while_a_run_is_scored(known: Project) -> None:
    """A run that has read the customer would bring them back: it is refused, and nothing is removed."""
    planned = known.plan("2026-11-22")
    score_shard(known.warehouse, known.configuration, known.registry, run_id=planned["run_id"], shard=0)
    before = rows_with(known, SOMEBODY)
    with pytest.raises(RunError, match=rf"run {planned['run_id']} \(as of 2026-11-22\) is being scored"):
        run_forget(known)
    assert rows_with(known, SOMEBODY) == before


@pytest.mark.parametrize("key", ['say "A"', "back\\slash", "line\nbreak", "tab\t7", "A (1)", "ü.x*"])
def test_key_with_special_characters_is_found_wherever_it_stands(by_name: Project, key: str) -> None:
    """The proof reads texts, JSON and keys as they are, whatever a row looks like when it is written in one line."""
    by_name.sql("update customers set customer_id = %s where customer_id = 'customer 7'", key)
    by_name.night(models=["kmeans"])
    by_name.sql("update segmentation.scoring_runs set note = 'for ' || %s || '!'", key)
    by_name.sql(
        "update segmentation.model_versions set settings = jsonb_build_object('note', jsonb_build_array(%s))", key
    )
    report = run_forget(by_name, key)
    assert report["left"] == {"segmentation.model_versions": 1, "segmentation.scoring_runs": 1}
    assert report["removed"].keys() >= {"segmentation.customer_labels", "segmentation.segment_history"}


def test_planners_statistics_forget_the_customer_too(by_name: Project) -> None:
    """No common value and no bound of a histogram in the catalogue is the customer's key."""
    shown = (
        "select count(*) from pg_stats where schemaname ~ '^segmentation'"
        " and concat(most_common_vals::text, histogram_bounds::text) ~ %s"
    )
    by_name.sql("update customers set spending_score = -1 where customer_id = 'customer 7'")
    by_name.night(models=["kmeans"])
    by_name.plan("2026-11-23")
    by_name.sql("update customers set spending_score = 7 where customer_id = 'customer 7'")
    abandon_by_hand(by_name.warehouse, run_id=2, abandoned_by="Ada")
    by_name.night("2026-11-23", models=["kmeans"])
    by_name.sql("analyze")
    ((before,),) = by_name.sql(shown, "customer 7[^0-9]")
    assert before > 0
    assert run_forget(by_name, "customer 7")["statistics"] == []
    assert by_name.sql(shown, "customer 7[^0-9]") == [(0,)]


@pytest.mark.parametrize("again", [None, "2026-11-21", "2026-11-22"])
def test_movement_still_adds_up_after_forgetting(project: Project, again: str | None) -> None:
    """Of the matrices before and after, rows add up to the former date's customers and columns to the latter's."""
    project.night("2026-11-21", models=["kmeans"])
    keys = [key for (key,) in project.sql("select customer_id from segmentation.customer_labels order by 1 limit 3")]
    project.sql("update customers set annual_income = 88000, spending_score = 17 where customer_id = %s", keys[1])
    project.night("2026-11-22", models=["kmeans"])
    for key in keys:
        run_forget(project, key)
        project.sql("delete from customers where customer_id = %s", key)
    if again:
        project.night(again, models=["kmeans"])
    project.night("2026-11-23", models=["kmeans"])
    assert project.sql(UNBALANCED) == []
    for former, latter in (("2026-11-21", "2026-11-22"), ("2026-11-22", "2026-11-23"), ("2026-11-21", "2026-11-23")):
        counted = read_movement(
            project.warehouse, model="kmeans", former=date.fromisoformat(former), latter=date.fromisoformat(latter)
        )
        for place, day in ((0, former), (1, latter)):
            found: dict[int, int] = {}
            for flow in counted.flows:
                if (segment := (flow.former, flow.latter)[place]) is not None:
                    found[segment] = found.get(segment, 0) + flow.customers
            sizes = project.sql("select segment_id, customers from segmentation.segments where as_of = %s", day)
            assert found == {segment: customers for segment, customers in sizes if customers}


UNBALANCED = """
select migration.as_of, segment.segment_id, segment.customers, sum(migration.customers)
from segmentation.segment_migrations as migration
join segmentation.segments as segment
    on segment.model = migration.model and (
        (segment.as_of = migration.as_of and segment.segment_id = migration.to_segment_id)
        or (segment.as_of = migration.previous_as_of and segment.segment_id = migration.from_segment_id)
    )
group by migration.as_of, segment.as_of, segment.segment_id, segment.customers
having segment.customers <> sum(migration.customers)
"""


def test_dead_run_is_abandoned_by_hand(known: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose processes died blocks nothing any longer, and leaves nothing staged."""
    monkeypatch.setenv("WAREHOUSE_URL", known.warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(known.registry.store))
    planned = known.plan("2026-11-22", shards=2)
    known.score(planned["run_id"], 0)
    with pytest.raises(RunError, match="clustering abandon"):
        run_forget(known)
    assert main(["abandon", str(planned["run_id"]), "--by", "Ada"]) == 0
    assert known.staged() == ["sample_20261121000000_abc"]
    assert known.sql("select status, note from segmentation.scoring_runs order by run_id desc limit 1") == [
        ("abandoned", "abandoned by Ada")
    ]
    assert run_forget(known)["left"] == {}
    assert main(["abandon", "1"]) == 0
    assert known.sql("select status from segmentation.scoring_runs where run_id = 1") == [("published",)]
    assert main(["abandon", "99"]) == 1


@pytest.mark.parametrize(
    "given", ["Ada", "", f" {SOMEBODY}", f"{SOMEBODY} ", "0x2a", "4_2", "9" * 19, "4\x002", "\ud800"]
)
def test_no_key(known_once: Project, given: str) -> None:
    """What cannot be a key is refused, and never taken for what it would be without its spaces."""
    before = rows_with(known_once, SOMEBODY)
    with pytest.raises(DataError, match=re.escape(f"{given!r} is no key of a customer: customer_id is bigint")):
        run_forget(known_once, given)
    assert rows_with(known_once, SOMEBODY) == before


@pytest.mark.parametrize("key", [" A", "A ", "a", "\tA", "A", "  "])
def test_key_is_forgotten_to_the_last_space(by_name: Project, key: str) -> None:
    """Of keys that differ in spaces and case, the one that was given is removed, and no other."""
    twins = [" A", "A ", "a", "\tA", "A", "Ä"]
    for number, twin in enumerate(twins, start=1):
        by_name.sql("update customers set customer_id = %s where customer_id = %s", twin, f"customer {number}")
    by_name.night(models=["kmeans"])
    if key == "  ":
        with pytest.raises(DataError, match="no row has the key '  '"):
            run_forget(by_name, key)
    else:
        assert run_forget(by_name, key)["source_rows"] == 1
    left = [row[0] for row in by_name.sql("select customer_id from segmentation.customer_labels")]
    assert {twin for twin in twins if twin not in left} == ({key} & set(twins))


def test_same_characters_elsewhere_are_told(known: Project) -> None:
    """A note that names the customer is not removed, but told."""
    known.sql("update segmentation.scoring_runs set note = 'for customer ' || %s where run_id = 1", SOMEBODY)
    assert run_forget(known)["left"] == {"segmentation.scoring_runs": 1}


@pytest.fixture
def terminal(known: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Let the command line work on a project that knows a customer."""
    monkeypatch.setenv("WAREHOUSE_URL", known.warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(known.registry.store))
    return known


def test_from_a_terminal(terminal: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """One JSON document on stdout, and a warning while the source still has the customer."""
    assert main(["forget", str(SOMEBODY), "--by", "Ada", "--yes", "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["source_rows"] == 1
    assert "the source still has the customer" in err
    assert rows_with(terminal, SOMEBODY) == TOLD


def test_what_is_left_is_told_to_look_at(terminal: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """The terminal names the tables, and does not call every hit chance."""
    terminal.sql("update segmentation.scoring_runs set note = 'for customer ' || %s where run_id = 1", SOMEBODY)
    assert main(["forget", str(SOMEBODY), "--by", "Ada", "--yes"]) == 0
    said = capfd.readouterr().out
    assert "remove such words by hand" in said
    assert "  1 of segmentation.scoring_runs" in said


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), (None, 2)])
def test_asks_first(terminal: Project, monkeypatch: pytest.MonkeyPatch, answer: str | None, code: int) -> None:
    """Without --yes somebody has to agree; where there is no terminal nobody can."""
    stdin = io.StringIO(answer or "")
    monkeypatch.setattr(stdin, "isatty", lambda: answer is not None)
    monkeypatch.setattr("sys.stdin", stdin)
    try:
        ended = main(["forget", str(SOMEBODY), "--by", "Ada"])
    except SystemExit as stopped:
        ended = int(stopped.code or 0)
    assert ended == code
    assert (rows_with(terminal, SOMEBODY) == TOLD) == (code == 0)
