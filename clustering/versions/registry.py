"""Versions and champions: rows in the warehouse, artifacts in the model store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from psycopg2.extras import Json

from clustering.errors import ArtifactError, ConfigurationError, NoChampionError, StoreError
from clustering.segments.events import Event, events_between
from clustering.storage.connection_variables import connection_if_set
from clustering.versions.artifacts import Artifact, read_artifact, write_artifact
from clustering.versions.candidates import Tried, candidate_rows
from clustering.versions.decisions import Decision, GateCheck, read_decision, record_decision
from clustering.versions.library_versions import library_versions
from clustering.versions.metrics import Metrics
from clustering.versions.own_names import own_names, record_events
from clustering.versions.stores import Connections, open_store
from clustering.versions.version import (
    Version,
    former_champion,
    read_champion,
    read_champions,
    read_numbered,
    read_segment_ids,
    read_version,
    require_champion,
    require_new_numbers,
    require_status,
)
from clustering.versions.writing_warehouse import this_warehouse
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.roles import act_as_writer

__all__ = ["Registry", "Training", "Version"]


@dataclass(frozen=True)
class Training:
    """What a version was trained on and what came out, for its row."""

    structure: str
    metrics: Metrics
    sample_rule: str
    sample_rows: int
    sample_sha256: str
    candidates: Sequence[Tried] = ()


class Registry:
    """The versions of every model, and which of them is champion."""

    def __init__(
        self, warehouse: Warehouse, store: Path | str, *, connections: Connections = connection_if_set
    ) -> None:
        """Open neither yet; `store` is a folder, or the URI of one in an object store.

        `connections` gives a connection of Airflow's by its name, None where there is none.
        """
        self.warehouse, self.connections = warehouse, connections
        self.files = open_store(store, connections)

    @property
    def store(self) -> Path:
        """The folder that the store is; ConfigurationError where it is in an object store."""
        if isinstance(self.files.place, Path):
            return self.files.place
        raise ConfigurationError(f"{self.files.place} is no folder of this machine")

    def register(self, artifact: Artifact, training: Training, *, estimator: Any) -> Version:
        """Store a new version as a candidate and return its row."""
        with self.warehouse.transaction() as transaction:
            _lock(transaction, artifact.model)
            number = transaction.scalar("registry/next_version", model=artifact.model)
            here = this_warehouse(transaction)
            name, digest = write_artifact(self.files, artifact, version=number, estimator=estimator, warehouse=here)
            identity = transaction.scalar(
                "registry/insert_version",
                model=artifact.model,
                version=number,
                structure=training.structure,
                algorithm=artifact.algorithm,
                features=list(artifact.features),
                settings=Json(dict(artifact.settings)),
                metrics=Json(training.metrics.to_document()),
                clusters=Json([asdict(cluster) for cluster in artifact.clusters]),
                artifact=name,
                artifact_sha256=digest,
                sample_rule=training.sample_rule,
                sample_rows=training.sample_rows,
                sample_sha256=training.sample_sha256,
                library_versions=Json(library_versions()),
            )
            transaction.insert("registry/insert_candidate", candidate_rows(identity, training.candidates))
            return read_version(transaction, identity)

    def version(self, model_version_id: int) -> Version:
        """Return a version's row; ArtifactError when there is none."""
        with self.warehouse.transaction(read_only=True) as transaction:
            return read_version(transaction, model_version_id)

    def numbered(self, model: str, version: int) -> Version:
        """Return a model's version by its number; ArtifactError when there is none."""
        with self.warehouse.transaction(read_only=True) as transaction:
            return read_numbered(transaction, model, version)

    def decision(self, version: Version, *, decided_by: str) -> Decision | None:
        """Return what somebody has decided on a version, and why; None for nothing."""
        with self.warehouse.transaction(read_only=True) as transaction:
            return read_decision(transaction, version, decided_by=decided_by)

    def champions(self, models: Iterable[str]) -> dict[str, Version]:
        """Return the champion of each of these models that has one."""
        with self.warehouse.transaction(read_only=True) as transaction:
            return read_champions(transaction, models)

    def load(self, version: Version, *, fresh: bool = False) -> Artifact:
        """Read a version's artifact; from the store itself where it has to be `fresh`.

        One that is pruned or replaced while it is read is asked for again as it now stands. Raises ArtifactError when
        it was pruned or is not the one that was registered, StoreError when it cannot be read at this moment.
        """
        try:
            return self._read(version, fresh=fresh)
        except StoreError:
            present = self.version(version.model_version_id)
            known = (version.artifact, version.artifact_pruned_at)
            if (present.artifact, present.artifact_pruned_at) == known:
                raise
            return self._read(present, fresh=fresh)

    def _read(self, version: Version, *, fresh: bool) -> Artifact:
        if version.artifact_pruned_at is not None:
            raise ArtifactError(
                f"the artifact of {version.model} version {version.version} was pruned on "
                f"{version.artifact_pruned_at:%Y-%m-%d}; choose a newer version, or retrain the model"
            )
        return read_artifact(self.files, version.artifact, sha256=version.artifact_sha256, fresh=fresh)

    def segment_ids(self, model: str) -> set[int]:
        """Return every segment id that a champion of the model has or had."""
        with self.warehouse.transaction(read_only=True) as transaction:
            return read_segment_ids(transaction, model)

    def promote(
        self,
        version: Version,
        *,
        instead_of: Version | None,
        reason: str,
        checks: Sequence[GateCheck],
        events: Sequence[Event],
        decided_by: str,
    ) -> None:
        """Make a candidate, or a refused version, the champion in place of `instead_of`, and record the events.

        Its artifact is read from the store first. Raises RunError when another champion was appointed since
        the decision was prepared, when somebody else decided on the version, or when a new segment of it would take the
        number of another one; otherwise as `load`.
        """
        self.load(version, fresh=True)
        with self.warehouse.transaction() as transaction:
            _lock(transaction, version.model)
            require_status(transaction, version, "candidate", "refused")
            require_champion(transaction, version, instead_of)
            require_new_numbers(transaction, version, instead_of)
            _appoint(transaction, version)
            record_decision(
                transaction,
                version,
                "promoted",
                instead_of=instead_of,
                reason=reason,
                checks=checks,
                decided_by=decided_by,
            )
            record_events(transaction, version.model, version.model_version_id, _visible(transaction, version, events))

    def refuse(
        self,
        version: Version,
        *,
        instead_of: Version | None,
        reason: str,
        checks: Sequence[GateCheck],
        decided_by: str,
    ) -> None:
        """Record that a candidate does not become champion; RunError when somebody else decided on it."""
        with self.warehouse.transaction() as transaction:
            _lock(transaction, version.model)
            require_status(transaction, version, "candidate")
            transaction.execute("registry/set_status", model_version_id=version.model_version_id, status="refused")
            record_decision(
                transaction,
                version,
                "refused",
                instead_of=instead_of,
                reason=reason,
                checks=checks,
                decided_by=decided_by,
            )

    def roll_back(self, model: str, *, to_version: int | None = None, decided_by: str) -> Version:
        """Make a former champion the champion again and return it: the one before the present, or that version.

        The next run scores exactly as it did. Raises NoChampionError when the model has no champion, RunError when it
        has no such former champion; otherwise as `load`.
        """
        with self.warehouse.transaction() as transaction:
            _lock(transaction, model)
            present = read_champion(transaction, model)
            if present is None:
                raise NoChampionError(f"{model} has no champion, and so no former one; run the DAG retrain_models")
            version = former_champion(transaction, present, to_version)
            self.load(version, fresh=True)
            because = f"since {present.model} was rolled back from version {present.version} to {version.version}"
            events = events_between(present.segment_names, version.segment_names, because=because)
            _appoint(transaction, version)
            reason = f"back from version {present.version} to version {version.version}, by hand"
            record_decision(
                transaction,
                version,
                "rolled_back",
                instead_of=present,
                reason=reason,
                checks=None,
                decided_by=decided_by,
            )
            record_events(transaction, model, version.model_version_id, _visible(transaction, version, events))
        return replace(version, status="champion")


def _lock(transaction: Transaction, model: str) -> None:
    act_as_writer(transaction)
    transaction.execute("registry/lock_model", model=model)


def _appoint(transaction: Transaction, version: Version) -> None:
    transaction.execute("registry/retire_champion", model=version.model)
    transaction.execute("registry/set_status", model_version_id=version.model_version_id, status="champion")


def _visible(transaction: Transaction, version: Version, events: Iterable[Event]) -> list[Event]:
    """Leave out the renames that nobody sees, because an analyst's name stands in front of them."""
    own = own_names(transaction, [version.model])[version.model]
    named = {segment for segment, row in own.items() if row.segment_name}
    return [event for event in events if event.event != "rename" or event.segment_id not in named]
