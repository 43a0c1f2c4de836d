"""A home of Airflow's own for the tests that import it; imported before Airflow is, which reads these at that time."""

from __future__ import annotations

import os
import tempfile

from clustering.config import PROJECT

HOME = tempfile.TemporaryDirectory(prefix="airflow-tests-")
os.environ.update(
    AIRFLOW_HOME=HOME.name,
    AIRFLOW__CORE__DAGS_FOLDER=str(PROJECT / "dags"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__PLUGINS_FOLDER=f"{HOME.name}/plugins",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
)
