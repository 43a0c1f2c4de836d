"""What every model store keeps: the files of a version below a name of its own, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from clustering.errors import ArtifactError
from clustering.versions.read_cache import ReadCache

META, PARAMETERS, ESTIMATOR = "meta.json", "parameters.npz", "model.joblib"
DRAFT = ".draft-"  # how what is no version's begins, beside the versions of a model

_NAME = re.compile(r"(?!\.{1,2}/)[^/\\\0]+/[0-9]+-[0-9a-f]{12}")


@dataclass(frozen=True)
class Entry:
    """What lies beside the versions of a model: its name in the store, its files, and when the last was written."""

    name: str
    files: frozenset[str]
    changed_at: datetime


class Store(Protocol):
    """Where versions lie. Whatever cannot be done there at this moment raises StoreError, which names the place."""

    @property
    def place(self) -> Path | str:
        """The folder, or the URI of an object store."""

    @property
    def cache(self) -> ReadCache | None:
        """Where what was read is kept on this machine; None for a store that is as near."""

    def called(self, name: str, file: str) -> str:
        """Return what a file is called where people are told of it."""

    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Write a version's files; whoever sees its record, `meta.json`, sees all of them."""

    def read(self, name: str, file: str) -> bytes:
        """Read one file of a version."""

    def remove(self, name: str) -> None:
        """Remove all files below a name, if there are any; ArtifactError where it leads out of the store."""

    def entries(self, model: str) -> list[Entry]:
        """Return all that lies beside the versions of a model, they included."""

    def require_writable(self, model: str) -> None:
        """Raise StoreError where no version of a model could be written."""

    def require_reachable(self) -> None:
        """Raise StoreError where the store cannot be asked what is in it."""


def require_name(name: str) -> None:
    """Raise ArtifactError for what names no version. Names come from the warehouse, where others may write."""
    if not _NAME.fullmatch(name):
        raise outside(name)


def outside(name: str) -> ArtifactError:
    """Return the error of a name that leads out of the store."""
    return ArtifactError(
        f"the artifact {name[:200]!r} in segmentation.model_versions lies outside of the model store, or is no "
        "version's directory of it; retrain the model, and find out who wrote that"
    )
