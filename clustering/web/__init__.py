"""The API: `uvicorn clustering.web:app` serves it by itself, Airflow's plugin serves it inside Airflow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from clustering.web.application import create_app, standalone_app
from clustering.web.backend import Backend, Following, open_backend
from clustering.web.security import Access

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Access", "Backend", "Following", "create_app", "open_backend", "standalone_app"]


@cache
def _standalone() -> FastAPI:
    return standalone_app()


def __getattr__(name: str) -> Any:
    # Made when it is asked for: it refuses to be made without a token, which Airflow's plugin does not need.
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _standalone()
