"""Exports in processes of their own."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from clustering import Warehouse, export_audience, load_configuration
from clustering.config import Audience, Exports
from clustering.storage.named_connections import NamedConnection
from tests.paths import CONFIGURATION


def send(warehouse: Warehouse, store: Path, *, as_of: str, place: dict[str, Any], connection: dict[str, Any]) -> None:
    """Send everybody of K-Means, with the run that labelled them, to a place by a connection."""
    settings = {"model": "kmeans", "columns": ["customer_id", "segment_id", "run_id"], "destination": "drop"}
    audience = Audience.model_validate({**settings, **place, "consent": {"waived": "a test"}})
    exports = Exports(destinations=("drop",), audiences={"everybody": audience})
    given: Any = NamedConnection(**connection)
    export_audience(
        warehouse,
        load_configuration(CONFIGURATION).model_copy(update={"exports": exports}),
        audience="everybody",
        as_of=date.fromisoformat(as_of),
        connections=lambda _: given,
        requested_by="test",
    )
