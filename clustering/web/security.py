"""Who may ask: the standalone app takes one bearer token; Airflow brings its own answer."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from clustering.errors import ConfigurationError
from clustering.settings import ANONYMOUS, TOKEN, AccessSettings
from clustering.web.log_in import log_in_address, make_log_in
from clustering.web.sessions import COOKIE, holds

log = logging.getLogger(__name__)

LEAST_TOKEN = 16  # characters

_bearer = HTTPBearer(auto_error=False, description=f"The token that the server was started with ({TOKEN}).")


@dataclass(frozen=True)
class Caller:
    """Who uses the page, whether they may change champions or look customers up, and have a session of ours to end."""

    name: str
    may_change: bool
    has_session: bool = False
    may_look_up: bool = True


def _reader() -> Caller:
    return Caller("a reader", may_change=False)


@dataclass(frozen=True)
class Access:
    """The FastAPI dependencies that let a caller through, or answer 401 or 403; `caller` says who it is.

    `reads` guards what is known of models and segments, with samples of customers that have no keys; `customers` guards
    single customers, whom a caller hands over, or looks up by key with their values; on the page `looks_up` does, where
    it is given.

    `log_in`, where there is such a page, is the address that a browser is sent to which `is_stranger` says of the
    answer: one without a log-in, or with one that does not hold any more. `open_routes`, where there are any, are for
    everybody: those of a log-in of our own.
    """

    reads: Callable[..., Any]
    customers: Callable[..., Any]
    caller: Callable[..., Caller] = _reader
    log_in: Callable[[Request], str] | None = None
    is_stranger: Callable[[Request, HTTPException], bool] = lambda _, error: error.status_code == 401
    open_routes: APIRouter | None = None
    looks_up: Callable[..., Any] | None = None


def recognise(
    user: Callable[..., Any],
    *,
    name: Callable[[Any], str],
    require: Callable[[Request, Any], None],
    looks_up: Callable[[Request, Any], None] = lambda *_: None,
) -> Callable[..., Caller]:
    """Return the dependency that names the user.

    They may change champions unless `require` answers 403, and look customers up unless `looks_up` does.
    """

    def caller(request: Request, known: Any = Depends(user)) -> Caller:  # noqa: B008
        may_change, may_look_up = (_lets(one, request, known) for one in (require, looks_up))
        return Caller(name(known), may_change=may_change, may_look_up=may_look_up)

    return caller


def _lets(require: Callable[[Request, Any], None], request: Request, known: Any) -> bool:
    try:
        require(request, known)
    except HTTPException as error:
        if error.status_code != 403:
            raise
        return False
    return True


def token_access() -> Access:
    """Return access for whoever has the token of `CLUSTERING_API_TOKEN`.

    Without a token everybody has access if `CLUSTERING_API_ALLOW_ANONYMOUS` is 1; otherwise raises ConfigurationError,
    as for a token of fewer than 16 characters.
    """
    settings = AccessSettings.read()
    if settings.token:
        token = settings.token.get_secret_value()
        if len(token) < LEAST_TOKEN:
            raise ConfigurationError(
                f"{TOKEN} has {len(token)} characters, and a token that cannot be guessed has at least {LEAST_TOKEN}; "
                'take that of python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
            )
        return Access(
            reads=_require(token, or_session=True),
            customers=_require(token, or_session=False),
            caller=_by_session(token),
            log_in=log_in_address,
            open_routes=make_log_in(token),
            looks_up=_require(token, or_session=True),
        )
    if not settings.allow_anonymous:
        raise ConfigurationError(
            f"{TOKEN} is not set; set it to a long random text that callers send as `Authorization: Bearer <text>`, "
            f"or set {ANONYMOUS}=1 to serve whoever can reach the port"
        )
    log.warning("%s=1: whoever can reach the port can post customers, look them up and read segments", ANONYMOUS)
    return Access(reads=_everybody, customers=_everybody)


def _require(token: str, *, or_session: bool) -> Callable[..., Any]:
    """Return the dependency that lets the token through, and where it says so a session: that is for reading alone."""
    expected = token.encode()

    async def known_caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        # A header's bytes reach Python as Latin-1.
        given = credentials.credentials.encode("latin-1") if credentials else b""
        if hmac.compare_digest(given, expected):
            return
        # A wrong token is told, whatever session there is beside it.
        if or_session and "authorization" not in request.headers and _has_session(request, token):
            return
        raise HTTPException(
            401, "a valid token is needed: Authorization: Bearer <token>", {"WWW-Authenticate": "Bearer"}
        )

    return known_caller


def _by_session(token: str) -> Callable[..., Caller]:
    def caller(request: Request) -> Caller:
        return Caller("a reader", may_change=False, has_session=_has_session(request, token))

    return caller


def _has_session(request: Request, token: str) -> bool:
    return holds(token, request.cookies.get(COOKIE, ""))


async def _everybody() -> None:
    return None
