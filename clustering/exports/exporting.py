"""Send an audience of a published date to where it goes: whole or not at all, and noted before it is there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from psycopg2 import sql
from psycopg2.extras import Json
from sqlalchemy.exc import DBAPIError

from clustering.config import Audience, Configuration
from clustering.errors import ClusteringError, DestinationError, RunError
from clustering.exports.audience_labels import fit_text
from clustering.exports.audience_query import AudienceQuery, audience_query
from clustering.exports.audience_rows import open_rows, settings
from clustering.exports.published_nights import Night, find_nights, gone, models_of
from clustering.exports.targets import Target, open_target
from clustering.scoring.recipients import Told, known_members, list_members
from clustering.storage.named_connections import AirflowConnection
from clustering.warehouse import Transaction, Warehouse

log = logging.getLogger(__name__)

Connections = Callable[[str], AirflowConnection]


@dataclass(frozen=True)
class Export:
    """An audience of a date, and where it goes."""

    name: str
    audience: Audience
    target: Target
    nights: tuple[Night, ...]  # of one date, one of each model

    @property
    def as_of(self) -> date:
        """The date of the labels."""
        return self.nights[0].as_of

    @property
    def models(self) -> str:
        """The models as people are told of them."""
        return " and ".join(one.model for one in self.nights)

    @property
    def to(self) -> dict[str, Any]:
        """What is noted of whom it was sent to, as parameters of statements."""
        return {"audience": self.name, "destination": self.audience.destination, "as_of": self.as_of}


@dataclass
class Attempt:
    """An export, its number in the warehouse once it has one, and whether the destination may have it from now on."""

    export: Export
    number: int | None = None
    may_be_there: bool = False


def export_audience(
    warehouse: Warehouse,
    configuration: Configuration,
    *,
    audience: str,
    connections: Connections,
    requested_by: str,
    as_of: date | None = None,
) -> dict[str, Any]:
    """Send an audience of a date, by default the current one of its model, and return what was sent.

    The file of the date takes the place of the former one when it is whole. Who is in it is noted before, and so is the
    export in the audit log. `connections` gives a connection by its id. Raises ConfigurationError for what is not
    declared, DataError where the source, the consent or the suppression list cannot be read, RunError where the date
    is not published, its labels are gone, changes of a later date were sent, or the date is withdrawn or repeated
    meanwhile, and DestinationError where the destination does not take it, or the same audience is being sent.
    """
    declared = configuration.audience(audience)
    connection = connections(declared.destination)
    models = models_of(configuration, declared)
    with _turn(warehouse, audience, declared.destination) as turn:
        nights, reason = find_nights(turn, models, as_of)
        if reason:
            raise RunError(f"{reason}; nothing was sent")
        target = open_target(audience, declared, connection, as_of=nights[0].as_of)
        export = Export(audience, declared, target, nights)
        _require_last(turn, export)
        with _failing(warehouse, export) as attempt:
            rows = _send(warehouse, configuration, attempt, requested_by)
        turn.execute("exports/finish", export_id=attempt.number, status="sent", members=rows)
        if declared.rows == "changes":
            turn.execute("exports/tell_keys", **export.to)
    log.info("audience %s as of %s: %s customers to %s", audience, export.as_of, rows, declared.destination)
    return {**export.to, "as_of": str(export.as_of), "model": export.models, "rows": rows, **_where(export)}


@contextmanager
def _failing(warehouse: Warehouse, export: Export) -> Iterator[Attempt]:
    """Note that an attempt has failed where an error escapes it, unless the destination may have it all the same."""
    attempt = Attempt(export)
    try:
        yield attempt
    except BaseException:
        if attempt.may_be_there:  # as where a commit is not answered
            raise
        # The error that led here is the one to tell.
        with suppress(ClusteringError, DBAPIError), warehouse.transaction() as transaction:
            number = attempt.number or _begin(transaction, export)
            transaction.execute("exports/finish", export_id=number, status="failed", members=None)
        raise


def _begin(transaction: Transaction, export: Export) -> int:
    first, *others = export.nights
    of_models = {"model": first.model, "run_id": first.run_id}
    of_models |= {"other_models": [one.model for one in others], "other_runs": [one.run_id for one in others]}
    of_target = {"location": export.target.place, "contents": export.audience.rows}
    return int(transaction.scalar("exports/begin", **export.to, **of_models, **of_target))


def _where(export: Export) -> dict[str, Any]:
    return {"contents": export.audience.rows, "location": export.target.place}


@contextmanager
def _turn(warehouse: Warehouse, audience: str, destination: str) -> Iterator[Transaction]:
    """Keep others from sending the same audience until the end; DestinationError where somebody does."""
    with warehouse.transaction() as transaction:
        transaction.rows("sessions/limit_time", statement="0", lock="30s", idle="0")
        if not transaction.scalar("exports/take_turn", audience=audience, destination=destination):
            raise DestinationError(
                f"the audience {audience} is being sent to {destination} at this moment; try again after it"
            )
        yield transaction


def _require_last(transaction: Transaction, export: Export) -> None:
    """Raise RunError where changes of a later date were sent."""
    to = {name: value for name, value in export.to.items() if name != "as_of"}
    latest = transaction.scalar("exports/latest_changes", **to) if export.audience.rows == "changes" else None
    if latest is not None and latest > export.as_of:
        raise RunError(
            f"changes of {export.name} up to {latest} were sent, and those of {export.as_of} would come after "
            f"them; send it again when {export.models} is published for {latest} or later"
        )


def _send(warehouse: Warehouse, configuration: Configuration, attempt: Attempt, requested_by: str) -> int:
    export = attempt.export
    with ExitStack() as opened:
        with warehouse.transaction(repeatable_read=True, locked="exports/hold_forgetting") as transaction:
            transaction.rows("exports/settings", settings())
            number = _begin(transaction, export)
            query = _note(transaction, configuration, export, number)
            # Who is sent is then whom the note was made from.
            wanted = (
                query.rows if export.audience.rows == "all" else _changed(transaction, configuration, export, query)
            )
            reading = open_rows(warehouse, transaction, wanted, export.audience, query.completion)
            rows = opened.enter_context(reading)
        attempt.number = number
        with export.target.replacing() as (write, replace):
            counted = write(rows)
            _record(warehouse, export, number, counted, requested_by)
            attempt.may_be_there = True
            replace()
    return counted


def _note(transaction: Transaction, configuration: Configuration, export: Export, number: int) -> AudienceQuery:
    """Note who is sent, before anybody is, and return what selects them.

    Labels tell it while they are kept, and it costs nothing; of those whom a list or the source leaves out, only they
    are listed, and only where a consent or a limit decides, who is sent.
    """
    query = audience_query(
        transaction,
        configuration.contract,
        export.audience,
        export.nights,
        place=f"exports.yaml: audiences.{export.name}",
    )
    if query.told is None:
        list_members(transaction, query.keys, export_id=number)
        return query
    (night,) = export.nights
    told = replace(query.told, export_id=number)
    if not transaction.execute("exports/note_by_labels", run_id=night.run_id, **asdict(told)):
        raise RunError(f"{gone(night.model, night.as_of)}; nothing was sent")
    if query.left_out is not None:
        list_members(transaction, query.left_out, export_id=number, is_left_out=True)
    return query


def _changed(
    transaction: Transaction, configuration: Configuration, export: Export, query: AudienceQuery
) -> sql.Composable:
    attempts = transaction.typed_rows(Told, "exports/attempts", **export.to)
    columns = sql.SQL(", ").join(sql.SQL("member.{}").format(sql.Identifier(name)) for name in export.audience.headers)
    names: dict[str, sql.Composable] = {
        **{name: sql.Literal(value) for name, value in export.to.items()},
        "columns": columns,
        "empty_columns": query.left,
        "entered": fit_text(sql.SQL("'entered'::text"), export.audience),
        "gone": fit_text(sql.SQL("'left'::text"), export.audience),
        "audience_rows": query.rows,
        "audience_keys": query.keys,
        "known": known_members(transaction, attempts, configuration.contract.key_type),
        "attempts": sql.Literal(max(len(attempts), 1)),
    }
    return sql.SQL(transaction.compose("exports/changed", names) + "\n")


def _record(warehouse: Warehouse, export: Export, number: int, rows: int, requested_by: str) -> None:
    """Note the export in the audit log, before the file is there; RunError where its night holds no longer."""
    audience = export.audience
    consent = audience.consent.model_dump(exclude_none=True)
    with warehouse.transaction() as transaction:
        for night in export.nights:
            held = {"model": night.model, "as_of": night.as_of, "run_id": night.run_id}
            if not transaction.scalar("exports/still_holds", **held):
                raise RunError(
                    f"{night.model} as of {night.as_of} was withdrawn or repeated while {export.name} was being sent; "
                    "nothing was sent"
                )
        runs = {one.model: one.run_id for one in export.nights}
        of_models = {"run_id": export.nights[0].run_id} if len(runs) == 1 else {"runs": runs}
        transaction.execute(
            "audit/insert",
            action="export",
            model=export.nights[0].model if len(runs) == 1 else None,
            actor=requested_by,
            description=f"The audience {export.name} as of {export.as_of} went to {audience.destination}: {rows} rows.",
            detail=Json(
                {"export_id": number, **of_models, "columns": audience.columns, "rows": rows}
                | {"consent": consent, **_where(export)}
            ),
        )
