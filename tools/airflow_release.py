"""Run the DAGs' tests on another release of Airflow, in an environment of its own.

Of what the lock has, everything stays at its version that this Airflow can be together with. The environment stays, so
that a second time only runs the tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from install import PROJECT, UV, pip_options
from pip_configuration import uv_arguments, uv_environment
from program import ProgramError, run_program

RELEASE = re.compile(r"3\.\d+\.\d+(rc\d+)?")
AIRFLOW = re.compile(r"^(apache-airflow\[[^]]*\])==\S+", re.MULTILINE)
# What the DAGs need of Airflow, in this process; then a retraining and a night by the real scheduler.
TESTS = (
    ("tests/dags/test_integrity.py", "tests/dags/test_definitions.py", "tests/dags/test_runs.py"),
    ("-m", "slow", "tests/dags/test_drift.py", "-k", "alarm_starts_one_retraining"),
)


def main(arguments: list[str]) -> int:
    """Install, run the tests and return the exit code of the first that fail."""
    if len(arguments) != 1 or not RELEASE.fullmatch(arguments[0]):
        print("Name a release of Airflow 3: make test-airflow AIRFLOW=3.3.0", file=sys.stderr)
        return 2
    python = PROJECT / f".venv-airflow-{arguments[0]}" / "bin" / "python"
    try:
        _install(arguments[0], python)
    except ProgramError as error:
        print(f"Airflow {arguments[0]} cannot be installed: {error}", file=sys.stderr)
        return 1
    # Apart, because the first have an Airflow of their own in the process.
    codes = (subprocess.run([python, "-m", "pytest", "-n", "0", *tests], cwd=PROJECT).returncode for tests in TESTS)
    return next(filter(None, codes), 0)


def requirements_with(airflow: str, requirements: str) -> str:
    """Return requirements with another release of Airflow.

    >>> requirements_with("3.3.0", "apache-airflow[celery]==3.3.2\\ncelery<5.7   # breaks\\nnumpy\\n")
    'apache-airflow[celery]==3.3.0\\ncelery<5.7   # breaks\\nnumpy\\n'
    """
    replaced, count = AIRFLOW.subn(rf"\1=={airflow}", requirements)
    if count != 1:
        raise ProgramError("requirements.in names no Airflow")
    return replaced


def _install(airflow: str, python: Path) -> None:
    folder = python.parents[1]
    options = pip_options()
    environment = uv_environment(options, os.environ)
    if not python.exists():
        run_program("Make the environment", [*UV[:-1], "venv", "--python", sys.executable, str(folder)], environment)
    named, locked = folder / "requirements.in", folder / "requirements.txt"
    named.write_text(requirements_with(airflow, (PROJECT / "requirements.in").read_text(encoding="utf-8")))
    # An output that is there is what is preferred, without being a constraint.
    locked.write_text((PROJECT / "requirements.txt").read_text(encoding="utf-8"), encoding="utf-8")
    at = ("--python", str(python), *uv_arguments(options))
    run_program(
        f"Find what Airflow {airflow} can be together with",
        [*UV, "compile", "--quiet", *at, str(named), "--output-file", str(locked)],
        environment,
    )
    run_program("Install it", [*UV, "sync", *at, str(locked)], environment)
    wanted = ("--no-deps", "--editable", str(PROJECT))
    run_program("Install the project", [*UV, "install", *at, *wanted], environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
