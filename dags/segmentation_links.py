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
    from segmentation_notifier import airflow_address  # needed by tasks, not while DAGs are read

    airflow = airflow_address()
    if not told.get("models"):
        return f"{airflow}/plugin/segments"
    shown = urlencode({"model": told["models"][0], "as_of": told["as_of"]})
    return f"{airflow}/plugin/segments{urlsplit(airflow).path}/segmentation/page?{shown}"
