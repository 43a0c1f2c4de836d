"""Changes come from our own page alone: it alone knows the token that its cookie holds."""

from __future__ import annotations

import hmac
import re
import secrets

from fastapi import Request

from clustering.web.error_answers import Refusal

COOKIE, HEADER = "segmentation_csrf", "X-Segmentation-CSRF"


def page_token(request: Request) -> str:
    """Return the caller's token against forged requests, a new one when there is none."""
    present = request.cookies.get(COOKIE, "")
    return present if re.fullmatch(r"[\w-]{43}", present) else secrets.token_urlsafe(32)


def require_own_page(request: Request) -> None:
    """Let through what comes from our page; Refusal 403 for everything else."""
    expected, given = request.cookies.get(COOKIE, ""), request.headers.get(HEADER, "")
    same_site = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    if not (expected and same_site and hmac.compare_digest(expected.encode(), given.encode("latin-1"))):
        raise Refusal(403, "this request does not come from the Segments page; reload it and try again")
