"""Which versions score a date: the champions of today, or for a past date those of its end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from clustering.errors import ArtifactError, NoChampionError
from clustering.versions.registry import Registry
from clustering.versions.version import Version, read_champions_at

log = logging.getLogger(__name__)


def choose_champions(registry: Registry, models: Sequence[str], *, ended_at: datetime | None) -> dict[str, Version]:
    """Return the versions that score: for a past date the champions when it ended, otherwise the present ones.

    Models without one are left out with a warning. Raises NoChampionError when none is left, ArtifactError when one of
    them can no longer score because its artifact was pruned.
    """
    if ended_at is None:
        found = registry.champions(models)
    else:
        with registry.warehouse.transaction(read_only=True) as transaction:
            found = read_champions_at(transaction, models, moment=ended_at)
    skipped = sorted(set(models) - set(found))
    if not found:
        raise NoChampionError(_nobody(registry, skipped, ended_at))
    if skipped and ended_at is None:
        log.warning("skipped, they have no champion yet: %s; run the DAG retrain_models for them", ", ".join(skipped))
    elif skipped:
        log.warning("skipped, they had no champion by %s: %s", ended_at, ", ".join(skipped))
    if ended_at is not None:
        _require_artifacts(found, ended_at)
    return found


def _nobody(registry: Registry, models: Sequence[str], ended_at: datetime | None) -> str:
    with registry.warehouse.transaction(read_only=True) as transaction:
        rows = transaction.rows("registry/first_promotions", models=list(models))
    if ended_at is None or not rows:
        return (
            f"no champion for {', '.join(models)} yet: nothing has been trained and promoted; run the DAG "
            "retrain_models first"
        )
    first = ", ".join(f"{row.model} on {row.decided_at.astimezone(ended_at.tzinfo):%Y-%m-%d}" for row in rows)
    return f"no champion for {', '.join(models)} on {_day(ended_at)} or before; the first was promoted for {first}"


def _require_artifacts(champions: dict[str, Version], ended_at: datetime) -> None:
    pruned = [version for version in champions.values() if version.artifact_pruned_at is not None]
    if pruned:
        named = ", ".join(f"{version.model} version {version.version}" for version in pruned)
        raise ArtifactError(
            f"the champions of {_day(ended_at)} cannot score any more: the artifact of {named} was pruned; leave the "
            "model out, or keep more versions with keep_versions"
        )


def _day(ended_at: datetime) -> str:
    return f"{ended_at - timedelta(microseconds=1):%Y-%m-%d}"
