"""One job of Spark's, through Spark Connect: places of shards go out, where their labels lie comes back."""

from __future__ import annotations

import logging
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from clustering import errors
from clustering.errors import ConfigurationError, RunError, SourceError
from clustering.scoring.label_files import WrittenPart
from clustering.scoring.spark_work import SHARD, SparkWork

log = logging.getLogger(__name__)

OURS = re.compile(r"clustering\.errors\.(\w+): (.+)")
LONGEST_REASON = 500  # characters
PORT = 15002  # of Spark Connect where none is named
PATIENCE = 10.0  # seconds


def run_on_spark(work: SparkWork, server: str) -> dict[int, WrittenPart]:
    """Label all shards of a job in one action, and return by shard what was written.

    Raises what a worker has raised, SourceError where Spark cannot be reached or did not finish, ConfigurationError
    where its client is not installed, RunError where a shard is missing.
    """
    count = len(work.shards)
    with _session(server) as spark:
        rows = (
            spark.range(0, count, 1, count)
            .withColumnRenamed("id", SHARD)
            .mapInArrow(work.function(), "shard bigint, written string")
            .collect()
        )
    written = {row.shard: WrittenPart.from_text(row.written) for row in rows}
    if missing := [one.shard for one in work.shards if one.shard not in written]:
        raise RunError(f"Spark has finished its job without shards {missing}; start a new run")
    return written


@contextmanager
def _session(server: str) -> Iterator[Any]:
    _require_answer(server)
    try:
        with warnings.catch_warnings(), _program():
            warnings.simplefilter("ignore", FutureWarning)  # of a newer pandas, which is not used here
            from pyspark.errors import PySparkException
            from pyspark.sql.connect.session import SparkSession
    except ImportError:
        raise ConfigurationError(
            "engine: spark needs the client of Spark Connect; install clustering[spark] where tasks run"
        ) from None
    spark = None
    try:
        spark = SparkSession.builder.remote(server).create()
        yield spark
    except PySparkException as error:
        raise _told(str(error)) from None
    finally:
        if spark is not None:
            with suppress(PySparkException):
                spark.stop()


@contextmanager
def _program() -> Iterator[None]:
    """Give a program that has no file one, such as `python -c`: the client takes it for its doctests, and exits."""
    program = sys.modules["__main__"]
    if hasattr(program, "__file__"):
        yield
        return
    program.__file__ = sys.executable
    try:
        yield
    finally:
        del program.__file__


def _require_answer(server: str) -> None:
    """Raise SourceError where nobody listens: the client itself would try for ten minutes."""
    parts = urlsplit(server)
    try:
        socket.create_connection((parts.hostname or "", parts.port or PORT), PATIENCE).close()
    except (OSError, ValueError) as error:
        place = f"{parts.hostname}:{parts.port or PORT}"
        raise SourceError(f"Spark Connect at {place} does not answer: {error}") from None


def _told(said: str) -> errors.ClusteringError:
    """Return the error of ours that a worker has raised, or else one that may pass."""
    found = OURS.search(said)
    kind = getattr(errors, found[1], None) if found else None
    if found and isinstance(kind, type) and issubclass(kind, errors.ClusteringError):
        return kind(found[2].strip())
    return SourceError(f"Spark did not finish the job: {' '.join(said.split())[:LONGEST_REASON]}")
