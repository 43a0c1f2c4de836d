"""Where an audience of a date goes: a file, or rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol

from clustering.config import Audience
from clustering.exports.audience_rows import AudienceRows
from clustering.exports.destinations import File, open_folder
from clustering.exports.tables import Table, url_of_database
from clustering.storage.named_connections import AirflowConnection


class Target(Protocol):
    """What takes the place of what was there before, as a whole or not at all."""

    @property
    def place(self) -> str:
        """What it is called where people are told of it, without secrets."""

    @property
    def dataset(self) -> tuple[str, str]:
        """The namespace and name by which catalogues of data know it."""

    def replacing(self) -> AbstractContextManager[tuple[Callable[[AudienceRows], int], Callable[[], None]]]:
        """Begin; yield what writes rows and returns their number, and what to call when they are whole.

        Raises DestinationError.
        """


def open_target(name: str, audience: Audience, connection: AirflowConnection, *, as_of: date | None) -> Target:
    """Return where an audience of a date goes, by the connection of its destination; None: of any date.

    Raises ConfigurationError where the connection is not of its kind.
    """
    if audience.path is not None:
        folder = open_folder(audience.destination, connection)
        return File(folder, audience.path if as_of is None else audience.path.format(as_of=as_of))
    schema, table = audience.schema_and_table
    url = url_of_database(audience.destination, connection)
    return Table(audience.destination, url, schema, table, name, as_of if audience.is_dated else None)
