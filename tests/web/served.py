"""The standalone app in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from clustering.config import PROJECT
from tests.projects import Project
from tests.web.examples import SECRET


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(project: Project) -> dict[str, str]:
    """Return the environment of a server on a project."""
    return {
        **os.environ,
        "WAREHOUSE_URL": project.warehouse.uri,
        "CLUSTERING_STORE": str(project.registry.store),
        "CLUSTERING_API_TOKEN": SECRET,
    }


@contextmanager
def serving(project: Project, log: Path) -> Iterator[str]:
    """Run `python -m clustering.web.server` and return its address."""
    port = free_port()
    command = [sys.executable, "-m", "clustering.web.server", "--port", str(port), "--no-access-log"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=PROJECT, env=settings(project), stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/health", server, log)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path, *, seconds: float = 60) -> None:
    """Wait until a server answers, whatever it answers."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if server.poll() is not None:
            break
        try:
            httpx.get(url, timeout=5, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the server does not answer: {log.read_text()[-2000:]}")
