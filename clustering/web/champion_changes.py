"""The champions in this process, loaded once and exchanged when another version is promoted."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clustering.config import Configuration
from clustering.errors import WarehouseError
from clustering.scoring.posted_records import Scorer, make_scorer, no_champion
from clustering.versions.own_names import OwnName, own_names
from clustering.versions.registry import Registry
from clustering.versions.version import Version

SECONDS = 1.0  # for so long at the most a former champion still answers


@dataclass(frozen=True)
class _Present:
    """What the warehouse said of the champions when it was last asked."""

    versions: Mapping[str, Version]
    own: Mapping[str, Mapping[int, OwnName]]


class Champions:
    """The champions of all configured models.

    The warehouse is asked at most once in `seconds` who they are; a process therefore follows a promotion, a rollback
    or an analyst's new name within that time. While it cannot be reached, nobody is labelled.
    """

    def __init__(self, configuration: Configuration, registry: Registry, *, seconds: float = SECONDS) -> None:
        self._configuration = configuration
        self.registry = registry
        self._seconds = seconds
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._present: _Present | WarehouseError = WarehouseError("the warehouse was not asked yet")
        self._scorers: dict[str, tuple[Any, Scorer]] = {}

    def versions(self) -> Mapping[str, Version]:
        """Return the champion of every model that has one; raises WarehouseError."""
        with self._lock:
            return self._ask().versions

    def scorer(self, model: str) -> Scorer:
        """Return a model's champion, ready to label.

        Raises NoChampionError, ArtifactError when its files cannot be used, or WarehouseError.
        """
        with self._lock:
            present = self._ask()
            version = present.versions.get(model)
            if version is None:
                raise no_champion(model)
            own = present.own[model]
            # By content: forgetting a customer gives a version another artifact.
            state = (version.artifact_sha256, version.model_version_id, own)
            held = self._scorers.get(model)
            if held is None or held[0] != state:
                artifact = self.registry.load(version)
                held = state, make_scorer(version, artifact, self._configuration.contract, own=own)
                self._scorers[model] = held
            return held[1]

    def _ask(self) -> _Present:
        # Counted from before the question, so that nothing older than `seconds` is used. A failure counts from its
        # end: it may have taken long, and whoever has waited for it does not ask again one after the other.
        asked = time.monotonic()
        if asked - self._asked >= self._seconds:
            try:
                self._present = self._read()
                self._drop_former(self._present)
            except WarehouseError as error:
                self._present = error
                asked = time.monotonic()
            self._asked = asked
        if isinstance(self._present, WarehouseError):
            raise WarehouseError(str(self._present)) from self._present
        return self._present

    def _drop_former(self, present: _Present) -> None:
        held = {version.artifact_sha256 for version in present.versions.values()}
        self._scorers = {model: scorer for model, scorer in self._scorers.items() if scorer[0][0] in held}

    def _read(self) -> _Present:
        models = list(self._configuration.models)
        versions = self.registry.champions(models)
        with self.registry.warehouse.transaction(read_only=True) as transaction:
            return _Present(versions, own_names(transaction, models))
