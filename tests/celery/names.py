"""What a worker calls its machine. Two workers of a test share one, so each is given a name of its own."""

from __future__ import annotations

import os

VARIABLE = "TEST_MACHINE"


def machine() -> str:
    """Return the name that the environment gives, for Airflow's setting hostname_callable."""
    return os.environ.get(VARIABLE, "scheduler")
