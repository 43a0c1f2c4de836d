"""The way from a task to the Segments page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow.sdk import BaseOperatorLink
from airflow.sdk.execution_time.xcom import XCom


class SegmentsLink(BaseOperatorLink):
    """Leads to the date and to the first of the models that a task says, and without them to what holds now."""

    name = "Segments"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address in Airflow."""
        return page_address(XCom.get_value(ti_key=ti_key, key="return_value") or {})


def page_address(told: Mapping[str, Any]) -> str:
    """Return where Airflow shows the date and the first of the `models` of a run, or what holds now without any.

    Airflow's frame takes the query only behind the whole path of the page in it, with that of Airflow itself.
    """
    if not told.get("models"):
        return f"{_airflow()}/plugin/segments"
    return _framed("page", model=told["models"][0], as_of=told["as_of"])


def compare_address(model: str, version: int) -> str:
    """Return where Airflow shows a version beside the champion."""
    return _framed("compare", model=model, latter=version)


def _framed(page: str, **shown: Any) -> str:
    airflow = _airflow()
    return f"{airflow}/plugin/segments{urlsplit(airflow).path}/segmentation/{page}?{urlencode(shown)}"


def _airflow() -> str:
    from segmentation_notifier import airflow_address  # needed by tasks, not while DAGs are read

    return airflow_address()
