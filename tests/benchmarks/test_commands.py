"""The commands by which the documents say that their tables are measured."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from clustering.config import PROJECT

NAMED = sorted(
    {
        name
        for folder in ("docs", "benchmarks")
        for path in (PROJECT / folder).iterdir()
        if path.suffix in (".md", ".py")
        for name in re.findall(r"`python (?:-m )?([^\s`]*benchmarks[^\s`]+)", path.read_text(encoding="utf-8"))
    }
)


def test_measuring_commands_are_named():
    """Each names its file, so that it starts from a clone."""
    assert set(NAMED) >= {"benchmarks/verdicts.py", "benchmarks/training.py"}
    assert all((PROJECT / name).is_file() for name in NAMED)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_measuring_commands_start(name):
    """Each says what it takes."""
    command = [sys.executable, name, "--help"]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)

    assert "usage" in done.stdout
