"""What a process does not need is not loaded: a task, a command and a training begin sooner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clustering.config import PROJECT

DATABASE = {"adbc_driver_manager", "adbc_driver_postgresql", "alembic", "psycopg2", "sqlalchemy"}
FITTING = {"scipy", "sklearn"}
ARRAYS = {"numpy", "pandas", "pyarrow"}
PAGES = {"fastapi", "jinja2", "plotly"}
TASKS = (
    "plan_run",
    "score_shard",
    "publish_run",
    "abandon_run",
    "drop_expired",
    "draw_sample",
    "train",
    "gate",
    "prune",
)
TASK = "from clustering.warehouse.arrays import make_arrays_without_pandas; make_arrays_without_pandas(); "


def loaded(program: str) -> set[str]:
    """Return what a process has loaded at the end of a program, by the names of packages."""
    return {name.partition(".")[0] for name in modules_of(program)}


def modules_of(program: str) -> set[str]:
    """Return the modules that a process has loaded at the end of a program."""
    report = "import sys; print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", f"{program}\n{report}"]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("program", "spared"),
    [
        ("import clustering", DATABASE | FITTING | ARRAYS | PAGES | {"pydantic", "rich", "yaml"}),
        (
            "from clustering.cli import main; main(['--help'])",
            DATABASE | FITTING | ARRAYS | PAGES | {"pydantic", "rich", "yaml"},
        ),
        ("import clustering.cli.label", DATABASE | FITTING | PAGES),
        ("import clustering.training.selection", DATABASE | FITTING | PAGES | {"pandas", "pyarrow"}),
        ("import clustering.web", FITTING | {"adbc_driver_manager", "alembic", "pandas", "plotly"}),
    ],
)
def test_only_what_is_needed_is_loaded(program: str, spared: set[str]) -> None:
    """The package, its help, clustering a file, judging candidates and the API each do without most of the rest."""
    assert loaded(program) & spared == set()


@pytest.mark.parametrize("model", ["kmeans", "gmm", "dbscan"])
def test_clustering_a_file_waits_for_no_estimator(model: str, tmp_path: Path) -> None:
    """Models are fitted, judged and told without scikit-learn and SciPy's statistics, which take a second to load."""
    places = np.random.default_rng(0).normal([[20, 20], [80, 80]], 3, size=(60, 2, 2)).reshape(-1, 2)
    pd.DataFrame(places, columns=["income", "score"]).to_csv(tmp_path / "customers.csv", index=False)
    arguments = [
        "cluster",
        str(tmp_path / "customers.csv"),
        "--model",
        model,
        "--feature",
        "income",
        "--feature",
        "score",
    ]
    program = f"from clustering.cli import main; assert main({arguments}) == 0"
    modules = modules_of(program)
    assert {name for name in modules if name.partition(".")[0] == "sklearn" or name.startswith("scipy.stats")} == set()


@pytest.mark.parametrize("name", TASKS)
def test_tasks_load_no_more_than_they_use(name: str) -> None:
    """A task of a night fits nothing, migrates nothing and makes no frames; one that trains loads that when it fits."""
    found = loaded(f"{TASK}from clustering import {name}")
    assert found & (FITTING | PAGES | {"alembic", "pandas", "rich"}) == set()
    assert "sqlalchemy" in found
