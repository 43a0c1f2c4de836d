"""A segment's own page: who it is, who came and left lately and why, and both as files for who may have them."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from clustering.errors import DataError, RunError
from clustering.warehouse import Row
from clustering.web.assets import assets
from clustering.web.backend import Backend, Open
from clustering.web.customer_page import CAUSES
from clustering.web.downloads import What, download
from clustering.web.error_answers import Refusal
from clustering.web.limits import STATEMENT_SECONDS
from clustering.web.overdue import in_time
from clustering.web.security import Access, Caller
from clustering.web.segment_reads import (
    MOST_DAYS,
    Moved,
    Place,
    SegmentView,
    Side,
    read_moved,
    read_sample,
    read_segment,
    read_starts,
)
from clustering.web.shown_pages import shown
from clustering.web.templating import render

LISTED = 50  # customers of a list
Text: TypeAlias = Annotated[str | None, Field(max_length=200)]


class Asked(BaseModel):
    """What the address asks for; a cause that is not known there counts as not asked for."""

    segment: int = Field(ge=0, lt=2**31)
    model: Text = None
    as_of: Text = None
    since: Text = None
    cause: Text = None
    came: Text = None
    left: Text = None

    @property
    def known_cause(self) -> str | None:
        """The cause that lists are narrowed to."""
        return self.cause if self.cause in CAUSES else None


class AskedFile(Asked):
    """A file of what the page shows."""

    what: What


def add_segment(router: APIRouter, backend: Open, access: Access, headers: dict[str, str]) -> None:
    """Add a segment's page, for whoever may read, and its files, for whoever may look customers up."""
    allowed = [Depends(access.looks_up or access.customers)]

    @router.get("/segment")
    def segment(
        wanted: Annotated[Asked, Query()],
        caller: Caller = Depends(access.caller),  # noqa: B008
    ) -> Response:
        """Show a segment."""
        answer = shown(lambda: _text(backend(), wanted, caller))
        answer.headers.update(headers)
        return answer

    @router.get("/segment/download", dependencies=allowed)
    def file(
        wanted: Annotated[AskedFile, Query()],
        caller: Caller = Depends(access.caller),  # noqa: B008
    ) -> Response:
        """Give the members of a segment, or who came or left, as a file."""
        opened = backend()
        try:
            with opened.reading() as transaction:
                view = _read(opened, transaction, wanted)
            span, cause = view.span(wanted.since), wanted.known_cause
            answer = download(opened, view, wanted.what, span, cause=cause, asked_by=caller.name)
        except (DataError, RunError) as error:
            raise Refusal(404, str(error)) from None
        answer.headers.update(headers)
        return answer


def _read(opened: Backend, transaction: Any, wanted: Asked) -> SegmentView:
    return read_segment(
        transaction,
        opened.configuration,
        model=wanted.model or None,
        segment_id=wanted.segment,
        as_of=wanted.as_of or None,
    )


def _text(opened: Backend, wanted: Asked, caller: Caller) -> str:
    listed = LISTED if caller.may_look_up else 0
    with opened.reading() as transaction:
        view = _read(opened, transaction, wanted)
        span = view.span(wanted.since)
        moved: dict[Side, Moved] = {}
        places: dict[Side, str | None] = {"came": wanted.came, "left": wanted.left}
        for side, at in places.items():
            place = Place.read(at, span)
            moved[side] = read_moved(
                transaction, view, side, span, cause=wanted.known_cause, place=place, at_most=listed
            )
        starts = read_starts(transaction, view.model.name, span)
    sample, unsampled = _sample(opened, view) if listed else ([], None)
    address = {
        "model": view.model.name,
        "segment": view.segment_id,
        "as_of": f"{view.run.as_of}",
        "since": f"{span.since}",
        **({"cause": wanted.known_cause} if wanted.known_cause else {}),
    }
    since = [day for day in view.dates if 0 <= (span.until - day).days < MOST_DAYS]
    return render(
        "segment.html",
        assets=assets(),
        caller=caller,
        view=view,
        span=span,
        sinces=since if span.since in since else sorted([*since, span.since], reverse=True),
        moved=moved,
        pages=places,
        cause=wanted.known_cause,
        causes=CAUSES,
        starts=starts,
        sample=sample,
        unsampled=unsampled,
        change_days=opened.configuration.contract.change_days,
        address=lambda **more: urlencode({**address, **{name: f"{value}" for name, value in more.items()}}),
    )


def _sample(opened: Backend, view: SegmentView) -> tuple[list[Row], str | None]:
    """Return some members, or why there are none to show."""
    try:
        with in_time("reading a sample of the members", STATEMENT_SECONDS), opened.reading() as transaction:
            return read_sample(transaction, view), None
    except RunError as error:
        return [], str(error)
