"""A project with appointed champions."""

from __future__ import annotations

from tests.appointing import appointed_template, project  # noqa: F401 (fixtures)
