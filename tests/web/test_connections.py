"""Requests that do not arrive: their connections are closed in time, those of others are not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from clustering.web import connections
from tests.web.served import free_port

REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer when the body is there, and half a second later."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def serve(work: Callable[[int], Any]) -> Any:
    """Run some work on the port of a server in a loop of its own, and return what it returns."""

    async def run() -> Any:
        port = free_port()
        server = uvicorn.Server(
            uvicorn.Config(echo, port=port, http=connections.HurriedProtocol, lifespan="off", log_level="error")
        )
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.05)
        try:
            return await work(port)
        finally:
            server.should_exit = True
            await serving

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(run())).result()


async def ask(port: int, *parts: bytes, pause: float = 0) -> bytes:
    """Send parts of a request one after the other and return the answer; nothing where the connection was closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return await reader.read(4_096)
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("parts", [[], [REQUEST[:30]], [REQUEST], [REQUEST, b"ab"], [REQUEST + b"abcdPOST / HT"]])
def test_request_that_does_not_arrive_is_cut_off(monkeypatch: pytest.MonkeyPatch, parts: list[bytes]) -> None:
    """Whatever of it is missing, also after a whole one on the same connection."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 1.0)

    async def work(port: int) -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        while (answer := await asyncio.wait_for(ask(port, *parts), 5)).startswith(b"HTTP/1.1 200"):
            return loop.time() - started
        assert answer == b""
        return loop.time() - started

    assert serve(work) < 3
    assert connections._unfinished == {}


def test_slow_request_and_slow_answer_are_no_half_sent_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that arrives in time is answered, however long that takes."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.4)
    answer = serve(lambda port: ask(port, REQUEST[:20], REQUEST[20:] + b"ab", b"cd", pause=0.1))
    assert answer.startswith(b"HTTP/1.1 200")


def test_the_oldest_half_sent_request_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit, who waits for nothing but the rest of a request loses the place to who comes."""
    monkeypatch.setattr(connections, "MOST", 3)

    async def work(port: int) -> list[bytes]:
        half = [asyncio.create_task(ask(port, REQUEST)) for _ in range(3)]
        await asyncio.sleep(0.3)
        answer = await ask(port, REQUEST + b"abcd")
        gone = [one.result() for one in half if one.done()]
        for one in half:
            one.cancel()
        return [answer, *gone]

    answer, *gone = serve(work)
    assert answer.startswith(b"HTTP/1.1 200")
    assert gone == [b""]
