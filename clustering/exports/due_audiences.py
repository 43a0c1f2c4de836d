"""Which audiences have to be sent: those whose model holds for another night than the one that was sent last."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from clustering.config import Audience, Configuration
from clustering.exports.published_nights import find_nights, models_of
from clustering.warehouse import Transaction, Warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """The audiences to send, each with its date or None for the current one, and why the others are not sent."""

    due: list[dict[str, str | None]]
    left: dict[str, str]


def named_audiences(
    configuration: Configuration, *, audiences: Sequence[str] | None = None, as_of: date | None = None
) -> Choice:
    """Choose audiences by their names, all by default, whatever was sent before.

    Raises ConfigurationError for one that is not declared.
    """
    names = audiences or (configuration.exports.audiences if configuration.exports else ())
    for name in names:
        configuration.audience(name)
    return Choice([{"audience": name, "as_of": str(as_of) if as_of else None} for name in names], {})


def due_audiences(warehouse: Warehouse, configuration: Configuration) -> Choice:
    """Choose the audiences whose model has a night that was not sent: a new one, a repeated one, or the one before.

    The night of a past date changes nothing of what holds now, and makes nothing due.
    """
    found = Choice([], {})
    with warehouse.transaction(read_only=True) as transaction:
        for name, audience in configuration.exports.audiences.items() if configuration.exports else ():
            as_of, reason = _due(transaction, configuration, name, audience)
            if reason:
                found.left[name] = reason
            else:
                found.due.append({"audience": name, "as_of": str(as_of)})
    for name, reason in found.left.items():
        log.info("the audience %s is not sent: %s", name, reason)
    return found


def _due(
    transaction: Transaction, configuration: Configuration, name: str, audience: Audience
) -> tuple[date | None, str | None]:
    """Return the date to be sent, and why there is nothing to send."""
    nights, reason = find_nights(transaction, models_of(configuration, audience))
    if reason:
        return None, reason
    now, *others = nights
    to: dict[str, Any] = {"audience": name, "destination": audience.destination}
    if audience.rows == "changes":
        latest = transaction.scalar("exports/latest_changes", **to)
        if latest is not None and latest > now.as_of:
            return None, f"changes up to {latest} were sent, and {now.model} is as of {now.as_of}"
    sent_as = {"as_of": now.as_of, "run_id": now.run_id, "contents": audience.rows, "dated": audience.is_dated}
    if transaction.scalar("exports/holds", **to, **sent_as, other_runs=[one.run_id for one in others]):
        return None, f"it was sent as of {now.as_of}, and no other night holds since"
    return now.as_of, None
