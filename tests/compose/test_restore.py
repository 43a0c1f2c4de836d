"""A stack that has lost its volumes is restored from a backup, both by the commands of docs/database.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compose.stack import Stack, step
from tests.faults.published import published

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800, method="thread")]

WORKER = "airflow-worker"


def clustering(stack: Stack, *words: str) -> None:
    """Run the command line in a worker, with the rights of the tasks."""
    stack.compose("exec", "--no-TTY", WORKER, "python", "-m", "clustering", *words)


def test_restored_stack_goes_on(present: Stack, tmp_path: Path) -> None:
    """The next night on the restored stack is that of the lost one, whose versions it scores with."""
    present.compose("run", "--rm", "--no-TTY", "demo-load")
    with step("clustering retrain and score"):
        clustering(present, "retrain", "--model", "kmeans")
        clustering(present, "score", "--model", "kmeans")
    lost = published(present.project())
    with step("backup"):
        present.run_documented(tmp_path, "docs/database.md", "Back up", 1)
    present.down()
    with step("restore on new volumes"):
        present.run_documented(tmp_path, "docs/database.md", "Restore", 1)
        present.wait_until_healthy()
    assert published(present.project()) == lost
    present.compose("run", "--rm", "--no-TTY", "demo-load")
    with step("clustering score on the restored stack"):
        clustering(present, "score", "--model", "kmeans")
    assert published(present.project()) == lost
