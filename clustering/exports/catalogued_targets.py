"""Where an audience goes, as catalogues of data know it."""

from __future__ import annotations

from clustering.config import Configuration
from clustering.exports.exporting import Connections
from clustering.exports.targets import open_target


def audience_dataset(configuration: Configuration, audience: str, *, connections: Connections) -> tuple[str, str]:
    """Return the namespace and name of the file or table that an audience goes to, by OpenLineage's rules.

    It is the same for each date: `{as_of}` of a path stays as it stands. Nothing is opened, and no login is in it.
    Raises ConfigurationError for what is not declared, and for a connection that is not of its kind.
    """
    declared = configuration.audience(audience)
    return open_target(audience, declared, connections(declared.destination), as_of=None).dataset
