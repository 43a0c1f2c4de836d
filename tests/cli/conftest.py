"""The command line on a warehouse of its own, with models that train in a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyarrow import csv, parquet

from clustering.cli import main
from clustering.config import PROJECT
from clustering.demo.generator import generate_customers

CUSTOMERS = 300
# Declared, so that nothing is searched for.
QUICK: dict[str, dict[str, Any]] = {
    "dbscan": {"eps": 0.5, "min_samples": 5},
    "gmm": {"components": 5, "n_init": 1},
    "kmeans": {"clusters": 5, "n_init": 10},
}


@dataclass(frozen=True)
class Done:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def quick_configuration(tmp_path: Path) -> Path:
    """Return the default configuration with models that train quickly."""
    directory = Path(shutil.copytree(PROJECT / "models", tmp_path / "models", ignore=lambda *_: {"store"}))
    for name, settings in QUICK.items():
        file = directory / f"{name}.yaml"
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | settings), encoding="utf-8")
    return directory


@pytest.fixture
def folder(
    tmp_path: Path, quick_configuration: Path, create_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Work in a folder with customers in files, on an empty database."""
    customers = generate_customers(CUSTOMERS, seed=1)
    csv.write_csv(customers, tmp_path / "customers.csv")
    parquet.write_table(customers, tmp_path / "customers.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAREHOUSE_URL", create_database())
    monkeypatch.setenv("CLUSTERING_CONFIG", str(quick_configuration))
    monkeypatch.setenv("CLUSTERING_STORE", str(tmp_path / "store"))
    return tmp_path


@pytest.fixture
def clustering(folder: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command line in the folder."""

    def run(*words: str) -> Done:
        capfd.readouterr()
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return run
