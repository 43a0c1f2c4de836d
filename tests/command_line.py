"""What a command of the command line says, and the models that train in a second there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
