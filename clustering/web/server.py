"""The standalone server: `python -m clustering.web.server`."""

from __future__ import annotations

import argparse
import sys

import uvicorn

from clustering.errors import ConfigurationError
from clustering.web.application import standalone_app

KEEP_ALIVE_SECONDS = 5
HEADER_BYTES = 16 * 1024


def main() -> int:
    """Serve the app until it is stopped, and return the exit code."""
    parser = argparse.ArgumentParser("python -m clustering.web.server", description="Serve the API and its page.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument("--no-access-log", action="store_true", help="log no requests")
    given = parser.parse_args()
    try:
        standalone_app()  # what is wrong is said before any process is started
    except ConfigurationError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    uvicorn.run(
        "clustering.web:app",
        host=given.host,
        port=given.port,
        workers=given.workers,
        access_log=not given.no_access_log,
        http="clustering.web.connections:HurriedProtocol",
        ws="none",
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=HEADER_BYTES,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
