"""The body of a request: read no further than allowed, and parsed as strictly as JSON is defined."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn, TypeVar

import anyio
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from clustering.errors import ConfigurationError, refuse_unknown
from clustering.settings import ApiLimits
from clustering.web.error_answers import Refusal
from clustering.web.schemas import ClusterRequest

Form = TypeVar("Form", bound=BaseModel)

BODY_SECONDS = 30.0  # for which the rest of a body is waited for
WAY_ON = (
    "send fewer at a time, or trigger the DAG cluster_customers with the same body as its conf; "
    "for whole tables there is the DAG segment_customers"
)


async def read_body(request: Request) -> bytes:
    """Return a body of JSON; Refusal 413 or 415 as soon as it can be told, 408 where it does not arrive in time.

    No route lets the framework read a body: it would do so without a limit, and before it asks who is there.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refusal(415, "send JSON, with the header Content-Type: application/json")
    most = ApiLimits.read().bytes
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise too_large(most)
    body = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_large(most)
    except TimeoutError:
        raise Refusal(408, f"the body did not arrive within {BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise Refusal(400, "the body was cut off") from None
    return bytes(body)


def too_large(most: int) -> Refusal:
    """Return the answer to a body that is larger than the limit."""
    return Refusal(413, f"the body is larger than {most:,} bytes; {WAY_ON}", most_bytes=most)


def too_many(rows: int, most: int) -> Refusal:
    """Return the answer to more rows than the limit."""
    return Refusal(413, f"{rows:,} rows are more than the {most:,} of one request; {WAY_ON}", most_rows=most)


def parse_request(body: bytes) -> ClusterRequest:
    """Return the request that a body holds.

    Raises Refusal: 400 for what is not JSON, 413 for too many rows, 422 for JSON of another form.
    """
    content = _parse(body)
    rows, most = content.get("data") if isinstance(content, dict) else None, ApiLimits.read().rows
    if isinstance(rows, list) and len(rows) > most:
        raise too_many(len(rows), most)
    return _validated(content, ClusterRequest)


def parse_body(body: bytes, form: type[Form]) -> Form:
    """Return what a body holds, in a form; Refusal 400 for what is not JSON, 422 for JSON of another form."""
    return _validated(_parse(body), form)


def _validated(content: Any, form: type[Form]) -> Form:
    try:
        if isinstance(content, dict):
            refuse_unknown(content, form.model_fields, what="field of the body")
        return form.model_validate(content)
    except ConfigurationError as error:
        raise Refusal(422, str(error)) from None
    except ValidationError as error:
        raise Refusal.of_fields(error.errors(include_url=False, include_context=False, include_input=False)) from None


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise Refusal(400, "the body is nested too deeply") from None
    except ValueError as error:  # also what is not UTF-8, and integers of thousands of digits
        raise Refusal(400, f"the body is not JSON: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"an object has the name {twice[:100]!r} twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a value of JSON; leave the field out, or send null")
