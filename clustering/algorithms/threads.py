"""One thread for linear algebra, whose sums then have one order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_limited: ContextVar[bool] = ContextVar("limited", default=False)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit linear algebra to one thread; inside of another limit nothing is looked for again, which takes a while."""
    if _limited.get():
        yield
        return
    from threadpoolctl import threadpool_limits

    token = _limited.set(True)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        _limited.reset(token)
