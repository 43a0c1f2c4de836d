"""Work that is done anew where the server has ended its transaction so that another one could go on.

Locks are taken in one order wherever that is known, which it is not of the server's own: a migration, or a statement of
somebody else, may meet ours the other way round. What was ended has changed nothing.
"""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from clustering.errors import WarehouseError
from clustering.warehouse.states import DEADLOCK_DETECTED, SERIALIZATION_FAILURE, state_of

log = logging.getLogger(__name__)

ATTEMPTS = 4
PAUSE_SECONDS = 0.5  # at most before the first repetition, twice as much before each further one

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def again_after_deadlock(work: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a function whose transactions are repeated safely begin anew a few times; then its error stays what it is."""

    @functools.wraps(work)
    def repeated(*given: Arguments.args, **named: Arguments.kwargs) -> Result:
        for attempt in range(1, ATTEMPTS):
            try:
                return work(*given, **named)
            except WarehouseError as error:
                if state_of(error) not in (DEADLOCK_DETECTED, SERIALIZATION_FAILURE):
                    raise
                log.info("attempt %s of %s of %s: %s", attempt, ATTEMPTS, work.__name__, error)
            time.sleep(random.uniform(0, PAUSE_SECONDS * 2 ** (attempt - 1)))  # noqa: S311 (no secret depends on it)
        return work(*given, **named)

    return repeated
