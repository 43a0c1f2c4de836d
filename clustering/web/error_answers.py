"""What is answered when a request cannot be served: one form for all, `{"detail": …}` and what belongs to it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException as StarletteHTTPException

from clustering.errors import (
    ArtifactError,
    ClusteringError,
    DataError,
    NoChampionError,
    RunError,
    SourceError,
    StoreError,
    WarehouseError,
)
from clustering.warehouse.states import LOCK_NOT_AVAILABLE, QUERY_CANCELED, state_of

log = logging.getLogger(__name__)

RETRY_AFTER = 5  # seconds
RETRY = {"Retry-After": str(RETRY_AFTER)}
ERRORS_LISTED = 100
BUSY = (
    f"the warehouse is busy: a lock or a long statement holds it up; try again in {RETRY_AFTER} seconds, and if that "
    "goes on, let an operator look at pg_stat_activity"
)
_NO_SCHEMA = ("42P01", "42703", "3F000")  # PostgreSQL: undefined table, column, schema


class Answer(JSONResponse):
    """A body of JSON in ASCII: a text may hold half a surrogate pair, which UTF-8 cannot."""

    def render(self, content: Any) -> bytes:
        """Return the content as JSON."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Refusal(HTTPException):
    """A request that is not served, with the status, a sentence that says why, and further fields of the answer."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(status, detail, headers)
        self.fields = fields

    @classmethod
    def of_fields(cls, faults: Sequence[Mapping[str, Any]]) -> Refusal:
        """Return the answer to a request of another form, from what pydantic found."""
        told = [
            {"field": ".".join(str(part)[:100] for part in fault["loc"]), "message": fault["msg"]}
            for fault in faults[:ERRORS_LISTED]
        ]
        first = f"{told[0]['field'] or 'the body'}: {told[0]['message']}" if told else "no reason was given"
        return cls(422, f"the request has another form than it needs: {first}", errors=told, errors_found=len(faults))


def add_handlers(
    app: FastAPI,
    *,
    log_in: Callable[[Request], str] | None = None,
    is_stranger: Callable[[Request, HTTPException], bool],
) -> None:
    """Let an app answer every error that we raise on purpose, and those of the database.

    A browser that is not logged in, as `is_stranger` tells, is sent to `log_in`, if there is such an address.
    """

    @app.exception_handler(StarletteHTTPException)
    async def refused(request: Request, error: StarletteHTTPException) -> Response:
        if log_in and isinstance(error, HTTPException) and is_stranger(request, error) and _is_browsing(request):
            return RedirectResponse(log_in(request), 303, {"Vary": "Accept"})
        return _answer(error)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        return _answer(Refusal.of_fields(error.errors()))

    @app.exception_handler(ClusteringError)
    async def failed(request: Request, error: ClusteringError) -> Response:
        if isinstance(error, NoChampionError):
            return _answer(Refusal(409, str(error)))
        if isinstance(error, DataError):
            return _answer(Refusal(422, str(error)))
        return _unavailable(request, error, explain(error))

    @app.exception_handler(DBAPIError)
    async def database_failed(request: Request, error: DBAPIError) -> Response:
        return _unavailable(request, error, explain(error))


def _is_browsing(request: Request) -> bool:
    """Return whether a person wants to see a page; scripts and programs accept anything, or ask for JSON."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _answer(error: StarletteHTTPException) -> Response:
    fields = error.fields if isinstance(error, Refusal) else {}
    return Answer({"detail": error.detail, **fields}, error.status_code, error.headers)


def _unavailable(request: Request, error: Exception, detail: str) -> Response:
    """Answer that the fault is on our side; hosts and paths stay in the log."""
    log.error("%s %s: %s", request.method, request.url.path, error, exc_info=None if detail == BUSY else error)
    return _answer(Refusal(503, detail, headers=RETRY))


def busy() -> Refusal:
    """Return the answer to a request that would have to wait too long."""
    return Refusal(503, BUSY, headers=RETRY)


def explain_and_log(error: ClusteringError | DBAPIError) -> str:
    """Return what to tell callers of a fault on our side, and tell the log all of it."""
    told = explain(error)
    log.error("%s", error, exc_info=None if told == BUSY else error)
    return told


def explain(error: ClusteringError | DBAPIError) -> str:
    """Return what to tell callers of a fault on our side, without hosts and paths."""
    if state_of(error) in (LOCK_NOT_AVAILABLE, QUERY_CANCELED):
        return BUSY
    if isinstance(error, DBAPIError):
        if getattr(error.orig, "pgcode", None) in _NO_SCHEMA:
            return "the warehouse is not migrated; run `python -m clustering migrate`"
        return "the warehouse cannot answer; the server's log says why"
    if isinstance(error, WarehouseError):
        return f"the warehouse cannot be reached; try again in {RETRY_AFTER} seconds"
    if isinstance(error, ArtifactError | StoreError):
        return "the champion's files in the model store cannot be used; the server's log says why"
    if isinstance(error, RunError | SourceError):
        return "the files of customers, or of their labels, cannot be read at this moment; the server's log says why"
    return "the server is not set up correctly; its log says what to change"
