"""The champions are loaded once and exchanged with a promotion, without a restart."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import event

from clustering import Registry, Warehouse, name_segment
from clustering.errors import NoChampionError, WarehouseError
from clustering.web import Access, Backend, create_app
from clustering.web.champion_changes import SECONDS, Champions
from tests.appointing import appoint
from tests.projects import Project
from tests.web.examples import REQUEST, SECRET


def champions_of(project: Project, *, seconds: float) -> Champions:
    return Champions(project.configuration, project.registry, seconds=seconds)


def asked(warehouse: Warehouse) -> list[str]:
    """Return a list to which every statement of a warehouse is added from now on."""
    statements: list[str] = []

    @event.listens_for(warehouse._engine, "before_cursor_execute")
    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    return statements


def test_champion_is_loaded_once(unchanged: Project) -> None:
    """The same champion keeps its parameters in memory."""
    champions = champions_of(unchanged, seconds=0)
    assert champions.scorer("kmeans") is champions.scorer("kmeans")


def test_warehouse_is_asked_once_in_a_while(unchanged: Project) -> None:
    """Within the time, a hundred requests cost the warehouse no more than one."""
    champions = champions_of(unchanged, seconds=60)
    statements = asked(unchanged.warehouse)
    champions.scorer("kmeans")
    first = len(statements)
    for _ in range(100):
        champions.scorer("kmeans")
        champions.scorer("gmm")
    assert first > 0
    assert len(statements) == first


def test_promotion_and_rollback_are_followed(project: Project) -> None:
    """The version that answers is the champion of this moment."""
    champions = champions_of(project, seconds=0)
    assert len(champions.scorer("kmeans").artifact.clusters) == 5
    appoint(project, "kmeans", n_clusters=4)
    assert champions.scorer("kmeans").version.version == 2
    assert len(champions.scorer("kmeans").artifact.clusters) == 4
    project.registry.roll_back("kmeans", decided_by="test")
    assert champions.scorer("kmeans").version.version == 1
    project.sql("update segmentation.model_versions set status = 'retired' where model = 'kmeans'")
    with pytest.raises(NoChampionError, match="kmeans has no champion yet"):
        champions.scorer("kmeans")


def test_promotion_is_followed_within_a_second(project: Project) -> None:
    """With the app's own setting, a new champion answers after no more than the second that is documented."""
    champions = Champions(project.configuration, project.registry)
    assert champions.scorer("kmeans").version.version == 1
    appoint(project, "kmeans", n_clusters=4)
    time.sleep(SECONDS)
    assert champions.scorer("kmeans").version.version == 2


def test_own_names_are_followed(serve: Callable[[Project], TestClient], project: Project) -> None:
    """A segment goes by the name that an analyst has given it."""
    api = serve(project)
    assert api.post("/cluster?detail=true", json=REQUEST).json()["clusters"][1]["segment_name"] == "High Spenders"
    name_segment(project.warehouse, model="kmeans", segment_id=1, name="Our best", set_by="ann")
    row = api.post("/cluster?detail=true", json=REQUEST).json()["clusters"][1]
    assert row["segment_name"] == "Our best"
    assert "towards Our best rather than" in row["reason"]


def test_unreachable_warehouse_is_said_at_once(unchanged: Project, access: Access) -> None:
    """While the warehouse is away the answer is 503 with the time to wait, and names no host."""
    away = Warehouse("postgresql://ann:secret@127.0.0.1:1/shop")
    champions = Champions(unchanged.configuration, Registry(away, unchanged.registry.store), seconds=60)
    backend = Backend(away, unchanged.configuration, champions)
    client = TestClient(create_app(lambda: backend, access), headers={"Authorization": f"Bearer {SECRET}"})
    requests: list[Callable[[], Response]] = [lambda: client.post("/cluster", json=REQUEST)]
    requests += [lambda path=path: client.get(path) for path in ("/models", "/segments", "/health")]  # type: ignore[misc]
    for request in requests:
        answer = request()
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.json() == {"detail": "the warehouse cannot be reached; try again in 5 seconds"}


def test_failure_is_remembered_for_a_while(unchanged: Project) -> None:
    """Whoever has waited for a warehouse in vain is not followed by others who wait as long."""
    away = Warehouse("postgresql://127.0.0.1:1/shop")
    champions = Champions(unchanged.configuration, Registry(away, unchanged.registry.store), seconds=60)
    with pytest.raises(WarehouseError):
        champions.scorer("kmeans")
    champions.registry = unchanged.registry
    with pytest.raises(WarehouseError):
        champions.scorer("kmeans")


def test_warehouse_that_comes_back_is_used(unchanged: Project) -> None:
    """After that while, it is asked again."""
    away = Warehouse("postgresql://127.0.0.1:1/shop")
    champions = Champions(unchanged.configuration, Registry(away, unchanged.registry.store), seconds=0)
    with pytest.raises(WarehouseError):
        champions.scorer("kmeans")
    champions.registry = unchanged.registry
    assert champions.scorer("kmeans").version.version == 1


def test_schema_that_is_missing_is_said(empty_warehouse: Warehouse, unchanged: Project, access: Access) -> None:
    """A warehouse that was never migrated says what to run."""
    champions = Champions(unchanged.configuration, Registry(empty_warehouse, unchanged.registry.store))
    backend = Backend(empty_warehouse, unchanged.configuration, champions)
    client = TestClient(create_app(lambda: backend, access), headers={"Authorization": f"Bearer {SECRET}"})
    for answer in (client.post("/cluster", json=REQUEST), client.get("/models")):
        assert answer.status_code == 503
        assert "python -m clustering migrate" in answer.json()["detail"]


def test_damaged_artifact_is_said(serve: Callable[[Project], TestClient], unchanged: Project, tmp_path: object) -> None:
    """A champion whose files are not there labels nobody; where they should be stays in the log."""
    lost = Project(unchanged.warehouse, unchanged.configuration, Registry(unchanged.warehouse, tmp_path))  # type: ignore[arg-type]
    answer = serve(lost).post("/cluster", json=REQUEST)
    assert answer.status_code == 503
    assert answer.json() == {
        "detail": "the champion's files in the model store cannot be used; the server's log says why"
    }
