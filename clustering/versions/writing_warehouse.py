"""Which database a version's files were written for, so that what was never registered is known as its own."""

from __future__ import annotations

import json

from clustering.versions.stored_files import META, Store, require_name
from clustering.warehouse import Transaction


def this_warehouse(transaction: Transaction) -> str | None:
    """Return what tells this database from all others; None where the server tells that to administrators alone."""
    if not transaction.scalar("registry/may_tell_warehouse"):
        return None
    return str(transaction.scalar("registry/warehouse"))


def writing_warehouse(store: Store, name: str) -> str | None:
    """Return the database that was about to register files of the store; None where their record does not say.

    Raises StoreError when it cannot be read.
    """
    require_name(name)
    try:
        named = json.loads(store.read(name, META)).get("warehouse")
    except (ValueError, AttributeError):
        return None
    return named if isinstance(named, str) else None
