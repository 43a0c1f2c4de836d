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
    │   ├── RunError                a run cannot go on: abandoned, superseded, or its counts do not add up
    │   └── HeldError               a night has a grave finding and waits for a person
    └── TransientError
        ├── StoreError              a stored version cannot be read at this moment
        ├── SourceError             the files of customers cannot be reached at this moment
        ├── DestinationError        an audience could not be sent to where it goes
        └── WarehouseError          the warehouse cannot be reached or ended the connection
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_NAME = 100  # characters of a name that is repeated in a message


class ClusteringError(Exception):
    """Base of every error that `clustering` raises on purpose."""


class PermanentError(ClusteringError):
    """Stays until a person changes something."""


class ConfigurationError(PermanentError):
    """A setting is wrong; the message names the file, the key, the value and what is allowed."""


class DataError(PermanentError):
    """The source table, its columns or its rows are not as the contract says.

    `told` is the message without values of customers, for chat, mail and whatever else keeps it outside of a log.
    """

    def __init__(self, message: str, *, told: str | None = None) -> None:
        super().__init__(message)
        self.told = message if told is None else told


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


class HeldError(PermanentError):
    """A night is held: it has a grave finding, and a person decides whether it is published."""


class TransientError(ClusteringError):
    """May be gone a minute later; worth a retry."""


class StoreError(TransientError):
    """A stored version cannot be read at this moment: the model store is away or refuses, or a file is missing."""


class SourceError(TransientError):
    """The files of customers cannot be reached at this moment: the store does not answer, or breaks off."""


class DestinationError(TransientError):
    """Another system did not take an audience: it is full, refuses, or cannot be reached."""


class WarehouseError(TransientError):
    """The warehouse cannot be reached or ended the connection."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence on an unknown name: the nearest one that is known, and all of them.

    >>> did_you_mean("dryrun", ["models", "dry_run"])
    '; did you mean dry_run? There are models, dry_run'
    """
    known = list(known)
    folded = name.casefold().replace("-", "_")
    near = folded if folded in known else next(iter(difflib.get_close_matches(folded, known, n=1)), None)
    listed = ", ".join(known)
    return f"; did you mean {near}? There are {listed}" if near else f"; there are {listed}"


def refuse_unknown(names: Iterable[str], known: Iterable[str], *, what: str) -> None:
    """Raise ConfigurationError for the first name that is not known; `what` says what the names are of.

    >>> refuse_unknown(["shard"], ["shards"], what="parameter")
    Traceback (most recent call last):
    clustering.errors.ConfigurationError: 'shard' is no parameter; did you mean shards? There are shards
    """
    known = list(known)
    if unknown := [name for name in names if name not in known]:
        raise ConfigurationError(f"{unknown[0][:LONGEST_NAME]!r} is no {what}{did_you_mean(unknown[0], known)}")


def refuse_misspelt(names: Iterable[str], known: str, *, what: str) -> None:
    """Raise ConfigurationError for a name that is nearly the known one, where other names are not ours to judge."""
    for name in names:
        if name != known and difflib.get_close_matches(name.casefold(), [known]):
            raise ConfigurationError(f"{name[:LONGEST_NAME]!r} is no {what}; did you mean {known}?")
