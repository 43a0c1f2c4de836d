"""The labels of an audience: of one model, or of several that are joined by customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Audience
from clustering.config.declared_exports import MODEL_COLUMNS, NAME_COLUMNS
from clustering.errors import ConfigurationError, did_you_mean
from clustering.exports.completed_rows import Completion, SegmentTexts, are_completed
from clustering.exports.json_cells import encoded
from clustering.exports.published_nights import Night
from clustering.exports.spreadsheet_cells import guarded
from clustering.scoring.recipients import Told, members_of
from clustering.warehouse import Transaction

_TABLE = sql.SQL("segmentation.customer_labels as {}")


@dataclass(frozen=True)
class AudienceLabels:
    """What an audience is selected from, with `label` for the customers, and which of these rows are in it.

    `tables` has the columns of labels too, `bare` the customers alone; `told` says who they are, where one label set
    does.
    """

    tables: sql.Composable
    bare: sql.Composable
    chosen: sql.Composable
    told: Told | None


def label_column(column: str, audience: Audience) -> sql.Composable:
    """Return a column of labels as an expression; one of several models begins with the model's name and a point."""
    model, _, name = column.rpartition(".")
    if name in NAME_COLUMNS and are_completed(audience):
        name = "segment_id"
    return sql.SQL("{}.{}").format(_alias("named" if name in NAME_COLUMNS else "label", model), sql.Identifier(name))


def audience_labels(
    transaction: Transaction, audience: Audience, nights: Sequence[Night], *, place: str
) -> AudienceLabels:
    """Return what an audience is selected from; ConfigurationError for a segment that a label set has not."""
    if audience.models is None:
        (night,) = nights
        segments = _segments(transaction, audience.segments, night, f"{place}.segments")
        told = Told(None, night.label_set, segments, audience.min_confidence)
        bare = _TABLE.format(sql.Identifier("label"))
        is_named = set(audience.columns) & set(NAME_COLUMNS) and not are_completed(audience)
        named = _named("", night, audience) if is_named else sql.SQL("")
        chosen = sql.SQL("label.label_set = {} and {} and label.confidence >= {}").format(
            sql.Literal(night.label_set), _in(segments), sql.Literal(audience.min_confidence)
        )
        return AudienceLabels(bare + named, bare, chosen, told)
    members, joins = [], []
    for night in nights:
        segments = _segments(transaction, audience.models[night.model], night, f"{place}.models.{night.model}")
        told = Told(None, night.label_set, segments, audience.min_confidence)
        members.append(sql.SQL("({})").format(members_of(transaction, told)))
        shown = {name for name in MODEL_COLUMNS if f"{night.model}.{name}" in audience.columns}
        if shown:
            joins.append(_joined(night))
        if shown & set(NAME_COLUMNS) and not are_completed(audience):
            joins.append(_named(night.model, night, audience))
    every = sql.SQL(" intersect " if audience.match == "all" else " union ").join(members)
    bare = sql.SQL("({}) as label").format(every)
    return AudienceLabels(sql.Composed([bare, *joins]), bare, sql.SQL("true"), None)


def completion(transaction: Transaction, audience: Audience, nights: Sequence[Night]) -> Completion | None:
    """Return what completes the rows of an audience of these nights; None where they arrive complete."""
    if not are_completed(audience):
        return None
    texts = {}
    for night in nights:
        rows = transaction.rows("exports/names", label_set=night.label_set)
        ids = pa.array([row.segment_id for row in rows], pa.int64())
        for name in NAME_COLUMNS:
            column = name if audience.models is None else f"{night.model}.{name}"
            if column in audience.columns:
                of_segments = pa.array([getattr(row, name) for row in rows], pa.string())
                texts[column.replace(".", "_")] = SegmentTexts(ids, of_segments)
    return Completion(audience.headers, nights[0].as_of, texts)


def fit_text(text: sql.Composable, audience: Audience) -> sql.Composable:
    """Return an expression of text as the audience's file has it."""
    if audience.file_format == "jsonl":
        return encoded(text, "text")
    return guarded(text) if audience.file_format == "csv" else text


def _joined(night: Night) -> sql.Composable:
    """Return the labels of a model, which a customer of another one may not have."""
    alias = _alias("label", night.model)
    return sql.SQL(" left join {} on {}.label_set = {} and {}.customer_id = label.customer_id").format(
        _TABLE.format(alias), alias, sql.Literal(night.label_set), alias
    )


def _named(model: str, night: Night, audience: Audience) -> sql.Composable:
    """Return the names of segments, each made fit for a file once and not for every customer."""
    names = [sql.Identifier(name) for name in NAME_COLUMNS]
    columns = [sql.SQL("{} as {}").format(fit_text(name, audience), name) for name in names]
    rows = (
        " left join (select segment_id, {} from segmentation.label_names where label_set = {} offset 0) as {}"
        " on {}.segment_id = {}.segment_id"
    )
    label, named = _alias("label", model), _alias("named", model)
    return sql.SQL(rows).format(sql.SQL(", ").join(columns), sql.Literal(night.label_set), named, named, label)


def _alias(kind: str, model: str) -> sql.Identifier:
    return sql.Identifier(f"{kind} {model}" if model else kind)


def _segments(
    transaction: Transaction, wanted: Sequence[int | str] | None, night: Night, place: str
) -> list[int] | None:
    if wanted is None:
        return None
    known = {row.segment_id: row.segment_name for row in transaction.rows("exports/names", label_set=night.label_set)}
    by_name = {name.casefold(): number for number, name in known.items()}
    chosen: list[int] = []
    for one in wanted:
        found = one if isinstance(one, int) else by_name.get(one.casefold())
        if found is None or found not in known:
            told = [f"{name} ({number})" for number, name in known.items()]
            why = _why_gone(transaction, one, night)
            raise ConfigurationError(
                f"{place}: {one!r} is no segment of that date{why}{did_you_mean(str(one), told)}; nothing was sent"
            )
        chosen.append(found)
    return chosen


def _why_gone(transaction: Transaction, wanted: int | str, night: Night) -> str:
    """Return what last happened to a segment that is no more, or not by that name; nothing where nothing did."""
    is_id = isinstance(wanted, int)
    asked = {"segment_id": wanted if is_id else None, "segment_name": None if is_id else wanted}
    found = transaction.row("exports/last_event", model=night.model, **asked)
    return "" if found is None else f" ({found.occurred_on}: {found.description.rstrip('.')})"


def _in(segments: list[int] | None) -> sql.Composable:
    if segments is None:
        return sql.SQL("true")
    return sql.SQL("label.segment_id = any({})").format(sql.Literal(segments))
