"""Customers of a segment as a file of comma-separated values, page by page, so that memory and snapshots stay small."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

from fastapi.responses import StreamingResponse
from psycopg2 import sql
from psycopg2.extras import Json

from clustering.errors import RunError
from clustering.exports.spreadsheet_cells import cell
from clustering.warehouse import Warehouse
from clustering.web.backend import Backend
from clustering.web.limits import run_in_own_thread
from clustering.web.samples import read_night_with_labels
from clustering.web.segment_reads import Place, SegmentView, Side, Span, read_changes

What: TypeAlias = Literal["members", "came", "left"]
Page: TypeAlias = list[Sequence[Any]]

ROWS = 10_000  # of a page
SAID = {"members": "members", "came": "who came", "left": "who left"}
HEADS = {
    "members": ("customer_id", "model", "segment_id", "segment_name", "confidence", "as_of"),
    "came": ("customer_id", "as_of", "from_segment_id", "from_segment_name", "cause", "change_id"),
    "left": ("customer_id", "as_of", "to_segment_id", "to_segment_name", "cause", "change_id"),
}


def download(
    backend: Backend, view: SegmentView, what: What, span: Span, *, cause: str | None, asked_by: str
) -> StreamingResponse:
    """Return a file of a segment's members on a date, or of who came or left in a time, after it is in the audit log.

    It has keys and what was published of them, no column of the source. Raises RunError where labels are gone.
    """
    if what == "members":
        pages = _members(backend.warehouse, view)
    else:
        pages = _changes(backend.warehouse, view, what, span, cause)
    first = next(pages, [])
    _record(backend.warehouse, view, what, span, cause=cause, asked_by=asked_by)
    name = f"{view.model.name}-segment-{view.segment_id}-{what}-{span.until}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(HEADS[what], first, pages), 200, headers, "text/csv; charset=utf-8")


def _members(warehouse: Warehouse, view: SegmentView) -> Iterator[Page]:
    names = {"label_set": sql.Literal(view.run.label_set)}
    after: Any = None
    while True:
        with warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
            # Labels that retention drops meanwhile would look like the end of the segment.
            night = read_night_with_labels(transaction, view.model.name, view.run.as_of)
            if night.label_set != view.run.label_set:
                raise RunError(
                    f"{view.model.name} was published anew for {view.run.as_of} meanwhile; download it again"
                )
            rows = transaction.rows(
                "segment_page/members", names, segment_id=view.segment_id, after=after, at_most=ROWS
            )
        known = (view.model.name, view.segment_id, view.name)
        yield [(row.customer_id, *known, row.confidence, view.run.as_of) for row in rows]
        if len(rows) < ROWS:
            return
        after = rows[-1].customer_id


def _changes(warehouse: Warehouse, view: SegmentView, side: Side, span: Span, cause: str | None) -> Iterator[Page]:
    values = {"model": view.model.name, "segment_id": view.segment_id, "since": span.since, "until": span.until}
    place = Place.read(None, span)
    while True:
        with warehouse.transaction(read_only=True) as transaction:
            rows = read_changes(transaction, values, side, cause=cause, place=place, at_most=ROWS)
        yield [
            (row.customer_id, row.as_of, row.other_segment_id, row.other_segment_name, row.cause, row.change_id)
            for row in rows
        ]
        if len(rows) < ROWS:
            return
        place = Place(rows[-1].as_of, rows[-1].change_id)


def _record(
    warehouse: Warehouse, view: SegmentView, what: What, span: Span, *, cause: str | None, asked_by: str
) -> None:
    """Note who took which customers, none of whom is named."""
    whole = what == "members"
    told = f"as of {span.until}" if whole else f"from {span.since} to {span.until}"
    detail = {
        "segment_id": view.segment_id,
        "what": what,
        "since": None if whole else f"{span.since}",
        "as_of": f"{span.until}",
        "cause": cause,
    }
    with warehouse.transaction() as transaction:
        transaction.execute(
            "audit/insert",
            action="download",
            model=view.model.name,
            actor=asked_by,
            description=f"Segment {view.segment_id}, {view.name}: {SAID[what]} {told}, with keys.",
            detail=Json(detail),
        )


async def _lines(head: Sequence[str], first: Page, pages: Iterator[Page]) -> AsyncIterator[str]:
    """Give a file page by page, each read in a thread of ours; what fails ends the answer before its end."""
    yield _text([head, *first])
    following: Callable[[], Page | None] = functools.partial(next, pages, None)
    while (page := await run_in_own_thread(following)) is not None:
        yield _text(page)


def _text(rows: Sequence[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()
