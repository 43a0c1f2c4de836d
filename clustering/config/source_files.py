"""A folder of files as people write it: an absolute path or a URI, in which `:as_of` stands for a date."""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from clustering.config.source_query import AS_OF

SCHEMES = ("file", "s3", "gs", "gcs", "abfs", "abfss")


def check_files(place: str, *, key: str = "files") -> None:
    """Raise ValueError, which does not repeat it, for another path or URI, or one with a secret in it.

    >>> check_files("s3://lake/customers/day=:as_of")
    """
    parts = urlsplit(place.replace(AS_OF, "2026-01-01"))  # a colon would begin a port
    if not parts.scheme:
        if not PurePosixPath(place).is_absolute():
            raise ValueError(f"{key}: has to be an absolute path, or a URI such as s3://bucket/folder")
        return
    if parts.scheme not in SCHEMES:
        raise ValueError(f"{key}: has to be an absolute path, or a URI that begins with one of {', '.join(SCHEMES)}")
    if parts.password is not None or parts.query or parts.fragment:
        raise ValueError(
            f"{key}: has a password or options in it; give them to the workers by their environment or identity, or by "
            "the connection customer_files"
        )


def on_date(place: str, as_of: date) -> str:
    """Return the folder of a date.

    >>> on_date("/lake/:as_of", date(2026, 1, 31))
    '/lake/2026-01-31'
    """
    return place.replace(AS_OF, as_of.isoformat())
