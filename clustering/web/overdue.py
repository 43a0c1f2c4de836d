"""Questions of the page that are ended by the warehouse where they take too long, and what is then said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clustering.errors import RunError, WarehouseError
from clustering.warehouse.states import QUERY_CANCELED, state_of


@contextmanager
def in_time(what: str, seconds: float) -> Iterator[None]:
    """Raise RunError, which says what took too long, where the warehouse ends a statement."""
    try:
        yield
    except WarehouseError as error:
        if state_of(error) != QUERY_CANCELED:
            raise
        raise RunError(
            f"{what} took longer than {seconds:g} seconds and was stopped; try again when the warehouse is less busy"
        ) from error
