"""Everything that `clustering` raises on purpose.

A permanent error stays what it is until a person changes something, so a retry is of no use; a transient one may be
gone a minute later.

    ClusteringError
    ├── PermanentError
    │   ├── ConfigurationError      models/*.yaml, a parameter or an environment variable is wrong
    │   ├── DataError               the source table, its columns or its rows are not as the contract says
    │   │   └── TooManyRejectedError    more rows were rejected than the contract allows
    │   ├── ArtifactError           a stored version is pruned, changed, or of an unknown format
    │   ├── NoChampionError         no model of the run has been trained and promoted yet
    │   ├── TrainingError           no version could be made from these customers
    │   └── RunError                a run cannot go on: abandoned, superseded, or its counts do not add up
    └── TransientError
        ├── StoreError              a stored version cannot be read at this moment
        └── WarehouseError          the warehouse cannot be reached or ended the connection
"""

from __future__ import annotations


class ClusteringError(Exception):
    """Base of every error that `clustering` raises on purpose."""


class PermanentError(ClusteringError):
    """Stays until a person changes something."""


class ConfigurationError(PermanentError):
    """A setting is wrong; the message names the file, the key, the value and what is allowed."""


class DataError(PermanentError):
    """The source table, its columns or its rows are not as the contract says."""


class TooManyRejectedError(DataError):
    """More rows were rejected than the contract allows; the message counts the reasons."""


class ArtifactError(PermanentError):
    """A stored version is pruned, changed, or of an unknown format."""


class NoChampionError(PermanentError):
    """No model of the run has a champion yet."""


class TrainingError(PermanentError):
    """No version could be made from these customers; the message says why."""


class RunError(PermanentError):
    """A run cannot go on: it was abandoned or superseded, or its counts do not add up."""


class TransientError(ClusteringError):
    """May be gone a minute later; worth a retry."""


class StoreError(TransientError):
    """A stored version cannot be read at this moment: the model store is not mounted, or a file is missing."""


class WarehouseError(TransientError):
    """The warehouse cannot be reached or ended the connection."""
