"""What is kept as JSON, read back by this release whichever release has written it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

Value = TypeVar("Value")


def known_fields(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a dataclass has a field for, without what another release has written beside them.

    >>> from clustering.segments.identity import SegmentChange
    >>> known_fields(SegmentChange, {"from_segment": 1, "to_segment": 2, "cause": "unknown"})
    {'from_segment': 1, 'to_segment': 2}
    """
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in document.items() if name in names}


def by_version(document: Mapping[str, Value] | None) -> dict[int, Value]:
    """Return what is kept by the ids of versions, nothing where another release kept nothing.

    >>> by_version({"7": "a profile"}), by_version(None)
    ({7: 'a profile'}, {})
    """
    return {int(version): value for version, value in (document or {}).items()}
