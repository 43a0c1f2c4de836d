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
MODELS = ("kmeans", "gmm", "dbscan")
TASK = "from clustering.warehouse.arrays import make_arrays_without_pandas; make_arrays_without_pandas(); "


def loaded(*steps: str) -> list[set[str]]:
    """Return what a process has loaded after each step of a program, by the names of packages."""
    return [{name.partition(".")[0] for name in modules} for modules in modules_of(*steps)]


def modules_of(*steps: str) -> list[set[str]]:
    """Return the modules that a process has loaded by the end of each step of a program."""
    report = "import sys; print('loaded', *sys.modules, file=sys.stderr)"
    program = "\n".join(line for step in steps for line in (step, report))
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    found = [set(line.split()[1:]) for line in done.stderr.splitlines() if line.startswith("loaded ")]
    assert len(found) == len(steps)
    return found


NOTHING = DATABASE | FITTING | ARRAYS | PAGES | {"pydantic", "rich", "yaml"}


@pytest.mark.parametrize(
    "steps",
    [
        {
            "import clustering": NOTHING,
            "from clustering.cli import main; main(['--help'])": NOTHING,
            "import clustering.training.selection": DATABASE | FITTING | PAGES | {"pandas", "pyarrow"},
            "import clustering.cli.label": DATABASE | FITTING | PAGES,
        },
        {"import clustering.web": FITTING | {"adbc_driver_manager", "alembic", "pandas", "plotly"}},
    ],
    ids=["commands", "pages"],
)
def test_only_what_is_needed_is_loaded(steps: dict[str, set[str]]) -> None:
    """The package, its help, clustering a file, judging candidates and the API each do without most of the rest."""
    for (step, spared), found in zip(steps.items(), loaded(*steps), strict=True):
        assert found & spared == set(), step


def test_clustering_a_file_waits_for_no_estimator(tmp_path: Path) -> None:
    """Models are fitted, judged and told without scikit-learn and SciPy's statistics, which take a second to load."""
    places = np.random.default_rng(0).normal([[20, 20], [80, 80]], 3, size=(60, 2, 2)).reshape(-1, 2)
    pd.DataFrame(places, columns=["income", "score"]).to_csv(tmp_path / "customers.csv", index=False)
    file, features = str(tmp_path / "customers.csv"), ["--feature", "income", "--feature", "score"]
    steps = [
        f"from clustering.cli import main; assert main({['cluster', file, '--model', model, *features]}) == 0"
        for model in MODELS
    ]
    for model, modules in zip(MODELS, modules_of(*steps), strict=True):
        estimators = {name for name in modules if name.partition(".")[0] == "sklearn" or name.startswith("scipy.stats")}
        assert estimators == set(), model


def test_tasks_load_no_more_than_they_use() -> None:
    """A task of a night fits nothing, migrates nothing and makes no frames; one that trains loads that when it fits."""
    for name, found in zip(TASKS, loaded(*(f"{TASK}from clustering import {name}" for name in TASKS)), strict=True):
        assert found & (FITTING | PAGES | {"alembic", "pandas", "rich"}) == set(), name
        assert "sqlalchemy" in found
