"""Sessions of a browser on the standalone server: signed by the API's token, with an end, and nothing kept here.

Whoever has the token can make one, nobody else can; another token ends them all.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time

from fastapi import Request

COOKIE = "segmentation_session"
SECONDS = 8 * 3600
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_FORM = re.compile(r"(?P<signed>(?P<end>\d{1,12})\.[\w-]{22})\.(?P<signature>[0-9a-f]{64})", re.ASCII)


def new_session(token: str) -> str:
    """Return a session that holds from now on for SECONDS."""
    signed = f"{int(time.time()) + SECONDS}.{secrets.token_urlsafe(16)}"
    return f"{signed}.{_signature(token, signed)}"


def holds(token: str, session: str) -> bool:
    """Return whether a session was made with the token, and has not ended."""
    found = _FORM.fullmatch(session)
    if found is None or not hmac.compare_digest(found["signature"], _signature(token, found["signed"])):
        return False
    return time.time() < int(found["end"]) <= time.time() + SECONDS


def is_plain_loopback(request: Request) -> bool:
    """Return whether a browser asks this very computer, without TLS: the one place where a cookie needs none."""
    return request.url.scheme == "http" and request.url.hostname in LOOPBACK


def _signature(token: str, signed: str) -> str:
    # The key is no part of what a caller sends as the token, and is for this alone.
    key = hmac.digest(token.encode(), b"segmentation: session of a browser", hashlib.sha256)
    return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
