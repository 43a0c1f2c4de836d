"""The views and functions that are made from their files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from clustering.config import Configuration
from clustering.errors import ConfigurationError
from clustering.warehouse import Warehouse, migrate, queries
from clustering.warehouse.definitions import definition_files
from tests.clustering.bi_contract import differences, pinned, present

FILES = sorted(f"{path.parent.name}/{path.stem}" for path in queries.DIRECTORY.glob("[vf]*/*.sql"))
COUNT = """\
-- How many segments each model has.
-- Read by: {reader}.

create or replace view segmentation.segment_count as
select model, count(*) as segments
from segmentation.current_segments
group by model;
comment on view segmentation.segment_count is 'One row per model: how many segments it has.';
comment on column segmentation.segment_count.model is 'Name of the model.';
comment on column segmentation.segment_count.segments is 'How many segments it has.';
"""
RIGHTS = """
select grantee, privilege_type, is_grantable, null from information_schema.table_privileges
where table_schema = 'segmentation' and table_name = %(view)s and grantee in ('pg_monitor', 'pg_read_all_stats')
union all
select grantee, privilege_type, is_grantable, column_name from information_schema.column_privileges
where table_schema = 'segmentation' and table_name = %(view)s and grantee = 'pg_checkpoint'
order by 1, 2
"""
VIEWS = """
select class.oid::regclass::text, class.oid, pg_get_viewdef(class.oid), class.relacl::text
from pg_class as class
where class.relkind = 'v' and class.relnamespace::regnamespace::text in ('public', 'segmentation')
order by 1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of `sql/` to change, which is what migrations read."""
    shutil.copytree(queries.DIRECTORY, tmp_path / "sql")
    monkeypatch.setattr(queries, "DIRECTORY", tmp_path / "sql")
    queries._load.cache_clear()
    return tmp_path / "sql"


def ask(warehouse: Warehouse, question: str, **values: Any) -> list[Any]:
    with warehouse.transaction() as transaction:
        result = transaction.connection.exec_driver_sql(question, values)
        return [tuple(row) for row in result.all()] if result.returns_rows else []


def rewrite(file: Path, old: str, new: str) -> None:
    """Change a file in one place."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    queries._load.cache_clear()


def with_version_of_models(folder: Path) -> None:
    """Let current_models lose a column and gain one, so that it has to be dropped with all that stands on it."""
    file = folder / "views" / "current_models.sql"
    rewrite(file, "model_version_id,\n    published.published_at\n", "model_version_id\n")
    rewrite(file, "comment on column segmentation.current_models.published_at is 'When it was published.';\n", "")
    health = folder / "views" / "segment_health.sql"
    rewrite(health, "        current.published_at,\n", "        null::timestamptz as published_at,\n")


def test_files_stand_after_those_that_they_refer_to() -> None:
    """A view is made when what it reads is there."""
    files = definition_files()
    assert sorted(files) == FILES
    for place, name in enumerate(files):
        referred = set(re.findall(r"\bsegmentation\.(\w+)", queries.load(name).text))
        assert referred & {other.partition("/")[2] for other in files[place + 1 :]} == set(), name


@pytest.mark.parametrize("name", FILES)
def test_file_defines_what_it_is_named_after(name: str) -> None:
    """A file makes one view or function, which can be put in the place of the present one, and says who reads it."""
    kind, _, held = name.partition("/")
    text = queries.load(name).text
    assert re.findall(r"^create .*?segmentation\.\w+", text, re.MULTILINE) == [
        f"create or replace {kind.removesuffix('s')} segmentation.{held}"
    ]
    readers = r"segmentation_(reader|reader, segmentation_dashboard|writer)"
    assert re.search(rf"^-- (Read|Called) by: {readers}\.$", text, re.MULTILINE)


def test_new_bi_view_needs_its_file_alone(warehouse: Warehouse, configuration: Configuration, folder: Path) -> None:
    """A file makes the view, lets the reader read it, and asks for its place in the pinned contract."""
    (folder / "views" / "segment_count.sql").write_text(COUNT.format(reader="segmentation_reader"))
    assert migrate(warehouse, configuration.contract) == []
    found, silent = present(warehouse)
    assert found["segment_count"] == ["model text", "segments bigint"]
    assert silent == []
    (told,) = differences(pinned(), found)
    assert told.startswith("segment_count is new: if it is meant, add it to bi_contract.yaml")


def test_view_that_is_not_for_bi_is_not_read_there(
    warehouse: Warehouse, configuration: Configuration, folder: Path
) -> None:
    """What the file does not give to the reader, only the writer reads."""
    (folder / "views" / "segment_count.sql").write_text(COUNT.format(reader="segmentation_writer"))
    migrate(warehouse, configuration.contract)
    assert differences(pinned(), present(warehouse)[0]) == []
    right = "select has_table_privilege('segmentation_writer', 'segmentation.segment_count', 'select')"
    assert ask(warehouse, right) == [(True,)]


def test_file_that_does_not_say_who_reads_is_refused(
    warehouse: Warehouse, configuration: Configuration, folder: Path
) -> None:
    """Nobody is let in, or kept out, by mistake."""
    (folder / "views" / "segment_count.sql").write_text(COUNT.replace("-- Read by: {reader}.\n", ""))
    with pytest.raises(ConfigurationError, match=r"sql/views/segment_count\.sql does not say who reads it"):
        migrate(warehouse, configuration.contract)


def test_view_without_a_file_is_dropped(warehouse: Warehouse, configuration: Configuration, folder: Path) -> None:
    """What a release no longer has goes, unless something of the user's stands on it."""
    before = ask(warehouse, VIEWS)
    (folder / "views" / "segment_count.sql").write_text(COUNT.format(reader="segmentation_reader"))
    migrate(warehouse, configuration.contract)
    (folder / "views" / "segment_count.sql").unlink()
    ask(warehouse, "create view public.report as select * from segmentation.segment_count")
    with pytest.raises(ConfigurationError, match=r"segment_count has to be dropped.*view report depends on"):
        migrate(warehouse, configuration.contract)
    ask(warehouse, "drop view public.report")
    migrate(warehouse, configuration.contract)
    assert ask(warehouse, VIEWS) == before


def test_view_that_somebody_dropped_comes_back(warehouse: Warehouse, configuration: Configuration) -> None:
    """What is not there is made, with its rights."""
    ask(warehouse, "drop view segmentation.segment_trend")
    ask(warehouse, "drop function segmentation.segment_as_of(date)")
    migrate(warehouse, configuration.contract)
    assert differences(pinned(), present(warehouse)[0]) == []


def test_view_of_the_user_survives_one_with_more_columns(
    warehouse: Warehouse, configuration: Configuration, folder: Path
) -> None:
    """A view that only gains columns stays the same object, with what stands on it and who may read it."""
    ask(warehouse, "create view public.report as select * from segmentation.current_models")
    ask(warehouse, "grant select on segmentation.current_models to pg_monitor with grant option")
    before = ask(warehouse, VIEWS)
    rewrite(folder / "views" / "current_models.sql", "published_at\nfrom", "published_at, published_xid\nfrom")
    migrate(warehouse, configuration.contract)
    after = ask(warehouse, VIEWS)
    assert [(name, oid, acl) for name, oid, _, acl in after] == [(name, oid, acl) for name, oid, _, acl in before]
    assert [one[0] for one, other in zip(before, after, strict=True) if one[2] != other[2]] == [
        "segmentation.current_models"
    ]


def test_view_with_other_columns_is_made_anew_with_those_on_it_and_their_grants(
    warehouse: Warehouse, configuration: Configuration, folder: Path
) -> None:
    """Rights that the user gave on what has to be dropped are given again, on whole views and on columns."""
    for view in ("current_models", "current_segments"):
        ask(warehouse, f"grant select, insert on segmentation.{view} to pg_monitor with grant option")
        ask(warehouse, f"grant select on segmentation.{view} to pg_read_all_stats")
        ask(warehouse, f"grant select (model, as_of) on segmentation.{view} to pg_checkpoint")
    ask(warehouse, "grant select (published_at) on segmentation.current_models to pg_checkpoint")
    rights = {view: ask(warehouse, RIGHTS, view=view) for view in ("current_models", "current_segments")}
    readers = "select relname, relacl::text from pg_class where relname = 'current_customer_segments'"
    before = ask(warehouse, readers)
    with_version_of_models(folder)
    migrate(warehouse, configuration.contract)
    assert ask(warehouse, RIGHTS, view="current_segments") == rights["current_segments"]
    assert ask(warehouse, RIGHTS, view="current_models") == [
        right for right in rights["current_models"] if right[3] != "published_at"
    ]
    assert len(rights["current_models"]) == len(rights["current_segments"]) + 1 == 6
    assert ask(warehouse, readers) == before
    (told,) = differences(pinned(), present(warehouse)[0])
    assert told.startswith("current_models no longer has published_at")


@pytest.mark.parametrize("schema", ["public", "segmentation"])
def test_view_of_the_user_that_would_be_dropped_is_named(
    warehouse: Warehouse, configuration: Configuration, folder: Path, schema: str
) -> None:
    """Where something of the user's stands on a view that has to go, be it by another view, nothing changes."""
    ask(warehouse, f"create view {schema}.report as table segmentation.current_segments")
    before = ask(warehouse, VIEWS)
    with_version_of_models(folder)
    with pytest.raises(
        ConfigurationError, match=r"current_models has to be dropped.*report depends on .*drop that, mig"
    ):
        migrate(warehouse, configuration.contract)
    assert ask(warehouse, VIEWS) == before


def test_view_of_the_user_with_the_name_of_a_new_one_is_left_alone(
    warehouse: Warehouse, configuration: Configuration, folder: Path
) -> None:
    """A view that was there first is not written over."""
    ask(
        warehouse,
        "create view segmentation.segment_count as select model, 1::bigint as segments from segmentation.segments",
    )
    before = ask(warehouse, VIEWS)
    (folder / "views" / "segment_count.sql").write_text(COUNT.format(reader="segmentation_reader"))
    with pytest.raises(ConfigurationError, match=r"segmentation\.segment_count is there already.*rename yours"):
        migrate(warehouse, configuration.contract)
    assert ask(warehouse, VIEWS) == before
