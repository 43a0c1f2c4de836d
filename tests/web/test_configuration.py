"""A server follows its configuration directory: a model is added, changed or removed without a restart."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from clustering.errors import ConfigurationError
from clustering.web import Access, Following, create_app
from tests.paths import CONFIGURATION
from tests.projects import Project
from tests.web.examples import REQUEST, SECRET


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a configuration of its own that the environment names."""
    directory = Path(shutil.copytree(CONFIGURATION, tmp_path / "models"))
    monkeypatch.setenv("CLUSTERING_CONFIG", str(directory))
    return directory


@pytest.fixture
def following(unchanged: Project, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Following:
    """Return what opens the backend on a project with three champions."""
    monkeypatch.setenv("CLUSTERING_STORE", str(unchanged.registry.store))
    return Following(lambda: unchanged.warehouse.uri)


@pytest.fixture
def client(following: Following, access: Access) -> Iterator[TestClient]:
    """Return a client of the app."""
    app = create_app(following, access)
    with TestClient(app, headers={"Authorization": f"Bearer {SECRET}"}) as client:
        yield client


def add_model(directory: Path, name: str) -> None:
    """Add a model like that of K-Means, with the title of its name."""
    lines = (directory / "kmeans.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = "".join(line for line in lines if not line.startswith("title:"))
    (directory / f"{name}.yaml").write_text(kept, encoding="utf-8")


def names(client: TestClient) -> list[str]:
    """Return the names of the models that the app lists."""
    return [model["model"] for model in client.get("/models").json()["models"]]


def test_models_follow_their_files(client: TestClient, directory: Path) -> None:
    """A new file is a model at once, for reads, labels and the page; a file that is gone is none."""
    assert names(client) == ["dbscan", "gmm", "kmeans"]
    add_model(directory, "vips")
    assert names(client) == ["dbscan", "gmm", "kmeans", "vips"]
    assert "vips" in client.get("/page").text
    assert client.post("/cluster", json={**REQUEST, "model_of_choice": "vips"}).status_code == 409
    (directory / "vips.yaml").rename(directory / "best.yaml")
    assert names(client) == ["best", "dbscan", "gmm", "kmeans"]
    (directory / "best.yaml").unlink()
    assert names(client) == ["dbscan", "gmm", "kmeans"]


def test_changed_contract_holds_at_once(client: TestClient, directory: Path) -> None:
    """Another range is asked for by the next request."""
    assert client.post("/cluster", json=REQUEST).status_code == 200
    contract = directory / "customers.yaml"
    contract.write_text(contract.read_text().replace("range: [0, 120]", "range: [0, 30]"))
    answer = client.post("/cluster", json=REQUEST)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["allowed"] == "a whole number from 0 to 30"


def test_wrong_file_changes_nothing(client: TestClient, directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While a file is wrong the former configuration holds, and the log says once what is wrong."""
    assert names(client) == ["dbscan", "gmm", "kmeans"]
    (directory / "vips.yaml").write_text("algorithm: spectral\n")
    with caplog.at_level(logging.ERROR):
        assert [names(client), names(client)] == [["dbscan", "gmm", "kmeans"]] * 2
    assert [record.getMessage().count("spectral") for record in caplog.records] == [1]
    add_model(directory, "vips")
    assert names(client) == ["dbscan", "gmm", "kmeans", "vips"]


def test_files_are_read_when_they_change(following: Following, directory: Path) -> None:
    """Where nothing was changed, the same backend answers, with the champions that it has loaded."""
    first = following()
    assert following() is first
    (directory / "notes.txt").write_text("not a model")
    assert following() is first
    os.utime(directory / "gmm.yaml", (0, 0))
    second = following()
    assert second is not first
    assert second.warehouse is first.warehouse


def test_first_configuration_has_to_be_right(following: Following, directory: Path) -> None:
    """Without a configuration that was right before, each request is told so, until it is right."""
    (directory / "vips.yaml").write_text("algorithm: spectral\n")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="spectral"):
            following()
    (directory / "vips.yaml").unlink()
    assert list(following().configuration.models) == ["dbscan", "gmm", "kmeans"]
