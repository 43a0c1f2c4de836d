"""What is told in a terminal of clusters that must not be used, and how they are had all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clustering.config import PROJECT
from tests.command_line import Run

ROWS = 200


@pytest.fixture
def continuum(folder: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Write customers without groups to continuum.csv, and search for settings."""
    monkeypatch.setenv("CLUSTERING_CONFIG", str(PROJECT / "tests/models"))
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "customer_id": range(1, ROWS + 1),
            "age": 40,
            "gender": "Male",
            "annual_income": generator.uniform(10_000, 90_000, ROWS),
            "spending_score": generator.uniform(1, 100, ROWS),
        }
    )
    frame.to_csv(folder / "continuum.csv", index=False)
    return frame


def test_refusal_says_sizes_figures_why_and_what_to_declare(clustering: Run, continuum: pd.DataFrame) -> None:
    """Nothing is on stdout, and what the last line tells to declare gives labels of everybody."""
    refused = clustering("cluster", "continuum.csv", "--model", "dbscan")
    assert (refused.code, refused.out) == (1, "")
    for words in ("What came nearest, and is not used", "customers", "Why it is not used", "Outliers", "30 % or less"):
        assert words in refused.err
    *_, error = refused.err.splitlines()
    assert error.startswith("error: dbscan: no cluster structure")
    declaration = error.split("--declare '")[1].split("'")[0]
    done = clustering("cluster", "continuum.csv", "--model", "dbscan", "--declare", declaration)
    assert done.code == 0
    assert len(done.out.splitlines()) == ROWS + 1
    assert done.err.startswith("dbscan: no cluster structure; ")
    assert " as declared (" in done.err


def test_refusal_as_json_has_everything_but_labels(clustering: Run, continuum: pd.DataFrame) -> None:
    """One document on stdout, the error on stderr."""
    refused = clustering("cluster", "continuum.csv", "--model", "gmm", "--json", "--output", "labels.csv")
    told = refused.document
    assert refused.code == 1
    assert not Path("labels.csv").exists()
    assert "labels" not in told
    assert told["declaration"].startswith("components: ")
    assert told["refusal"] in refused.err
    assert refused.err.count("\n") == 1
    assert sum(one["customers"] for one in told["clusters"]) == ROWS
    assert {one["criterion"] for one in told["criteria"]} >= {"Prediction strength", "Smallest cluster"}


def test_customers_who_are_unusable_are_no_matter_of_settings(
    clustering: Run, continuum: pd.DataFrame, folder: Path
) -> None:
    """The column is named, and nothing is proposed to declare."""
    continuum.loc[3, "annual_income"] = 1e12
    continuum.to_csv(folder / "absurd.csv", index=False)
    refused = clustering("cluster", "absurd.csv", "--model", "gmm")
    assert refused.code == 1
    assert "annual_income" in refused.err
    assert "--declare" not in refused.err


def test_setting_that_does_not_exist_is_said(clustering: Run, continuum: pd.DataFrame) -> None:
    """Before anything is trained."""
    done = clustering("cluster", "continuum.csv", "--model", "kmeans", "--declare", "cluster: 5")
    assert (done.code, done.out) == (1, "")
    assert "cluster: is no setting, found 5; did you mean clusters?" in done.err


def test_refused_version_of_the_warehouse_is_explained(clustering: Run, continuum: pd.DataFrame) -> None:
    """The newest version with its criteria, and what would use it; the answer of the API stays what it was."""
    assert clustering("migrate").code == 0
    assert clustering("load", "continuum.csv").code == 0
    trained = clustering("retrain", "--model", "dbscan")
    assert trained.code == 0
    told = clustering("models", "dbscan")
    assert told.code == 0
    for words in ("Why version 1 was refused", "Outliers", "30 % or less", "write in models/dbscan.yaml: eps: "):
        assert words in told.out
    assert clustering("models", "dbscan", "--json").document["versions"][0]["status"] == "refused"


def test_declared_settings_label_as_the_documents_say(clustering: Run, folder: Path) -> None:
    """The line of the terminal's page."""
    words = ("cluster", "customers.csv", "--model", "dbscan", "--declare", "eps: 0.42, min_samples: 8")
    assert clustering(*words, "--output", "labels.csv").code == 0
    assert len(pd.read_csv(folder / "labels.csv")) > 200
