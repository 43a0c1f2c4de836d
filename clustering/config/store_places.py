"""Where versions of models lie, as the environment says it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from clustering.config.files import IS_INSTALLED, PROJECT
from clustering.errors import ConfigurationError
from clustering.settings import FolderSettings

OBJECT_STORES = ("s3", "gs", "gcs", "abfs", "abfss")


def model_store() -> Path | str:
    """Return where versions lie: the folder or the URI in `CLUSTERING_STORE`, or `models/store` of the checkout.

    Raises ConfigurationError where neither is there, since among installed packages versions would be lost, and for a
    URI that no object store has.
    """
    named = FolderSettings.read().store
    if named is None:
        if IS_INSTALLED:
            raise ConfigurationError(
                "CLUSTERING_STORE is not set; set it to a folder that all workers share, or to one in an object store, "
                "such as s3://bucket/folder"
            )
        return (PROJECT / "models" / "store").resolve()
    return _place_of(named)


def _place_of(named: str) -> Path | str:
    if "://" not in named:
        return Path(named).resolve()
    parts = urlsplit(named)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.strip("/"):
        return Path(unquote(parts.path)).resolve()
    if parts.scheme not in OBJECT_STORES or not parts.netloc or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            "CLUSTERING_STORE is neither a folder nor of the form s3://bucket/folder, gs://bucket/folder, "
            "abfss://container@account.dfs.core.windows.net/folder or file:///folder, without password and options, "
            "which belong into the connection model_store (not repeated here)"
        )
    return named.rstrip("/")
