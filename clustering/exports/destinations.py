"""Folders and stores that files are sent to: a connection of Airflow's becomes a file system below a URI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from clustering.config.declared_exports import Format
from clustering.errors import ConfigurationError, DestinationError
from clustering.exports import file_formats
from clustering.warehouse.urls import AirflowConnection

PART = ".part"  # what a file is called after its own name until it is whole
_SECRET_WORDS = ("key", "token", "secret", "password", "credential", "sas")


@dataclass(frozen=True)
class Folder:
    """A file system and a path in it, below which files are written; `secrets` never stand in a message."""

    name: str
    uri: str
    system: Any = field(repr=False)
    base: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @contextmanager
    def replacing(self, path: str) -> Iterator[tuple[Any, Any]]:
        """Open a file that takes the place of another once it is whole; yield its stream and what to call then.

        Whoever reads sees the former file until that is called, and the new one after it. What is left over of an
        attempt that was killed is replaced by the next.
        """
        target = f"{self.base.rstrip('/')}/{path}"
        part = f"{target}{PART}"
        is_local = isinstance(self.system, fs.LocalFileSystem)
        with self.errors():
            if is_local:
                self._require_base()
                self.system.create_dir(target.rpartition("/")[0], recursive=True)
            stream = self.system.open_output_stream(part)
        try:
            yield stream, lambda: self._replace(part, target, stream)
        except BaseException:
            self._remove(part, stream)
            raise

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise DestinationError for what the file system refuses, without secrets."""
        try:
            yield
        except OSError as error:
            said = " ".join(str(error).split())
            for secret in self.secrets:
                said = said.replace(secret, "***")
            raise DestinationError(f"the destination {self.name} did not take the file: {said}") from None

    def _require_base(self) -> None:
        if self.system.get_file_info(self.base).type != fs.FileType.Directory:
            raise DestinationError(
                f"the destination {self.name}: {self.base} is no folder; make or mount it, nothing was sent"
            )

    def _replace(self, part: str, target: str, stream: Any) -> None:
        with self.errors():
            stream.close()
            if isinstance(self.system, fs.LocalFileSystem):
                self.system.move(part, target)
                return
            # A store shows an object when it is whole; not each of them can move one.
            self.system.copy_file(part, target)
            self.system.delete_file(part)

    def _remove(self, part: str, stream: Any) -> None:
        try:
            stream.close()
            self.system.delete_file(part)
        except OSError:
            return  # the error that led here is the one to tell


@dataclass(frozen=True)
class File:
    """A file below a folder, which is there as a whole or not at all."""

    folder: Folder
    path: str
    form: Format

    @property
    def place(self) -> str:
        """What the file is called where people are told of it."""
        return f"{self.folder.uri.rstrip('/')}/{self.path}"

    @contextmanager
    def replacing(self) -> Iterator[tuple[Callable[..., int], Callable[[], None]]]:
        """Open the file that takes its place; yield what writes batches, and what to call when it is whole."""
        with self.folder.replacing(self.path) as (stream, replace):
            yield lambda batches, schema: self._write(stream, batches, schema), replace

    def _write(self, stream: Any, batches: Iterable[pa.RecordBatch], schema: Callable[[], pa.Schema]) -> int:
        with self.folder.errors():
            return file_formats.write_rows(batches, stream, self.form, schema=schema)


def open_folder(name: str, connection: AirflowConnection) -> Folder:
    """Return the folder that a connection names in its extra `uri`, or in `path` where it is one of files.

    Raises ConfigurationError where it names none, or one of an unknown kind.
    """
    extra = connection.extra_dejson
    path = extra.get("path")
    uri = extra.get("uri") or (f"file://{path}" if path else None)
    scheme = urlsplit(str(uri)).scheme if uri else ""
    if not uri or scheme not in ("file", "s3", "gs", "gcs", "abfs", "abfss") or urlsplit(str(uri)).password:
        raise ConfigurationError(
            f"the connection {name!r} says of no place where files go; give its extra a uri such as s3://bucket/folder "
            "(file, s3, gs and abfss are known), without a password in it"
        )
    system, base = _open(str(uri), scheme, connection, extra)
    secrets = [connection.password, *(extra[key] for key in extra if any(word in key for word in _SECRET_WORDS))]
    told = tuple(filter(None, (str(one) for one in secrets if one)))
    return Folder(name, str(uri).partition("?")[0], system, base, told)


def _open(uri: str, scheme: str, connection: AirflowConnection, extra: Mapping[str, Any]) -> tuple[Any, str]:
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
            return fs.S3FileSystem(**given), f"{parts.netloc}{unquote(parts.path)}"
        if scheme.startswith("abfs"):
            return _open_azure(uri, connection, extra)
        return _open_google(uri, extra)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the uri of a destination cannot be opened: {type(error).__name__}") from None


def _open_azure(uri: str, connection: AirflowConnection, extra: Mapping[str, Any]) -> tuple[Any, str]:
    """Open a container by an account's key or token, or as a service principal, or as the cloud's programs would.

    A principal is one whose connection has a `tenant_id`: then login and password are its id and its secret, otherwise
    the account's name and key.
    """
    parts = urlsplit(uri)
    container, _, host = parts.netloc.rpartition("@")
    account = extra.get("account_name") or (host.partition(".")[0] if container else connection.login)
    if not account:
        raise ConfigurationError(
            "a destination in Azure has no account; write abfss://container@account.dfs.core.windows.net"
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
