"""The query of an audience: labels of a date, columns of the source as it is now, and who may be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql
from sqlalchemy.exc import DBAPIError

from clustering.config import LABEL_COLUMNS, Audience, Contract, KeyType, SuppressionList
from clustering.config.declared_exports import NAME_COLUMNS
from clustering.config.table_name import split_name
from clustering.errors import ConfigurationError, DataError, WarehouseError
from clustering.exports.audience_labels import audience_labels, completion, fit_text, label_column
from clustering.exports.completed_rows import AS_OF, Completion, are_completed
from clustering.exports.json_cells import encoded
from clustering.exports.published_nights import Night
from clustering.scoring.recipients import Told
from clustering.warehouse import Transaction
from clustering.warehouse.connection import is_transient
from clustering.warehouse.source import Source, find_source
from clustering.warehouse.source_types import INTEGERS
from clustering.warehouse.states import LOCK_NOT_AVAILABLE, state_of

_YES = sql.SQL("coalesce(lower(btrim(source.{}::text)) in ('true', 't', 'yes', 'y', '1'), false)")
_FIRST = sql.SQL("order by label.confidence desc, label.customer_id limit {}")
_NATIVE = ("bigint", *INTEGERS, "float4", "float8", "bool", "date", "timestamp", "timestamptz")
# Whether what stands in a suppression list can be a key, and the key, by its type; customers' keys, of which there are
# more, stay as they are.
_READABLE = {
    "bigint": "suppressed.{0}::text ~ '^\\s*[+-]?[0-9]+([.]0*)?\\s*$'",
    "text": "suppressed.{0}::text <> ''",
    "uuid": "btrim(suppressed.{0}::text) ~* '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'",
}
_READ = {
    "bigint": (
        "case when suppressed.{0}::text::numeric between -9223372036854775808 and 9223372036854775807"
        " then suppressed.{0}::text::numeric::bigint end"
    ),
    "text": 'suppressed.{0}::text collate "default"',
    "uuid": "btrim(suppressed.{0}::text)::uuid",
}
# Distinct keys are expected to be few, so that these are looked up, and not the customers.
_LISTED = sql.SQL(
    "exists (select from (select distinct case when {} then {} end as customer_id from {} as suppressed) as listed"
    " where listed.customer_id = label.customer_id)"
)


@dataclass(frozen=True)
class AudienceQuery:
    """What selects an audience: `keys` its customers alone, `rows` its columns as they are sent."""

    keys: sql.Composable
    rows: sql.Composable
    left: sql.Composable  # in place of the columns, of those who have left
    told: Told | None  # by a label set; None: who is in it depends on what else there was when it was sent
    left_out: sql.Composable | None = None  # whom the label set has and the audience not; None: nobody
    completion: Completion | None = None  # what `rows` become then; None: they are complete


def audience_query(
    transaction: Transaction, contract: Contract, audience: Audience, nights: Sequence[Night], *, place: str
) -> AudienceQuery:
    """Return what selects an audience from the nights of its models; `place` names it in messages.

    Raises ConfigurationError for a segment that a label set has not, DataError where the source, the column of
    consent or the suppression list cannot be read.
    """
    source = _source(transaction, contract, audience, place)
    if audience.consent.suppressed is not None:
        _check_list(transaction, audience.consent.suppressed, contract.key_type, place)
    labels = audience_labels(transaction, audience, nights, place=place)
    names = {
        **_joined(source, audience, contract),
        "chosen": labels.chosen,
        "allowed": _allowed(source, audience, contract.key_type),
        "ranking": _FIRST.format(sql.Literal(audience.top)) if audience.top else sql.SQL(""),
    }
    as_of = _cast(sql.SQL("{}::date").format(sql.Literal(nights[0].as_of)), "date", audience)
    selected = [name for name in audience.columns if name != AS_OF or not are_completed(audience)]
    columns = [_column(name, source, audience, contract.key_type, as_of) for name in selected]
    if audience.rows == "changes":  # beside the key as it is sent, which may be guarded
        columns.append(sql.SQL("label.customer_id as recipient"))
    told = {"customer_id": _cast(sql.SQL("told.customer_id"), contract.key_type, audience), "as_of": as_of}
    left = [told.get(name, sql.SQL("null")) for name in audience.columns]
    # These leave few out, where a consent or a limit may leave out nearly all.
    is_told = audience.consent.column is None and audience.top is None and labels.told is not None
    bare = {**names, "member_labels": labels.bare}
    return AudienceQuery(
        keys=_members(transaction, bare, [sql.SQL("label.customer_id")]),
        rows=_members(transaction, {**names, "member_labels": labels.tables}, columns),
        left=sql.SQL(", ").join(left),
        told=labels.told if is_told else None,
        left_out=_left_out(transaction, audience, contract.key_type, bare, source) if is_told else None,
        completion=completion(transaction, audience, nights),
    )


def _members(
    transaction: Transaction, names: dict[str, sql.Composable], columns: Sequence[sql.Composable]
) -> sql.Composable:
    return sql.SQL(transaction.compose("exports/members", {**names, "columns": sql.SQL(", ").join(columns)}) + "\n")


def _source(transaction: Transaction, contract: Contract, audience: Audience, place: str) -> Source | None:
    """Find what the audience needs of the customers as they are now; consent of a past date would not hold."""
    wanted = [
        name
        for name in (*audience.columns, audience.consent.column)
        if name and name not in LABEL_COLUMNS and "." not in name
    ]
    if not wanted:
        return None
    if contract.origin.files is not None:
        raise ConfigurationError(
            f"{place}: {wanted[0]} is a column of the customers, who come from files, and an audience is selected in "
            "the warehouse; take columns of the labels alone, and a list of suppression in place of consent.column"
        )
    profile = {
        name: column if name == contract.key else column.model_copy(update={"role": "profile"})
        for name, column in contract.columns.items()
        if name == contract.key or name in wanted
    }
    return find_source(transaction, contract.model_copy(update={"columns": profile}))


def _joined(source: Source | None, audience: Audience, contract: Contract) -> dict[str, sql.Composable]:
    """Return what labels are joined with; a key that stands there several times is nobody's."""
    if source is None:
        return {"source": sql.SQL("(select) as source"), "on_source": sql.SQL("true")}
    headers = sql.SQL(", ").join(
        sql.Identifier(column.header) for name, column in source.columns.items() if name != contract.key
    )
    times = sql.SQL("1" if source.has_unique_key else "count(*) over (partition by {})").format(source.exact_key)
    rows = sql.SQL("(select {} as same_customer, {} as rows_of_customer, {} from {}) as source").format(
        source.exact_key, times, headers, source.table
    )
    return {
        "source": rows,
        "on_source": sql.SQL("source.same_customer = label.customer_id and source.rows_of_customer = 1"),
    }


def _allowed(source: Source | None, audience: Audience, key_type: KeyType) -> sql.Composable:
    consent = audience.consent
    if consent.column and source is not None:
        return _YES.format(sql.Identifier(source.columns[consent.column].header))
    if consent.suppressed is None:
        return sql.SQL("true")
    return sql.SQL("not {}").format(_listed(consent.suppressed, key_type))


def _listed(suppressed: SuppressionList, key_type: KeyType) -> sql.Composable:
    """Return whether a customer is on a suppression list."""
    column = sql.Identifier(suppressed.column)
    return _LISTED.format(
        sql.SQL(_READABLE[key_type]).format(column),
        sql.SQL(_READ[key_type]).format(column),
        sql.Identifier(*split_name(suppressed.table)),
    )


def _left_out(
    transaction: Transaction,
    audience: Audience,
    key_type: KeyType,
    names: dict[str, sql.Composable],
    source: Source | None,
) -> sql.Composable | None:
    """Return the query of whom a list or the source leaves out of those whom the labels tell."""
    parts = []
    if audience.consent.suppressed is not None:
        alone = {"source": sql.SQL("(select) as source"), "on_source": sql.SQL("true")}
        listed = {**names, **alone, "allowed": _listed(audience.consent.suppressed, key_type)}
        parts.append(_members(transaction, listed, [sql.SQL("label.customer_id")]))
    if source is not None:
        parts.append(sql.SQL(transaction.compose("exports/left_unlisted", names) + "\n"))
    return sql.SQL(" union ").join(sql.SQL("({})").format(one) for one in parts) if parts else None


def _check_list(transaction: Transaction, listed: SuppressionList, key_type: KeyType, place: str) -> None:
    """Refuse a suppression list that cannot be read, has nobody, or has what is no key: it would suppress too few."""
    column = sql.Identifier(listed.column)
    names = {
        "table": sql.Identifier(*split_name(listed.table)),
        "column": column,
        "readable": sql.SQL(_READABLE[key_type]).format(column),
    }
    where = f"{place}.consent.suppressed: {listed.column} of {listed.table}"
    try:
        counted = transaction.row("exports/clean_keys", names)
    except DBAPIError as error:
        if state_of(error) == LOCK_NOT_AVAILABLE:
            raise WarehouseError(f"{where} is locked, as while it is being loaded; nothing was sent") from error
        if is_transient(error):
            raise
        raise DataError(f"{where} cannot be read: {str(error.orig).splitlines()[0]}; nothing was sent") from error
    if counted is not None and counted.unreadable:
        raise DataError(
            f"{where} has {counted.unreadable} entries that are no key of a customer ({key_type}); correct them, "
            "nothing was sent"
        )
    if counted is not None and not counted.keys and not listed.may_be_empty:
        raise DataError(
            f"{where} is empty, as while it is being loaded; say may_be_empty: true if it may be, nothing was sent"
        )


def _column(
    name: str, source: Source | None, audience: Audience, key_type: KeyType, as_of: sql.Composable
) -> sql.Composable:
    """Return a column as it is sent: numbers as numbers, and text that is none for a spreadsheet."""
    header = sql.Identifier(name.replace(".", "_"))
    if name == "as_of":
        return sql.SQL("{} as {}").format(as_of, header)
    if source is None or name in LABEL_COLUMNS or "." in name:
        value = label_column(name, audience)
        if name.rpartition(".")[2] in NAME_COLUMNS:  # which are fit already
            return sql.SQL("{} as {}").format(value, header)
        kind: str = "text" if name == "model" else key_type if name == "customer_id" else "int8"
    else:
        found = source.columns[name]
        value, kind = sql.SQL("source.{}").format(sql.Identifier(found.header)), found.pg_type
        if found.factor != 1:
            if kind not in (*INTEGERS, "numeric", "float4", "float8"):
                raise DataError(f"column {name} stands under {found.header}, in another unit and as {kind}; cast it")
            value, kind = sql.SQL("({} * {})").format(value, sql.Literal(found.factor)), "numeric"
    return sql.SQL("{} as {}").format(_cast(value, kind, audience), header)


def _cast(value: sql.Composable, kind: str, audience: Audience) -> sql.Composable:
    if audience.file_format == "jsonl":
        is_known = kind in (*_NATIVE, "numeric")
        return encoded(value if is_known else sql.SQL("{}::text").format(value), kind)
    if kind == "bool" and audience.file_format == "csv":
        return sql.SQL("{}::text").format(value)  # true and false, where COPY writes t and f
    if kind in _NATIVE:
        return value
    if kind == "numeric":
        return sql.SQL("{}::double precision").format(value)
    return fit_text(sql.SQL("{}::text").format(value), audience)
