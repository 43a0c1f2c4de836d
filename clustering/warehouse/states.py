"""The states that PostgreSQL gives for errors, whichever driver brings them."""

from __future__ import annotations

LOCK_NOT_AVAILABLE, NOT_ALLOWED, QUERY_CANCELED, UNDEFINED_TABLE = "55P03", "42501", "57014", "42P01"
SERIALIZATION_FAILURE, DEADLOCK_DETECTED = "40001", "40P01"


def state_of(error: BaseException | None) -> str:
    """Return the state that the server gave for an error or for what led to it; empty where it gave none."""
    while error is not None:
        original = getattr(error, "orig", error)  # the exception of either driver, which knows the state
        if state := getattr(original, "pgcode", None) or getattr(original, "sqlstate", None):
            return str(state).strip("\0")
        error = error.__cause__ or error.__context__
    return ""
