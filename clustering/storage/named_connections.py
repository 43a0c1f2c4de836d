"""What a connection of Airflow's says, wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class AirflowConnection(Protocol):
    """What a connection of Airflow's says."""

    @property
    def conn_type(self) -> Any: ...
    @property
    def login(self) -> Any: ...
    @property
    def password(self) -> Any: ...
    @property
    def host(self) -> Any: ...
    @property
    def port(self) -> Any: ...
    @property
    def schema(self) -> Any: ...
    @property
    def extra_dejson(self) -> Any: ...


@dataclass(frozen=True)
class NamedConnection:
    """A connection as Airflow has it."""

    conn_type: str = ""
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    schema: str | None = None
    extra_dejson: Mapping[str, Any] = field(default_factory=dict, repr=False)
