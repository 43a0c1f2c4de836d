"""A night and a retraining from a terminal leave what the DAGs would leave, or nothing."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import yaml

from clustering.cli import workers
from tests.command_line import Run, nothing_is_logged_yet, sql
from tests.configurations import copy_that_holds

PATIENCE = 60  # seconds
PROCESSES = workers._pool
LABELS = """
select customer_id, cluster_label, segment_id, confidence from segmentation.current_customer_segments order by 1
"""
RUNS = "select status, note from segmentation.scoring_runs order by run_id desc limit 1"
STAGED = "select count(*) from pg_tables where schemaname = 'segmentation_staging'"


@pytest.fixture
def trained(trained_by: Callable[[str], Run]) -> Run:
    """Return the command line on a warehouse with customers and a champion of DBSCAN."""
    return trained_by("dbscan")


def test_shards_and_jobs_change_nothing(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One shard and three, by this process and by two of their own, publish the same labels."""
    alone = trained("score", "--shards", "1", "--json").document
    labels = sql(LABELS)
    monkeypatch.setattr(workers, "_pool", PROCESSES)
    shared = trained("score", "--shards", "3", "--jobs", "2", "--json").document
    assert sql(LABELS) == labels
    assert (alone["shards"], shared["shards"]) == (1, 3)
    assert alone["rows_labelled"] == shared["rows_labelled"] == len(labels)
    assert sql("select as_of::text from segmentation.current_models") == [(alone["as_of"],)]
    assert shared["skipped"] == ["gmm", "kmeans"]


def test_past_date_needs_rows_and_a_champion(trained: Run) -> None:
    """A past date says what it lacks; with both it is published as what it is, and today stays current."""
    past = ("score", "--as-of", "2026-01-31")
    trained("score")
    today = sql(LABELS), sql("select as_of from segmentation.current_models")
    refused = trained(*past)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "2026-01-31 is past, and the source in customers.yaml has no past dates" in refused.err
    refused = trained(*past, "--from-present-rows")
    assert refused.code == 1
    assert "no champion for dbscan, gmm, kmeans on 2026-01-31 or before; the first was promoted for db" in refused.err
    sql("update segmentation.promotions set decided_at = '2026-01-31 23:59:59Z' returning 1")
    done = trained(*past, "--from-present-rows")
    assert "a past date: scored by its own champions, from the present rows, marked as substituted" in done.out
    published = "select as_of::text, source_time from segmentation.scoring_runs where status = 'published' order by 1"
    assert [time for _, time in sql(published)] == ["substituted", "present"]
    assert (sql(LABELS), sql("select as_of from segmentation.current_models")) == today


@pytest.mark.parametrize("as_of", ["2062-11-27", "9999-12-31"])
def test_date_that_is_still_to_come_is_refused(trained: Run, as_of: str) -> None:
    """A mistyped year is one line, and nothing is recorded."""
    refused = trained("score", "--as-of", as_of)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert f"as_of is {as_of}, which is still to come" in refused.err
    assert sql("select count(*) from segmentation.scoring_runs") == [(0,)]


def test_dry_run_publishes_nothing(trained: Run) -> None:
    """A dry run counts everything."""
    done = trained("score", "--dry-run")
    assert "counted, nothing was published" in done.out
    assert "skipped, without a champion: gmm, kmeans" in done.out
    assert sql(LABELS) == []
    assert sql(STAGED) == [(0,)]


def test_failed_night_is_abandoned(trained: Run, quick_configuration: Path) -> None:
    """A night with too many bad rows ends with 1 and one line, and leaves nothing staged."""
    contract = quick_configuration / "customers.yaml"
    contract.write_text(
        yaml.safe_dump(yaml.safe_load(contract.read_text()) | {"max_rejected_share": 0}), encoding="utf-8"
    )
    done = trained("score")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "more than the 0% that max_rejected_share" in done.err
    ((status, note),) = sql(RUNS)
    assert status != "running"
    assert "rows were rejected" in note
    assert sql(STAGED) == [(0,)]


def test_model_that_fails_does_not_stop_the_others(clustering: Run, quick_configuration: Path) -> None:
    """Of three models one cannot be trained: the others are promoted, and the exit code is 1."""
    model = quick_configuration / "dbscan.yaml"
    model.write_text(yaml.safe_dump(yaml.safe_load(model.read_text()) | {"eps": 1e-9}), encoding="utf-8")
    clustering("migrate")
    clustering("load", "customers.csv")
    done = clustering("retrain", "--json")
    assert done.code == 1
    assert done.err.startswith("error: dbscan: ")
    assert {one["model"]: one["decision"] for one in done.document["models"]} == {
        "dbscan": "failed",
        "gmm": "promoted",
        "kmeans": "promoted",
    }
    listed = clustering("models", "--json").document["models"]
    assert [one["model"] for one in listed if one["champion"]] == ["gmm", "kmeans"]
    assert sql(STAGED) == [(0,)]


def heed_interrupts() -> None:
    """Do not ignore SIGINT, as every process does whose first ancestor was started by a shell in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def night_that_waits() -> Iterator[subprocess.Popen[str]]:
    """Start a night of two processes, and hold the table of customers once it is planned."""
    started = subprocess.Popen(
        [sys.executable, "-m", "clustering", "score", "--shards", "4", "--jobs", "2", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )
    try:
        wait_until(lambda: bool(sql(RUNS)))
        with closing(psycopg2.connect(os.environ["WAREHOUSE_URL"])) as holder, holder.cursor() as cursor:
            cursor.execute("lock table public.customers")
            # Two processes at work, beside the one that keeps track of semaphores.
            waiting = "select count(*) >= 2 from pg_locks where not granted and relation = 'public.customers'::regclass"
            wait_until(lambda: bool(sql(waiting)[0][0]))
            yield started
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)


def alive(process: psutil.Process) -> bool:
    """Return whether a process still does something."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; fail when it does not come."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_interrupted_night_is_abandoned(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is one line and an exit code of its own, and nothing is left behind."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "_pool", interrupt)
    done = trained("score")
    assert (done.code, done.out, done.err) == (130, "", "error: interrupted\n")
    assert sql(RUNS)[0][0] == "abandoned"
    assert sql(STAGED) == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "error: interrupted\n"), (signal.SIGTERM, 143, "")],
)
def test_stopped_night_is_abandoned(trained: Run, number: signal.Signals, code: int, said: str) -> None:
    """Ctrl-C, which reaches every process, and SIGTERM end the night at once and leave nothing behind."""
    with night_that_waits() as night:
        children = psutil.Process(night.pid).children(recursive=True)
        os.killpg(night.pid, number) if number == signal.SIGINT else night.send_signal(number)
        out, err = night.communicate(timeout=PATIENCE)
        assert (night.returncode, out, err) == (code, "", said)
        wait_until(lambda: not any(map(alive, children)))
    assert sql(RUNS)[0][0] == "abandoned"
    assert sql(STAGED) == [(0,)]
    assert trained("score").code == 0


@pytest.mark.slow
def test_process_that_is_killed_fails_the_night(trained: Run) -> None:
    """A scoring process that the system ends, as for want of memory, is told of."""
    with night_that_waits() as night:
        workers = [one for one in psutil.Process(night.pid).children() if "spawn_main" in " ".join(one.cmdline())]
        workers[0].kill()
        out, err = night.communicate(timeout=PATIENCE)
    assert (night.returncode, out, err.count("\n")) == (1, "", 1)
    assert "a scoring process was ended from outside" in err
    assert sql(RUNS)[0][0] == "abandoned"
    assert sql(STAGED) == [(0,)]


def test_progress_is_shown_on_a_terminal_alone(clustering: Run) -> None:
    """A terminal on stderr sees what is being done, and stdout still holds nothing but the document."""
    command = [sys.executable, "-m", "clustering", "migrate", "--json"]
    ours, theirs = pty.openpty()
    shown = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=theirs, check=True, env={**os.environ, "TERM": "xterm"}
    )
    seen = os.read(ours, 65536)
    os.close(ours)
    os.close(theirs)
    assert json.loads(shown.stdout)["applied"]
    assert b"Migrating" in seen
    quiet = clustering("migrate", "--json")
    assert quiet.document == {"applied": [], "missing_grants": []}
    assert quiet.err == ""
    with nothing_is_logged_yet():
        verbose = clustering("--verbose", "migrate", "--json")
    assert verbose.document == {"applied": [], "missing_grants": []}
    assert "nothing to do" in verbose.err


@pytest.mark.slow
def test_reader_that_has_enough_is_no_error(folder: Path) -> None:
    """A command whose output nobody reads any more ends without a word."""
    command = [sys.executable, "-m", "clustering", "cluster", "customers.csv", "--model", "dbscan", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert started.wait(PATIENCE) == 1
        assert started.stderr.read() == ""


def test_model_is_retired_without_a_configuration(
    trained: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the last model has been removed, no night can notice, and a person retires it all the same."""
    assert trained("score").code == 0
    ((day,),) = sql("select (max(as_of) + 1)::text from segmentation.published_runs")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("CLUSTERING_CONFIG", str(tmp_path / "empty"))
    done = trained("retire", "DBSCAN", "--by", "Ada")
    assert (done.code, done.out) == (0, f"dbscan is retired; its history ends on {day}\n")
    assert sql("select count(*) from segmentation.current_customer_segments") == [(0,)]
    assert sql("select max(valid_to)::text from segmentation.segment_history") == [(day,)]
    again = trained("retire", "dbscan")
    assert (again.code, again.err) == (
        1,
        "error: 'dbscan' has no labels that could be retired; no model has any\n",
    )


def test_published_date_is_taken_back(trained: Run) -> None:
    """The date before is current again, who and why are kept, and a second time is an error in one line."""
    trained("score")
    sql("update segmentation.promotions set decided_at = '2026-01-30 23:59:59Z' returning 1")
    trained("score", "--as-of", "2026-01-31", "--from-present-rows")
    today = sql("select as_of::text from segmentation.current_models")
    command = ("withdraw", today[0][0], "--reason", "half were missing", "--by", "Ada")
    done = trained(*command)
    assert f"{today[0][0]} is withdrawn of dbscan (run 1)\ndbscan is as of 2026-01-31 now\n" in done.out
    assert done.err == ""
    assert sql("select as_of::text from segmentation.current_models") == [("2026-01-31",)]
    assert sql("select actor from segmentation.audit_trail where action = 'withdraw'") == [("Ada",)]
    again = trained(*command)
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert "is not published any more (dbscan withdrawn by Ada: half were missing), so nothing was" in again.err
    assert "the published dates next to it are 2026-01-31" in again.err
    assert trained("withdraw", "2026-01-31", "--json", "--reason", " ").code == 1
    assert trained("withdraw", "31.1.2026", "--reason", "half were missing").code == 2
    assert trained("withdraw", "2026-01-31").code == 2


def test_held_night_ends_with_an_error_and_a_person_decides(trained: Run, tmp_path: Path, monkeypatch: Any) -> None:
    """Half of the customers are gone, then nearly all: one line each, readers keep the former night; and a way out."""
    careful = copy_that_holds(Path(os.environ["CLUSTERING_CONFIG"]), tmp_path / "careful")
    monkeypatch.setenv("CLUSTERING_CONFIG", str(careful))
    sql("update segmentation.promotions set decided_at = '2025-12-31' returning 1")
    assert trained("score", "--as-of", "2026-01-30", "--from-present-rows").code == 0
    labels = sql(LABELS)
    for remainder, word in ((2, "half"), (50, "nearly all")):
        sql(f"delete from customers where customer_id % {remainder} <> 0 returning 1")  # noqa: S608
        done = trained("score")
        assert (done.code, done.err.count("\n")) == (1, 1), word
        assert "is held, and readers keep the former night" in done.err
        assert "missing or rejected" in done.err
        assert '--despite-findings --reason "why"; if not: clustering abandon ' in done.err
        assert sql(LABELS) == labels
    [held] = [one for one in trained("runs", "--json").document["runs"] if one["status"] == "held"]
    refused = trained("publish", str(held["run_id"]))
    assert (refused.code, "--despite-findings --reason" in refused.err) == (1, True)
    released = trained("publish", str(held["run_id"]), "--despite-findings", "--reason", "the shop moved", "--json")
    assert released.document["status"] == "published"
    assert len(sql(LABELS)) < len(labels) / 40
    assert "the shop moved" in trained("runs", "--last", "1").out
