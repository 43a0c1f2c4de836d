"""Another release of Airflow is asked for, and for nothing else."""

from __future__ import annotations

import pytest

import airflow_release
from clustering.config import PROJECT
from program import ProgramError


def test_one_line_is_replaced() -> None:
    """Of what is declared, Airflow alone is another, with what belongs to it."""
    declared = (PROJECT / "requirements.in").read_text(encoding="utf-8").splitlines()
    asked = airflow_release.requirements_with("3.3.1", "\n".join(declared)).splitlines()
    assert [line for line in asked if line not in declared] == ["apache-airflow[celery,fab,postgres]==3.3.1"]
    assert len(asked) == len(declared)
    with pytest.raises(ProgramError, match="names no Airflow"):
        airflow_release.requirements_with("3.3.1", "numpy\n")


@pytest.mark.parametrize("arguments", [[], ["2.11.0"], ["3.3"], ["3.3.0; rm"], ["3.3.0", "3.3.1"]])
def test_what_is_no_release_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is installed."""
    assert airflow_release.main(arguments) == 2
    assert "AIRFLOW=3.3.0" in capsys.readouterr().err


def test_its_tests_are_there() -> None:
    """A test that moves is noticed here, and not when it is run on another Airflow."""
    named = [word for tests in airflow_release.TESTS for word in tests if word.endswith(".py")]
    assert named
    assert [name for name in named if not (PROJECT / name).exists()] == []
