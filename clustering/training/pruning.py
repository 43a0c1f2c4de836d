"""Remove the artifacts of old versions from the model store; the versions' rows stay for ever."""

from __future__ import annotations

import logging

from clustering.config import Configuration
from clustering.errors import ArtifactError, StoreError
from clustering.versions.artifacts import remove_artifact
from clustering.versions.registry import Registry
from clustering.versions.version import read_champion
from clustering.warehouse import Transaction
from clustering.warehouse.roles import act_as_writer

log = logging.getLogger(__name__)


def prune(configuration: Configuration, registry: Registry) -> dict[str, list[int]]:
    """Remove the artifacts that nothing needs any more and return the versions pruned, by model.

    Of each model `keep_versions` are kept, and beyond them the champion, the one to roll back to, and every version
    whose labels are still there or being made. What an interrupted call left is removed by the next.
    """
    pruned: dict[str, list[int]] = {}
    for model, spec in configuration.models.items():
        with registry.warehouse.transaction() as transaction:
            act_as_writer(transaction)
            transaction.execute("registry/lock_model", model=model)
            found = _mark(transaction, model, keep=spec.keep_versions)
        with registry.warehouse.transaction(read_only=True) as transaction:
            gone = transaction.rows("registry/pruned_artifacts", model=model)
        for row in gone:
            _remove(registry, row.artifact, model, row.version)
        if found:
            pruned[model] = found
            log.info("%s: pruned the artifacts of versions %s", model, found)
    return pruned


def _remove(registry: Registry, artifact: str, model: str, version: int) -> None:
    try:
        remove_artifact(registry.store, artifact, model=model, version=version)
    except (ArtifactError, StoreError) as error:  # the others are removed all the same
        log.error("nothing is removed for %s version %s: %s", model, version, error)


def _mark(transaction: Transaction, model: str, *, keep: int) -> list[int]:
    champion = read_champion(transaction, model)
    former = champion and transaction.scalar("registry/former_champion_id", model_version_id=champion.model_version_id)
    rows = transaction.rows("registry/prunable", model=model, keep=keep, former=former)
    for row in rows:
        transaction.execute("registry/mark_pruned", model_version_id=row.model_version_id)
    return [row.version for row in rows]
