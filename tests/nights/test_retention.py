"""Retention beside retention, such as a night's beside one that a person has started."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from clustering import drop_expired
from tests.projects import Project


def test_two_retentions_at_once_drop_everything_once(project: Project) -> None:
    """What one is about to drop, another leaves to it: neither fails, and in the end nothing is left."""
    days = [f"2026-11-{day:02d}" for day in range(10, 18)]
    for day in days:
        project.night(day, models=["kmeans", "gmm"])
    kept, ready = project.with_contract(label_runs=1), Barrier(3)

    def retain(_: int) -> list[int]:
        ready.wait()
        done: list[int] = drop_expired(kept.warehouse, kept.configuration)["dropped"]
        return done

    with ThreadPoolExecutor(3) as several:
        dropped = [run_id for done in several.map(retain, range(3)) for run_id in done]
    left = drop_expired(kept.warehouse, kept.configuration)
    assert left["left"] == []
    assert sorted({*dropped, *left["dropped"]}) == list(range(1, len(days)))
    tables = "select count(*) from pg_class where relname ~ '^labels_[0-9]+_[0-9]+$' and relkind = 'p'"
    assert project.sql(tables) == [(2,)]
    assert len(project.labels()) == 2 * len({row[2] for row in project.labels()})
