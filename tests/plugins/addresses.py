"""Every address that the plugin adds to Airflow."""

from __future__ import annotations

import re

from clustering.web import Access, create_app


def _nobody() -> None:
    raise AssertionError("nobody asks here")


def addresses() -> list[tuple[str, str]]:
    """Return method and path of each, with 1 in the place of what a path leaves open."""
    routes = create_app(_nobody, Access(reads=_nobody, customers=_nobody)).routes  # type: ignore[arg-type]
    return sorted(
        (method, "/segmentation" + re.sub("{.*?}", "1", route.path))  # type: ignore[attr-defined]
        for route in routes
        for method in route.methods  # type: ignore[attr-defined]
    )
