"""Held nights on the Segments page: what was found, and the decision of who may make it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from unicodedata import category

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, Field, StrictInt, StringConstraints

from clustering.errors import ClusteringError, DataError, HeldError, RunError
from clustering.warehouse import Warehouse
from clustering.web.backend import Backend, Open
from clustering.web.body import parse_body, read_body
from clustering.web.error_answers import Refusal
from clustering.web.own_page import require_change
from clustering.web.security import Access, Caller

log = logging.getLogger(__name__)

MOST = 500  # characters of a reason
TOLD = 3  # checks that are named in an answer; the others are a number


def _one_line(text: str) -> str:
    # A NUL and half of a surrogate pair cannot be stored, and the others change how a terminal shows the reason.
    if any(category(one) in ("Cc", "Cs") for one in text):
        raise ValueError("has to be one line without control characters")
    return text


Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST), AfterValidator(_one_line)
]


class Decision(BaseModel):
    """What a person decides on a held run, and why."""

    run_id: Annotated[StrictInt, Field(ge=1, lt=2**63)]
    decision: Literal["publish", "abandon"]
    reason: Reason


def add_held_nights(router: APIRouter, backend: Open, access: Access) -> None:
    """Add the route that a decision is sent to."""

    @router.post("/page/held")
    def held(
        request: Request,
        body: Annotated[bytes, Depends(read_body)],
        caller: Caller = Depends(access.caller),  # noqa: B008
    ) -> Mapping[str, Any]:
        """Publish a held night all the same, or abandon it."""
        require_change(request, caller, "decide on a held night")
        return decide(backend(), parse_body(body, Decision), decided_by=caller.name)


def decide(opened: Backend, decision: Decision, *, decided_by: str) -> dict[str, str]:
    """Publish or abandon a held run and say what came of it.

    Raises Refusal 409 when it is not held any more, when somebody else decides at the same moment and is the first, or
    when it cannot be published.
    """
    # What a large night takes is more than a page may wait for; the limits of reading do not hold here.
    warehouse = Warehouse(opened.warehouse.uri)
    run = _run(warehouse, decision.run_id)
    if run is None or run.status != "held":
        raise Refusal(409, f"run {decision.run_id} is not held any more; reload the page and look again")
    try:
        if decision.decision == "publish":
            told = _publish(warehouse, opened, decision, decided_by)
            return {"message": " ".join([f"The night of {run.as_of} was published in spite of its findings.", *told])}
        _abandon(warehouse, decision, decided_by)
    except (RunError, HeldError, DataError) as error:
        raise Refusal(409, str(error)) from None
    return {"message": f"The night of {run.as_of} was abandoned; readers notice nothing."}


def _run(warehouse: Warehouse, run_id: int) -> Any:
    with warehouse.transaction(read_only=True) as transaction:
        return transaction.row("checks/run", run_id=run_id)


def _publish(warehouse: Warehouse, opened: Backend, decision: Decision, decided_by: str) -> list[str]:
    """Publish a run and return what has to be told of it."""
    from clustering.scoring.publication import Release, publish_run

    release = Release(decided_by, decision.reason)
    published = publish_run(warehouse, opened.configuration, run_id=decision.run_id, release=release)
    if _run(warehouse, decision.run_id).note != release.note:
        raise _too_late(decision.run_id, published["status"])
    return [*_left_out(published["failed"]), *_watched(warehouse, opened, decision.run_id)]


def _abandon(warehouse: Warehouse, decision: Decision, decided_by: str) -> None:
    from clustering.scoring.endings import abandon_by_hand

    told = abandon_by_hand(warehouse, run_id=decision.run_id, abandoned_by=decided_by, reason=decision.reason)
    if not told["abandoned"]:
        raise _too_late(decision.run_id, told["status"])


def _too_late(run_id: int, status: str) -> Refusal:
    return Refusal(409, f"run {run_id} is {status} by now: somebody else has decided; reload the page and look again")


def _left_out(failed: Mapping[str, str]) -> list[str]:
    models = ", ".join(sorted(failed))
    return [f"Left out, so that readers keep the former result: {models}; run_failures says why."] if failed else []


def _watched(warehouse: Warehouse, opened: Backend, run_id: int) -> list[str]:
    """Return what has drifted in a published night; a failure never makes it less published."""
    from sqlalchemy.exc import DBAPIError

    from clustering.monitoring.alarms import watch

    try:
        found = watch(warehouse, opened.configuration, run_id=run_id, may_ask=False)
    except (ClusteringError, DBAPIError):
        log.exception("run %s was published, and could not be watched for drift", run_id)
        return ["It could not be watched for drift; the server's log says why."]
    told, more = [alarm["sentence"] for alarm in found["alarms"][:TOLD]], len(found["alarms"]) - TOLD
    drift = "; ".join([*told, *([f"and {more} more"] if more > 0 else [])])
    unwatched = ", ".join(sorted(found["unwatched"]))
    return [
        *([f"Customers have drifted: {drift}."] if drift else []),
        *([f"Not checked for drift: {unwatched}."] if unwatched else []),
    ]
