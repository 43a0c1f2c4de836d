"""A URI becomes a file system and a path in it, with what a connection of Airflow's says of the way there.

Whoever opens a folder or an object store does it here. pyarrow is loaded when the first is opened, and not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from clustering.config.store_places import OBJECT_STORES
from clustering.errors import ConfigurationError
from clustering.storage.named_connections import AirflowConnection, NamedConnection

_SECRET_WORDS = ("key", "token", "secret", "password", "credential", "sas")
_PATIENCE = 10.0  # seconds, to be connected with a store that speaks S3


@dataclass(frozen=True)
class Location:
    """A folder below which files lie: `base` is its path in a file system; `secrets` never stand in a message."""

    uri: str
    system: Any = field(repr=False)
    base: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine's."""
        return self.uri.startswith("file:")

    def path(self, *parts: str) -> str:
        """Return the path of a file below the folder, as its file system names it."""
        return "/".join([self.base.rstrip("/"), *parts])

    def said(self, error: OSError) -> str:
        """Return what the file system said, in one line and without secrets."""
        said = " ".join(str(error).split())
        for secret in self.secrets:
            said = said.replace(secret, "***")
        return said


def open_location(uri: str, connection: AirflowConnection | None, *, what: str) -> Location:
    """Return the folder that a URI names, opened by a connection, or as this machine's own account without one.

    Nothing is asked over the network yet. `what` says in messages whose URI it is. Raises ConfigurationError where its
    scheme is not known, a password stands in it, or it cannot be opened.
    """
    scheme = urlsplit(uri).scheme
    if scheme not in ("file", *OBJECT_STORES) or urlsplit(uri).password:
        raise ConfigurationError(
            f"the uri of {what} is of no known kind; write one such as s3://bucket/folder (file, s3, gs and abfss are "
            "known), without a password in it"
        )
    connection = connection or NamedConnection()
    extra = connection.extra_dejson
    system, base = _open(uri, scheme, connection, extra, what)
    secrets = [connection.password, *(extra[key] for key in extra if any(word in key for word in _SECRET_WORDS))]
    return Location(uri.partition("?")[0], system, base, tuple(str(one) for one in secrets if one))


def _open(uri: str, scheme: str, connection: AirflowConnection, extra: Mapping[str, Any], what: str) -> tuple[Any, str]:
    from pyarrow import fs

    try:
        if scheme == "file":
            return fs.LocalFileSystem(), unquote(urlsplit(uri).path)
        if scheme == "s3":
            options = {
                "access_key": connection.login or extra.get("aws_access_key_id"),
                "secret_key": connection.password or extra.get("aws_secret_access_key"),
                "session_token": extra.get("aws_session_token"),
                "region": extra.get("region_name"),
                "endpoint_override": extra.get("endpoint_url"),
            }
            given = {key: str(value) for key, value in options.items() if value}
            parts = urlsplit(uri)
            system = fs.S3FileSystem(**given, connect_timeout=_PATIENCE)
            return system, f"{parts.netloc}{unquote(parts.path)}"
        if scheme.startswith("abfs"):
            return _open_azure(uri, connection, extra, what)
        return _open_google(uri, extra)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the uri of {what} cannot be opened: {type(error).__name__}") from None


def _open_azure(uri: str, connection: AirflowConnection, extra: Mapping[str, Any], what: str) -> tuple[Any, str]:
    """Open a container by an account's key or token, or as a service principal, or as the cloud's programs would.

    A principal is one whose connection has a `tenant_id`: then login and password are its id and its secret, otherwise
    the account's name and key.
    """
    from pyarrow import fs

    parts = urlsplit(uri)
    container, _, host = parts.netloc.rpartition("@")
    account = extra.get("account_name") or (host.partition(".")[0] if container else connection.login)
    if not account:
        raise ConfigurationError(
            f"{what} in Azure has no account; write abfss://container@account.dfs.core.windows.net"
        )
    known = ("sas_token", "tenant_id", "blob_storage_authority", "dfs_storage_authority")
    options = {name: extra.get(name) for name in (*known, "blob_storage_scheme", "dfs_storage_scheme")}
    if extra.get("tenant_id"):
        options |= {"client_id": connection.login, "client_secret": connection.password}
    else:
        options["account_key"] = connection.password
    given = {name: str(value) for name, value in options.items() if value}
    return fs.AzureFileSystem(str(account), **given), f"{container or host}{unquote(parts.path)}"


def _open_google(uri: str, extra: Mapping[str, Any]) -> tuple[Any, str]:
    """Open a bucket as the worker's own account, or as another that it may act for."""
    from pyarrow import fs

    if any(("keyfile" in name or "key_path" in name) and value for name, value in extra.items()):
        raise ConfigurationError(
            "a key file in a connection is not read; let GOOGLE_APPLICATION_CREDENTIALS of the worker name one, or "
            "give the worker an identity, and in the extra impersonation_chain names an account that it acts for"
        )
    options = {"target_service_account": extra.get("impersonation_chain")}
    options |= {name: extra.get(name) for name in ("endpoint_override", "scheme")}
    given = {name: str(value) for name, value in options.items() if value}
    parts = urlsplit(uri)
    system = fs.GcsFileSystem(anonymous=bool(extra.get("anonymous")), **given)
    return system, f"{parts.netloc}{unquote(parts.path)}"
