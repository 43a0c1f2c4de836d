"""The way from a task to the Segments page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink
from airflow.sdk.execution_time.xcom import XCom


class SegmentsLink(BaseOperatorLink):
    """Leads to the date and to the first of the models that a task says, and without them to what holds now."""

    name = "Segments"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address in Airflow."""
        from segmentation_notifier import airflow_address  # needed by tasks, not while DAGs are read

        told = XCom.get_value(ti_key=ti_key, key="return_value") or {}
        shown = {"model": told["models"][0], "as_of": told["as_of"]} if told.get("models") else {}
        return f"{airflow_address()}/plugin/segments" + (f"?{urlencode(shown)}" if shown else "")
