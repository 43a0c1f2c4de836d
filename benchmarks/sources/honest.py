"""The generators of honest nights by name, each with the layout of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from sources.layout import ORDERS, WALKS, Layout, Night
from sources.orders import ordering_nights
from sources.walks import walking_nights


class Nights(Protocol):
    """Yields the nights of the company of a seed."""

    def __call__(self, seed: int, *, size: int, nights: int) -> Iterator[Night]: ...


class Generator(NamedTuple):
    """How nights are made, and what their tables look like."""

    nights: Nights
    layout: Layout


GENERATORS = {"walks": Generator(walking_nights, WALKS), "orders": Generator(ordering_nights, ORDERS)}
