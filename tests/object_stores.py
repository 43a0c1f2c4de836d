"""A bucket of a server that speaks S3, as another program sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

KEY, SECRET = "ann", "tulip/spade"


@dataclass(frozen=True)
class Bucket:
    """A bucket, the address of its server, and the model store in it."""

    name: str
    endpoint: str
    system: Any

    @property
    def uri(self) -> str:
        """The model store."""
        return f"s3://{self.name}/versions"

    def connection(self, **extra: str) -> str:
        """Return the connection `model_store` as a variable of the environment has it."""
        told = {"endpoint_url": self.endpoint, "region_name": "us-east-1"} | extra
        return json.dumps({"conn_type": "aws", "login": KEY, "password": SECRET, "extra": told})

    def objects(self) -> dict[str, bytes]:
        """Return the objects of the model store by their names in it."""
        found = self.system.get_file_info(fs.FileSelector(self.name, recursive=True))
        start = len(f"{self.name}/versions/")
        return {one.path[start:]: self.system.open_input_file(one.path).read() for one in found if one.is_file}

    def names(self) -> list[str]:
        """Return the names in the model store that have objects below them."""
        return sorted({name.rpartition("/")[0] for name in self.objects()})

    def fill(self, folder: Path) -> None:
        """Copy a folder into the model store."""
        fs.copy_files(str(folder), f"{self.name}/versions", destination_filesystem=self.system)


def open_bucket(name: str, endpoint: str) -> Bucket:
    """Return a bucket that is there or may be made."""
    options = {"access_key": KEY, "secret_key": SECRET, "region": "us-east-1", "endpoint_override": endpoint}
    return Bucket(name, endpoint, fs.S3FileSystem(**options, allow_bucket_creation=True, allow_bucket_deletion=True))


@contextmanager
def asking_for_credentials() -> Iterator[None]:
    """Let the server refuse whoever it does not know, and it knows nobody."""
    from moto import settings
    from moto.core.authorization import ActionAuthenticatorMixin

    former = settings.INITIAL_NO_AUTH_ACTION_COUNT, ActionAuthenticatorMixin.request_count
    settings.INITIAL_NO_AUTH_ACTION_COUNT, ActionAuthenticatorMixin.request_count = 0.0, 0
    try:
        yield
    finally:
        settings.INITIAL_NO_AUTH_ACTION_COUNT, ActionAuthenticatorMixin.request_count = former
