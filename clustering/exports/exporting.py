"""Send an audience of a published date to where it goes: whole or not at all, and noted before it is there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2 import sql
from psycopg2.extras import Json
from sqlalchemy.exc import DBAPIError

from clustering.config import Audience, Configuration
from clustering.errors import ClusteringError, ConfigurationError, DestinationError, RunError, did_you_mean
from clustering.exports.audience_query import AudienceQuery, audience_query
from clustering.exports.targets import Target, open_target
from clustering.storage.named_connections import AirflowConnection
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.bulk import ArrowConnection

log = logging.getLogger(__name__)

Connections = Callable[[str], AirflowConnection]


@dataclass(frozen=True)
class Export:
    """One attempt: an audience of a date, where it goes, and the number that it has in the warehouse."""

    name: str
    audience: Audience
    target: Target
    model: str
    as_of: date
    run_id: int
    label_set: int

    @property
    def to(self) -> dict[str, Any]:
        """What is noted of whom it was sent to, as parameters of statements."""
        return {"audience": self.name, "destination": self.audience.destination, "as_of": self.as_of}


def declared_audience(configuration: Configuration, name: str) -> Audience:
    """Return an audience by its name; ConfigurationError where there is none."""
    if configuration.exports is None:
        raise ConfigurationError(f"{configuration.directory} has no exports.yaml: nothing is sent anywhere")
    known = configuration.exports.audiences
    if name not in known:
        raise ConfigurationError(f"exports.yaml: {name!r} is no audience{did_you_mean(name, known)}")
    return known[name]


def model_of(configuration: Configuration, audience: Audience) -> str:
    """Return the model of an audience."""
    return audience.model or configuration.contract.default_model or next(iter(configuration.models))


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
    declared = declared_audience(configuration, audience)
    connection = connections(declared.destination)
    model = model_of(configuration, declared)
    with _turn(warehouse, audience, declared.destination):
        with warehouse.transaction(read_only=True) as transaction:
            found = _label_set(transaction, model, as_of)
            target = open_target(audience, declared, connection, as_of=found.as_of)
            export = Export(audience, declared, target, model, found.as_of, found.run_id, found.label_set)
            baseline = _baseline(transaction, export)
        with warehouse.transaction() as transaction:
            number = int(
                transaction.scalar(
                    "exports/begin",
                    **export.to,
                    location=target.place,
                    model=model,
                    run_id=export.run_id,
                    contents=declared.rows,
                )
            )
        try:
            rows = _send(warehouse, configuration, export, number, baseline, requested_by)
        except BaseException:
            with suppress(ClusteringError, DBAPIError):  # the error that led here is the one to tell
                _finish(warehouse, number, "failed", None)
            raise
        _finish(warehouse, number, "sent", rows)
    log.info("audience %s as of %s: %s customers to %s", audience, export.as_of, rows, declared.destination)
    return {**export.to, "as_of": str(export.as_of), "model": model, "rows": rows, **_where(export)}


def _where(export: Export) -> dict[str, Any]:
    return {"contents": export.audience.rows, "location": export.target.place}


@contextmanager
def _turn(warehouse: Warehouse, audience: str, destination: str) -> Iterator[None]:
    """Keep others from sending the same audience; DestinationError where somebody does."""
    with warehouse.transaction() as transaction:
        transaction.rows("sessions/limit_time", statement="0", lock="30s", idle="0")
        if not transaction.scalar("exports/take_turn", audience=audience, destination=destination):
            raise DestinationError(
                f"the audience {audience} is being sent to {destination} at this moment; try again after it"
            )
        yield


def _label_set(transaction: Transaction, model: str, as_of: date | None) -> Any:
    found = transaction.row("exports/label_set", model=model, as_of=as_of)
    if found is None:
        raise RunError(f"{model} is not published{f' as of {as_of}' if as_of else ''}; nothing was sent")
    if found.is_expired:
        raise RunError(f"the labels of {model} as of {found.as_of} are no longer kept; nothing was sent")
    return found


def _baseline(transaction: Transaction, export: Export) -> date | None:
    """Return the date that changes are told since, None where nothing was sent before."""
    if export.audience.rows == "all":
        return None
    sent = transaction.row("exports/last_sent", **export.to)
    if sent is not None and sent.latest is not None and sent.latest > export.as_of:
        raise RunError(
            f"changes of {export.name} up to {sent.latest} were sent, and those of {export.as_of} would come after "
            f"them; send it again when {export.model} is published for {sent.latest} or later"
        )
    return sent.before if sent is not None else None


def _send(
    warehouse: Warehouse,
    configuration: Configuration,
    export: Export,
    number: int,
    baseline: date | None,
    requested_by: str,
) -> int:
    with ExitStack() as opened:
        with warehouse.transaction() as gate:
            gate.execute("exports/hold_forgetting")
            with warehouse.transaction(repeatable_read=True) as transaction:
                transaction.rows("exports/avoid_nested_loops")
                statement = _note(transaction, configuration, export, baseline)
                settings = transaction.compose("exports/avoid_nested_loops")
                snapshot = None
                if export.audience.rows == "all":  # who is sent is then whom the note was made from
                    snapshot = transaction.scalar("exports/share_snapshot")
                    reader = opened.enter_context(ArrowConnection(warehouse.uri, read_only=True, snapshot=snapshot))
        if snapshot is None:  # changes are read from the note
            reader = opened.enter_context(ArrowConnection(warehouse.uri, read_only=True))
        reader.execute(settings)
        with export.target.replacing() as (write, replace):
            rows = write(reader.batches(statement), lambda: reader.table(statement).schema)
            _record(warehouse, export, number, rows, requested_by)
            replace()
    return rows


def _note(transaction: Transaction, configuration: Configuration, export: Export, baseline: date | None) -> str:
    """Note who is sent, before anybody is, and return the statement that selects them."""
    audience = export.audience
    place = f"exports.yaml: audiences.{export.name}"
    query = audience_query(
        transaction,
        configuration.contract,
        audience,
        label_set=export.label_set,
        as_of=export.as_of,
        place=place,
    )
    if audience.rows == "all":
        transaction.execute("exports/note_recipients", {"audience_rows": query.keys}, **export.to)
        rows = query.rows
    else:
        transaction.execute("exports/undo_after", **{**export.to, "as_of": baseline})
        for step in ("exports/advance", "exports/leave"):
            transaction.execute(step, {"audience_rows": query.keys}, **export.to)
        rows = _changed(transaction, export, query)
    if audience.file_format != "jsonl":
        return str(rows.as_string(transaction.connection.connection.dbapi_connection))
    return transaction.compose("exports/json_lines", {"audience_rows": rows})


def _changed(transaction: Transaction, export: Export, query: AudienceQuery) -> sql.Composable:
    names: dict[str, sql.Composable] = {name: sql.Literal(value) for name, value in export.to.items()}
    columns = sql.SQL(", ").join(sql.SQL("member.{}").format(sql.Identifier(name)) for name in export.audience.columns)
    names |= {"columns": columns, "empty_columns": query.left, "audience_rows": query.rows}
    return sql.SQL(transaction.compose("exports/changed", names) + "\n")


def _record(warehouse: Warehouse, export: Export, number: int, rows: int, requested_by: str) -> None:
    """Note the export in the audit log, before the file is there; RunError where its night holds no longer."""
    audience = export.audience
    consent = audience.consent.model_dump(exclude_none=True)
    with warehouse.transaction() as transaction:
        held = {"model": export.model, "as_of": export.as_of, "run_id": export.run_id}
        if not transaction.scalar("exports/still_holds", **held):
            raise RunError(
                f"{export.model} as of {export.as_of} was withdrawn or repeated while {export.name} was being sent; "
                "nothing was sent"
            )
        transaction.execute(
            "audit/insert",
            action="export",
            model=export.model,
            actor=requested_by,
            description=f"The audience {export.name} as of {export.as_of} went to {audience.destination}: {rows} rows.",
            detail=Json(
                {"export_id": number, "run_id": export.run_id, "columns": audience.columns, "rows": rows}
                | {"consent": consent, **_where(export)}
            ),
        )


def _finish(warehouse: Warehouse, number: int, status: str, rows: int | None) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("exports/finish", export_id=number, status=status, members=rows)
