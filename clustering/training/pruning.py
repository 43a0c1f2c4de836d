"""Remove the artifacts of old versions from the model store; the versions' rows stay for ever."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from clustering.config import Configuration
from clustering.errors import ArtifactError, StoreError
from clustering.versions.artifacts import remove_artifact
from clustering.versions.registry import Registry
from clustering.versions.stored_files import META, Entry
from clustering.versions.version import read_champion
from clustering.versions.writing_warehouse import this_warehouse, writing_warehouse
from clustering.warehouse import Transaction
from clustering.warehouse.roles import act_as_writer

SETTLED = timedelta(days=1)  # after which nobody is still about to register what lies in the store

log = logging.getLogger(__name__)


def prune(configuration: Configuration, registry: Registry) -> dict[str, list[int]]:
    """Remove the artifacts that nothing needs any more and return the versions pruned, by model.

    Of each model `keep_versions` are kept, and beyond them the champion, the one to roll back to, and every version
    whose labels are still there or being made. What an interrupted call left is removed by the next, and after a day
    what a training or a forgetting that was killed has left.
    """
    pruned: dict[str, list[int]] = {}
    for model, spec in configuration.models.items():
        with registry.warehouse.transaction() as transaction:
            act_as_writer(transaction)
            transaction.execute("registry/lock_model", model=model)
            found = _mark(transaction, model, keep=spec.keep_versions)
        _clear(registry, model)
        if found:
            pruned[model] = found
            log.info("%s: pruned the artifacts of versions %s", model, found)
    return pruned


def _clear(registry: Registry, model: str) -> None:
    """Remove from the store what no version of the model needs; what cannot be removed is tried again the next time."""
    try:
        there = registry.files.entries(model)
    except StoreError as error:
        log.error("nothing is removed for %s: %s", model, error)
        return
    # Whatever lies there has been listed before: a version that is registered from here on is not among it.
    with registry.warehouse.transaction(read_only=True) as transaction:
        pruned = {row.artifact: row.version for row in transaction.rows("registry/pruned_artifacts", model=model)}
        known = {row.artifact for row in transaction.rows("registry/present_artifacts", model=model)}
        warehouse = this_warehouse(transaction)
    for entry in there:
        try:
            if entry.name in pruned:
                remove_artifact(registry.files, entry.name, model=model, version=pruned[entry.name])
            elif entry.name not in known and _is_left_over(registry, entry, warehouse):
                log.info("%s: removing %s, which was never registered", model, entry.name)
                registry.files.remove(entry.name)
        except (ArtifactError, StoreError) as error:  # the others are removed all the same
            log.error("nothing is removed of %s: %s", entry.name, error)


def _is_left_over(registry: Registry, entry: Entry, warehouse: str | None) -> bool:
    """Tell what an interrupted writing or removal left from what another warehouse keeps in the same store.

    Without a record it is nobody's version, and with one it says whose it is. What is young may yet be registered.
    """
    if entry.changed_at > datetime.now(UTC) - SETTLED:
        return False
    if META not in entry.files:
        return True
    return warehouse is not None and writing_warehouse(registry.files, entry.name) == warehouse


def _mark(transaction: Transaction, model: str, *, keep: int) -> list[int]:
    champion = read_champion(transaction, model)
    former = champion and transaction.scalar("registry/former_champion_id", model_version_id=champion.model_version_id)
    rows = transaction.rows("registry/prunable", model=model, keep=keep, former=former)
    for row in rows:
        transaction.execute("registry/mark_pruned", model_version_id=row.model_version_id)
    return [row.version for row in rows]
