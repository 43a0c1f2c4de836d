"""One customer on the Segments page: where, since when and why, and the line of their life by every model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.exc import DBAPIError

from clustering.config import Configuration, Contract
from clustering.errors import ClusteringError, DataError
from clustering.scoring.customer_lives import FoundCustomer, Life, Period, look_up
from clustering.scoring.explained_customers import CustomerLabel
from clustering.web.assets import assets
from clustering.web.backend import Open
from clustering.web.error_answers import RETRY, explain_and_log
from clustering.web.security import Access
from clustering.web.templating import render

WIDTH = 1000  # of the line of a life, in units of its drawing
LEAST = 4

# What the causes of a move mean to people; those of `segment_changes`.
CAUSES = {
    "behaviour": "the customer changed",
    "time": "time passed",
    "model": "the model changed",
    "source": "rejected, or back in the source",
    "joined": "new in the source",
    "left": "gone from the source",
    "correction": "a date was corrected",
    "unknown": "not known",
}


@dataclass(frozen=True)
class Drawn:
    """A period with its place on the line, in units of the drawing."""

    period: Period
    start: float
    width: float


@dataclass(frozen=True)
class Shown:
    """A customer by one model: the label with its reason, None for one who has none now, and the life."""

    model: str
    title: str
    label: CustomerLabel | None
    life: Life | None
    line: tuple[Drawn, ...]


def add_customer(router: APIRouter, backend: Open, access: Access, headers: dict[str, str]) -> None:
    """Add the search for one customer, for whoever may look customers up."""
    allowed = [Depends(access.looks_up or access.customers)]

    @router.get("/customer", dependencies=allowed)
    def customer(request: Request, key: Annotated[str | None, Query(max_length=1000)] = None) -> Response:
        """Show one customer, or ask for the key of one."""
        answer = _found(backend, key) if key else _page(200, key="", customer=None, shown=(), problem=None)
        answer.headers.update(headers)
        return answer


def _found(backend: Open, key: str) -> HTMLResponse:
    try:
        opened = backend()
        found = look_up(opened.configuration, opened.champions.registry, customer_id=key)
    except DataError as error:
        return _page(404, key=key, customer=None, shown=(), problem=str(error))
    except (ClusteringError, DBAPIError) as error:
        return _page(503, key=key, customer=None, shown=(), problem=explain_and_log(error))
    shown = by_model(found, opened.configuration)
    return _page(
        200, key=key, customer=found.customer_id, shown=shown, problem=None, contract=opened.configuration.contract
    )


def _page(
    status: int,
    *,
    key: str,
    customer: str | int | None,
    shown: tuple[Shown, ...],
    problem: str | None,
    contract: Contract | None = None,
) -> HTMLResponse:
    columns = contract.columns if contract else {}
    text = render(
        "customer.html",
        assets=assets(),
        key=key,
        customer=customer,
        shown=shown,
        problem=problem,
        columns=columns,
        causes=CAUSES,
        width=WIDTH,
    )
    return HTMLResponse(text, status, RETRY if status == 503 else None)


def by_model(found: FoundCustomer, configuration: Configuration) -> tuple[Shown, ...]:
    """Return what is known of a customer by each configured model that knows them, in the order of the models."""
    labels = {label.model: label for label in found.labels}
    lives = {life.model: life for life in found.lives}
    dates = [label.as_of for label in found.labels]
    return tuple(
        Shown(name, configuration.title(name), labels.get(name), lives.get(name), _line(lives.get(name), dates))
        for name in configuration.models
        if name in labels or name in lives
    )


def _line(life: Life | None, dates: list[date]) -> tuple[Drawn, ...]:
    """Return the periods on a line from the first day to the last one, an open one up to the day of the labels."""
    if life is None:
        return ()
    first = life.periods[0].valid_from
    last = max([*dates, *(period.valid_to or period.valid_from for period in life.periods)]) + timedelta(days=1)
    days = (last - first).days

    def at(day: date) -> float:
        return round(WIDTH * (day - first).days / days, 1)

    return tuple(
        Drawn(
            period, start := min(at(period.valid_from), WIDTH - LEAST), max(at(period.valid_to or last) - start, LEAST)
        )
        for period in life.periods
    )
