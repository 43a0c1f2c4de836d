"""A customer explained from a terminal."""

from __future__ import annotations

import json

import pytest

from clustering.cli import main
from tests.projects import Project


@pytest.fixture
def terminal(unchanged: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Let the command line work on a project with three champions and two nights."""
    monkeypatch.setenv("WAREHOUSE_URL", unchanged.warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(unchanged.registry.store))
    monkeypatch.setenv("CLUSTERING_CONFIG", str(unchanged.configuration.directory))
    return unchanged


def test_customer_is_explained_in_lines_and_as_json(terminal: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """A model each: where the customer is, one sentence, and each feature with its value, pull and share."""
    ((customer, name),) = terminal.sql(
        "select customer_id, segment_name from segmentation.current_customer_segments"
        " where model = 'kmeans' order by customer_id limit 1"
    )
    assert main(["explain", str(customer), "--model", "kmeans", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["customer_id"] == customer
    (label,) = document["labels"]
    assert (label["as_of"], label["segment_name"]) == ("2026-11-22", name)
    assert main(["explain", str(customer)]) == 0
    out = capfd.readouterr().out
    assert f"kmeans version 1, as of 2026-11-22: {name} (segment {label['segment_id']}), confidence 0." in out
    assert f"  {label['explanation']['sentence']}\n" in out
    assert [line.split(" ")[0] for line in out.splitlines() if not line.startswith(" ")] == ["dbscan", "gmm", "kmeans"]
    strongest = label["explanation"]["pulls"][0]
    assert any(line.split()[:1] == [strongest["feature"]] and line.endswith("%") for line in out.splitlines())


def test_unknown_customer_is_one_line(terminal: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """The exit code is 1."""
    assert main(["explain", "987654321", "--json"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("error: no customer with the key '987654321' has a current label by dbscan, gmm, kmeans; ")
    assert err.count("\n") == 1
