"""Connections of the standalone server: so many at the most, and a request has to arrive in time.

uvicorn waits for the rest of a request as long as its connection lasts, so that a thousand half-sent ones lock out
everybody else.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle

from uvicorn.protocols.http.auto import AutoHTTPProtocol

MOST = 400  # connections of a process; each takes a file, of which a process often has 1,024
REQUEST_SECONDS = 30.0  # from the first byte of a request, or from the connection, to its last

_unfinished: dict[
    HurriedProtocol, TimerHandle
] = {}  # the connections that wait for the rest of a request, oldest first


class HurriedProtocol(AutoHTTPProtocol):  # type: ignore[valid-type, misc]
    """A connection that is closed when a request does not arrive in time, or when others need its place."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the place of the connection that has waited longest for a request, where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            oldest = next(iter(_unfinished), self)
            oldest.transport.abort()
            _forget(oldest)
        if not transport.is_closing():
            self._watch()

    def data_received(self, data: bytes) -> None:
        """Take bytes, and go on waiting while they are not the last ones of a request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        _forget(self)
        super().connection_lost(exc)

    def _watch(self) -> None:
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            _forget(self)
        elif self not in _unfinished and not self.transport.is_closing():
            _unfinished[self] = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)


def _forget(connection: HurriedProtocol) -> None:
    if timer := _unfinished.pop(connection, None):
        timer.cancel()
