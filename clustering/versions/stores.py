"""The model store, by the place that names it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from clustering.storage.connection_variables import connection_if_set
from clustering.storage.named_connections import AirflowConnection
from clustering.versions.folder_store import FolderStore
from clustering.versions.object_store import CONNECTION, ObjectStore
from clustering.versions.read_cache import cache_of_this_machine
from clustering.versions.stored_files import Store

Connections = Callable[[str], AirflowConnection | None]


def open_store(place: Path | str | Store, connections: Connections = connection_if_set) -> Store:
    """Return the store in a folder, or at a URI; neither is asked yet.

    An object store is opened by the connection `model_store`, or as this machine's own account where there is none.
    """
    if isinstance(place, Path):
        return FolderStore(place)
    if isinstance(place, str):
        return ObjectStore(place, partial(connections, CONNECTION), cache_of_this_machine())
    return place
