"""What a command of the command line says, and the models that train in a second there."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2

CUSTOMERS = 300
# Declared, so that nothing is searched for.
QUICK: dict[str, dict[str, Any]] = {
    "dbscan": {"eps": 0.5, "min_samples": 5},
    "gmm": {"components": 5, "n_init": 1},
    "kmeans": {"clusters": 5, "n_init": 10},
}


@dataclass(frozen=True)
class Done:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Done]


def sql(statement: str) -> list[tuple[Any, ...]]:
    """Run a statement on the warehouse of the command line and return its rows."""
    with (
        closing(psycopg2.connect(os.environ["WAREHOUSE_URL"])) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def nothing_is_logged_yet() -> Iterator[None]:
    """Let a command of this process say by itself where its messages go, as one that starts does."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    root.handlers = []
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
