"""The assets of the DAGs, by names and URIs that no other team has, and those of others that start a night."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias

from clustering.config import warehouse_address
from clustering.settings import ScheduleSettings

GROUP = "segmentation"


def _asset(name: str) -> Asset:
    # The scheme is nobody's, so no provider changes the address.
    return Asset(name=f"{GROUP}.{name}", uri=f"x-{GROUP}://{name}", group=GROUP)


def _table(name: str) -> Asset:
    """Return the asset of a table of ours, by its address where one is set: the connection is not asked for DAGs."""
    address = warehouse_address()
    return Asset(name=f"{GROUP}.{name}", uri=f"{address}/{GROUP}/{name}", group=GROUP) if address else _asset(name)


CUSTOMERS = _asset("customers")  # others own the address of the table, and Airflow has one asset an address
CUSTOMER_LABELS = _table("customer_labels")
SEGMENTS = _table("segments")
CHAMPIONS = _asset("champions")
SEGMENT_HISTORY = _table("segment_history")
HELD_NIGHTS = _asset("held_nights")  # an event of it asks a person
DRIFT = _asset("drift")  # an event of it starts a retraining

# A task that ends well always tells of the assets that it names as outlets; those of an alias only when they are added.
ALARMS = AssetAlias(name=f"{GROUP}.drift_alarms", group=GROUP)
HOLDS = AssetAlias(name=f"{GROUP}.holds", group=GROUP)


def night_assets() -> list[Asset]:
    """Return references to the assets that start a night, by the name or the URI that the environment says."""
    named = ScheduleSettings.read().assets
    return [Asset.ref(uri=one) if "://" in one else Asset.ref(name=one) for one in named]  # type: ignore[misc]
