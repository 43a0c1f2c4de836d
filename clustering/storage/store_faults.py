"""What the errors of object stores mean, told by the words that pyarrow's file systems have for them."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

StoreFault: TypeAlias = Literal["refused", "no_bucket", "away", "other"]

_QUOTED = re.compile(r"'[^']*'")  # names of buckets and keys, which may be called anything
_WORDS: tuple[tuple[StoreFault, re.Pattern[str]], ...] = (
    (
        "no_bucket",
        re.compile(
            "no_?such_?bucket|container_?not_?found|(container|bucket) (does not exist|not found)", re.IGNORECASE
        ),
    ),
    (
        "refused",
        re.compile(
            "access_?denied|access_?key|signature|expired_?token|client_token|unrecognized_client|HTTP status 40[13]"
            "|permission_?denied|unauthenticated|authentication|authorization|forbidden|unauthorized|credential",
            re.IGNORECASE,
        ),
    ),
    (
        "away",
        re.compile("NETWORK_CONNECTION|could not connect|resolve|timed? ?out|UNAVAILABLE", re.IGNORECASE),
    ),
)
_OF_STORES = re.compile("AWS Error|google::cloud|Azure|HTTP|curl|Hdfs", re.IGNORECASE)


def store_fault(said: str) -> StoreFault:
    """Return what an error means: who asks is refused, there is no such bucket, the store is away, or none of these.

    >>> store_fault("When reading 'signature' in bucket 'lake': AWS Error NETWORK_CONNECTION during HeadObject")
    'away'
    """
    told = _QUOTED.sub("", said)
    return next((fault for fault, words in _WORDS if words.search(told)), "other")


def is_of_store(said: str) -> bool:
    """Return whether a store has said it, and not a disk."""
    return _OF_STORES.search(_QUOTED.sub("", said)) is not None
