"""Log-in and log-out of a browser on the standalone server, by the API's token; for reading alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from clustering.web.assets import assets
from clustering.web.error_answers import Refusal
from clustering.web.sessions import COOKIE, SECONDS, is_plain_loopback, new_session
from clustering.web.templating import render

log = logging.getLogger(__name__)

MOST_BYTES = 8 * 1024  # of the form
_OURS = re.compile(r"(?:page|docs)(?:\?[\w=&%.+-]*)?", re.ASCII)  # what a log-in may lead to


def make_log_in(token: str) -> APIRouter:
    """Return the routes that a stranger may ask: the form, what it is sent to, and the log-out."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def form(request: Request, next: str = "page") -> Response:
        """Show the form."""
        return _form(request, next)

    @router.post("/login")
    async def log_in(request: Request, next: str = "page") -> Response:
        """Give a session for the token."""
        _require_own_form(request)
        if not hmac.compare_digest((await _given(request)).strip().encode(), token.encode()):
            log.warning("a log-in with a wrong token was refused")
            return _form(request, next, wrong=True)
        answer = RedirectResponse(next if _OURS.fullmatch(next) else "page", 303)
        _set(answer, request, new_session(token), seconds=SECONDS)
        return answer

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        """Take the session out of the browser."""
        _require_own_form(request)
        answer = RedirectResponse("login", 303)
        _set(answer, request, "", seconds=0)
        return answer

    return router


def log_in_address(request: Request) -> str:
    """Return the address of the form, relative to what was asked for, which leads back there."""
    path = request.url.path.removeprefix(request.scope.get("root_path", "")).strip("/")
    wanted = path + (f"?{request.url.query}" if request.url.query else "")
    up = "../" * path.count("/")
    return f"{up}login?{urlencode({'next': wanted})}" if _OURS.fullmatch(wanted) else f"{up}login"


def _set(answer: Response, request: Request, session: str, *, seconds: int) -> None:
    answer.set_cookie(
        COOKIE,
        session,
        max_age=seconds,
        path=f"{request.scope.get('root_path', '')}/",
        httponly=True,
        samesite="lax",  # links in chat and mail lead to the page; the session reads alone, forms are checked
        secure=not is_plain_loopback(request),
    )


async def _given(request: Request) -> str:
    """Return the token that the form holds, an empty text where there is none."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Refusal(413, "the form holds a token alone, and a token is shorter than that")
    try:
        return parse_qs(body.decode(), max_num_fields=10).get("token", [""])[0]
    except ValueError:
        return ""


def _form(request: Request, wanted: str, *, wrong: bool = False) -> Response:
    style = assets()["page.css"].text
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    text = render(
        "log_in.html",
        is_kept=request.url.scheme == "https" or is_plain_loopback(request),
        style=Markup(style),  # noqa: S704 - our own file
        wanted=wanted if _OURS.fullmatch(wanted) else "page",
        wrong=wrong,
    )
    headers = {"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}
    return HTMLResponse(text, 401 if wrong else 200, headers)


def _require_own_form(request: Request) -> None:
    """Let through what comes from a page of ours, or from no page at all."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # What the browser says of itself holds behind a proxy, too, which may have put another Host in its place.
    if site is not None:
        own = site in ("same-origin", "none")
    else:
        own = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if not own:
        raise Refusal(403, "this request does not come from the log-in page; open it and try again")
