"""Changes come from our own page, which alone knows the token that its cookie holds, by who may make them."""

from __future__ import annotations

import hmac
import re
import secrets

from fastapi import Request, Response

from clustering.web.error_answers import Refusal
from clustering.web.security import Caller

COOKIE, HEADER = "segmentation_csrf", "X-Segmentation-CSRF"


def page_token(request: Request) -> str:
    """Return the caller's token against forged requests, a new one when there is none."""
    present = request.cookies.get(COOKIE, "")
    return present if re.fullmatch(r"[\w-]{43}", present) else secrets.token_urlsafe(32)


def keep_token(request: Request, answer: Response, token: str) -> None:
    """Let the caller's browser keep the token that is in a page."""
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")


def require_change(request: Request, caller: Caller, what: str) -> None:
    """Let through what comes from our page by who may make a change; Refusal 403 for everything else."""
    expected, given = request.cookies.get(COOKIE, ""), request.headers.get(HEADER, "")
    same_site = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    if not (expected and same_site and hmac.compare_digest(expected.encode(), given.encode("latin-1"))):
        raise Refusal(403, "this request does not come from the Segments page; reload it and try again")
    if not caller.may_change:
        raise Refusal(403, f"you may not {what}: it takes the right to trigger the DAG retrain_models")
