"""The project of these tests has champions that were trained."""

from __future__ import annotations

import pytest

from tests.projects import Project


@pytest.fixture
def project(trained_project: Project) -> Project:
    """Return a project with customers, of whom some are dirty, and trained champions of all three models."""
    return trained_project
