"""Labels in files beside labels in tables, and folders that are away for a while: nothing is lost, kept or made up."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from pyarrow import parquet

from clustering import drop_expired, explain_customer, forget, publish_run
from clustering.config import Checks
from clustering.demo.generator import generate_customers
from clustering.errors import HeldError, RunError, SourceError
from clustering.scoring.endings import abandon_by_hand
from clustering.scoring.job_folders import job_folder, root_folder
from clustering.scoring.label_files import await_labels
from clustering.scoring.publication import Release
from clustering.scoring.withdrawal import withdraw_date
from tests.lakes import LISTED, from_files, in_tables, on_disk, with_label_files, write_lake
from tests.projects import Project

CUSTOMERS = 400
PERIODS = """
select valid_from::text, valid_to::text, count(*) > 0 from segmentation.segment_history group by 1, 2 order by 1, 2
"""
MOVEMENT = "select distinct as_of::text from segmentation.segment_migrations order by 1"


@pytest.fixture
def filed(project: Project, tmp_path: Path) -> Project:
    """Return a project whose customers are files, and whose labels stay files."""
    return with_label_files(project, tmp_path, generate_customers(CUSTOMERS, seed=2))


def night(project: Project, day: int) -> int:
    """Publish a day of November, and return its run."""
    return int(project.night(f"2026-11-{day}", models=["kmeans"])["run_id"])


def withdraw(project: Project, day: int) -> None:
    """Take a day of November back."""
    withdraw_date(
        project.warehouse, project.configuration, as_of=date(2026, 11, day), withdrawn_by="test", reason="a test"
    )


def test_nobody_moved_to_a_date_whose_labels_are_files(filed: Project) -> None:
    """A date that comes between, or is taken back there, ends there too, and tells nobody as gone."""
    tables = in_tables(filed)
    night(tables, 20)
    night(filed, 22)
    night(tables, 21)
    assert tables.sql(PERIODS) == [("2026-11-20", "2026-11-22", True)]
    assert tables.sql(MOVEMENT) == [("2026-11-21",)]
    withdraw(tables, 21)
    assert tables.sql(PERIODS) == [("2026-11-20", "2026-11-22", True)]
    assert tables.sql(MOVEMENT) == []


def test_history_that_begins_before_files_ends_there(filed: Project) -> None:
    """The first labels that are rows may be of a date before those that are files."""
    night(filed, 22)
    night(in_tables(filed), 21)
    assert filed.sql(PERIODS) == [("2026-11-21", "2026-11-22", True)]
    assert filed.sql(MOVEMENT) == []


def test_taking_files_back_joins_the_history_again(filed: Project) -> None:
    """It is as if the date had never been."""
    tables = in_tables(filed)
    night(tables, 20)
    night(filed, 21)
    night(tables, 22)
    withdraw(tables, 21)
    assert tables.sql(PERIODS) == [("2026-11-20", None, True)]
    assert tables.sql(MOVEMENT) == [("2026-11-22",)]
    moved = "select count(*) from segmentation.segment_flows where has_moved"
    assert tables.sql(moved) == [(0,)]


def test_files_never_cut_the_history_of_a_later_date(filed: Project) -> None:
    """Whether the later date is the next one, or was published while the night was held."""
    night(filed, 22)
    night(in_tables(filed), 23)
    periods = filed.sql(PERIODS)
    with pytest.raises(RunError, match=r"2026-11-21 of kmeans cannot be labelled into files: 2026-11-23, a later date"):
        filed.plan("2026-11-21", models=["kmeans"])
    held = filed.with_contract(checks=Checks())
    held.night("2026-11-24")
    write_lake(Path(str(filed.configuration.contract.origin.files)), generate_customers(CUSTOMERS // 4, seed=2))
    planned = held.plan("2026-11-25", shards=1)
    held.score(planned["run_id"])
    with pytest.raises(HeldError):
        held.check(planned["run_id"])
    night(in_tables(filed), 26)
    periods = filed.sql(PERIODS)
    with pytest.raises(RunError, match=r"2026-11-25 of kmeans cannot be labelled into files: 2026-11-26, a later date"):
        publish_run(held.warehouse, held.configuration, run_id=planned["run_id"], release=Release("test", "a test"))
    assert filed.sql(PERIODS) == periods
    assert filed.sql("select status from segmentation.scoring_runs where run_id = %s", planned["run_id"]) == [("held",)]


def test_nobody_is_forgotten_while_the_files_are_out_of_reach(filed: Project) -> None:
    """An empty folder is where something is to be mounted; a run's folder that was removed beside others is gone."""
    first, _ = night(filed, 21), night(filed, 22)
    root = Path(str(filed.configuration.contract.origin.label_files))
    away = root.rename(root.with_name("away"))
    for _ in ("no folder", "an empty one"):
        with pytest.raises(SourceError, match=r"labels of kmeans as of 2026-11-21 \(run \d+\) are out of reach"):
            forget(filed.warehouse, filed.configuration, filed.registry, customer_id="17", requested_by="test")
        root.mkdir(exist_ok=True)
    root.rmdir()
    away.rename(root)
    report = forget(filed.warehouse, filed.configuration, filed.registry, customer_id="17", requested_by="test")
    assert len([name for name in report["removed"] if name.startswith("files with labels of")]) == 2
    [folder] = root.glob(f"labels_{first}_*")
    shutil.rmtree(root)
    folder.mkdir(parents=True)  # removed for good
    report = forget(filed.warehouse, filed.configuration, filed.registry, customer_id="18", requested_by="test")
    assert not [name for name in report["removed"] if name.startswith("files with labels of")]


def test_nobody_stays_in_what_an_attempt_has_left_of_a_held_night(filed: Project) -> None:
    """It is not listed, so that nobody would look there."""
    held = filed.with_contract(checks=Checks())
    night(held, 21)
    write_lake(Path(str(filed.configuration.contract.origin.files)), generate_customers(CUSTOMERS // 4, seed=2))
    run_id = held.plan("2026-11-22", models=["kmeans"], shards=1)["run_id"]
    held.score(run_id)
    with pytest.raises(HeldError):
        held.check(run_id)
    [(uri, _, _)] = held.sql(LISTED, run_id)
    listed = Path(uri.removeprefix("file://"))
    shutil.copy(listed, listed.with_name("0-killed.parquet"))
    key = parquet.read_table(listed)["customer_id"][0].as_py()
    forget(held.warehouse, held.configuration, held.registry, customer_id=str(key), requested_by="test")
    assert on_disk(held)
    for path in on_disk(held):
        assert key not in parquet.read_table(path)["customer_id"].to_pylist()


def test_date_is_not_taken_back_to_labels_that_are_gone(filed: Project) -> None:
    """As it is with tables: readers would have nothing."""
    night(filed, 21)
    [path] = on_disk(filed)
    night(filed, 22)
    path.unlink()
    with pytest.raises(RunError, match=r"labels of kmeans as of 2026-11-21 .* are not whole"):
        withdraw(filed, 22)
    assert filed.sql("select as_of::text from segmentation.current_models") == [("2026-11-22",)]


def test_retention_waits_for_files_that_are_out_of_reach(filed: Project) -> None:
    """What comes back is then removed, and so is what a run has left that was abandoned meanwhile."""
    project = filed.with_contract(label_runs=1)
    night(project, 21)
    abandoned = project.plan("2026-11-22", models=["kmeans"], shards=1)["run_id"]
    project.score(abandoned)
    abandon_by_hand(project.warehouse, run_id=abandoned, abandoned_by="test")
    root = Path(str(project.configuration.contract.origin.label_files))
    away = root.rename(root.with_name("away"))
    elsewhere = from_files(
        project,
        str(project.configuration.contract.origin.files),
        labels="files",
        label_files=str(root.with_name("other")),
    )
    latest = night(elsewhere, 23)
    for _ in range(2):
        drop_expired(elsewhere.warehouse, elsewhere.configuration)
    dropped = "select count(*) from segmentation.scoring_runs where labels_dropped_at is not null"
    assert elsewhere.sql(dropped) == [(0,)]
    away.rename(root)
    drop_expired(elsewhere.warehouse, elsewhere.configuration)
    assert elsewhere.sql(dropped) == [(1,)]
    assert not on_disk(project)
    assert len(elsewhere.sql(LISTED, latest)) == 1


def test_what_a_killed_job_has_left_goes_before_anybody_is_forgotten(filed: Project) -> None:
    """It has customers in it; that of another warehouse's run of the same number stays."""
    run_id = night(filed, 22)
    root = root_folder(filed.configuration.contract)
    with filed.warehouse.transaction(read_only=True) as transaction:
        left = job_folder(transaction, root, run_id)
    others = root.below(f"run_{run_id}_0123abcd")
    for folder in (left, others):
        await_labels(folder)
    forget(filed.warehouse, filed.configuration, filed.registry, customer_id="17", requested_by="test")
    assert not Path(left.location.base).exists()
    assert Path(others.location.base, "awaited").exists()
    await_labels(left)
    drop_expired(filed.warehouse, filed.configuration)
    assert not Path(left.location.base).exists()
    running = filed.plan("2026-11-23", models=["kmeans"])["run_id"]
    with filed.warehouse.transaction(read_only=True) as transaction:
        going_on = job_folder(transaction, root, running)
    await_labels(going_on)
    drop_expired(filed.warehouse, filed.configuration)
    assert Path(going_on.location.base, "awaited").exists()


def test_damaged_file_of_labels_says_nothing_of_a_customer(filed: Project) -> None:
    """Neither that there is none of this key, nor that somebody has to write customers anew."""
    night(filed, 22)
    for path in on_disk(filed):
        path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(RunError, match=r"is no Parquet file, or damaged: .*; put it back, or run the date again"):
        explain_customer(filed.configuration, filed.registry, customer_id=17)
