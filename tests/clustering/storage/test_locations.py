"""Stores in a cloud are opened by what their connections say."""

from __future__ import annotations

import pytest
from pyarrow import fs

from clustering.errors import ConfigurationError
from clustering.storage.locations import Location, open_location
from clustering.storage.named_connections import NamedConnection


def opened_by(connection: NamedConnection) -> Location:
    """Open the URI that stands in a connection, as exports do."""
    return open_location(connection.extra_dejson["uri"], connection, what="the destination 'crm'")


def test_container_of_azure_is_opened_by_what_the_connection_has() -> None:
    """An account's key, a token or a principal; the account stands in the URI or is the login."""
    key = "dHVsaXA="
    uri = "abfss://crm@shop.dfs.core.windows.net/segments"
    opened = opened_by(NamedConnection("wasb", "shop", key, extra_dejson={"uri": uri}))
    assert opened.base == "crm/segments"
    assert opened.system == fs.AzureFileSystem("shop", account_key=key)
    named = opened_by(NamedConnection("wasb", "shop", key, extra_dejson={"uri": "abfs://crm/segments"}))
    assert (named.base, named.system) == (opened.base, opened.system)
    principal = {"uri": uri, "tenant_id": "t"}
    opened = opened_by(NamedConnection("adls", "client", "secret", extra_dejson=principal))
    assert opened.system == fs.AzureFileSystem("shop", tenant_id="t", client_id="client", client_secret="secret")  # noqa: S106
    with pytest.raises(ConfigurationError, match="has no account; write abfss://container@account"):
        opened_by(NamedConnection("wasb", extra_dejson={"uri": "abfs://crm/segments"}))


def test_bucket_of_google_is_opened_by_the_workers_account() -> None:
    """A key file in the connection is refused with what to do, since it would be left aside without a word."""
    opened = opened_by(NamedConnection("google", extra_dejson={"uri": "gs://crm/a%20b", "anonymous": True}))
    assert opened.base == "crm/a b"
    assert isinstance(opened.system, fs.GcsFileSystem)
    for name in ("keyfile_dict", "extra__google_cloud_platform__key_path"):
        extra = {"uri": "gs://crm/segments", name: '{"private_key": "tulip"}'}
        with pytest.raises(ConfigurationError, match="a key file in a connection is not read"):
            opened_by(NamedConnection("google", extra_dejson=extra))


@pytest.mark.parametrize("uri", ["ftp://host/folder", "s3://ann:tulip@bucket/folder", "/folder"])
def test_uri_of_another_kind_or_with_a_password_is_refused(uri: str) -> None:
    """It is told whose it is, and not repeated."""
    with pytest.raises(ConfigurationError, match="the uri of the model store is of no known kind") as caught:
        open_location(uri, None, what="the model store")
    assert "tulip" not in str(caught.value)
