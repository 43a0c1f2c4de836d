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


def check_labels(label_files: str, files: str | None) -> None:
    """Raise ValueError for another path or URI of labels, or one among the customers, as which they would be read.

    >>> check_labels("s3://lake/customers/_labels", "s3://lake/customers")
    """
    check_files(label_files, key="label_files")
    if AS_OF in label_files:
        raise ValueError(f"label_files: names a date as {AS_OF}; each run has a folder of its own there anyway")
    place, labels = _parts(files) if files else None, _parts(label_files)
    if place and labels[: len(place)] == place and not any(part[:1] in "._" for part in labels[len(place) :]):
        raise ValueError(
            "label_files: lies among the customers of files, and what is written there would be read as customers; "
            "name a folder beside it, or one that begins with an underscore"
        )


def _parts(place: str) -> tuple[str, ...]:
    parts = urlsplit(place)
    return (parts.scheme or "file", parts.netloc, *PurePosixPath(parts.path).parts)


def on_date(place: str, as_of: date) -> str:
    """Return the folder of a date.

    >>> on_date("/lake/:as_of", date(2026, 1, 31))
    '/lake/2026-01-31'
    """
    return place.replace(AS_OF, as_of.isoformat())
