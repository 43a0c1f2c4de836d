"""The settings of the environment: every variable that the package reads, with what holds without it.

A variable is read when its value is asked for. `make docs` writes the table of docs/configure.md from the classes here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from clustering.errors import ConfigurationError

URL, CONNECTION, ADDRESS = "WAREHOUSE_URL", "AIRFLOW_CONN_WAREHOUSE", "CLUSTERING_CATALOGUE_ADDRESS"
TOKEN, ANONYMOUS = "CLUSTERING_API_TOKEN", "CLUSTERING_API_ALLOW_ANONYMOUS"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class NotifierSettings:
    """A class of notifier by its dotted path, and the arguments that one is made with."""

    classpath: str
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)  # addresses may be in it


def _whole_number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    raise ValueError(f"is {value!r}; it has to be a whole number above 0")


def _notifier(value: Any) -> NotifierSettings:
    try:
        settings = NotifierSettings(**json.loads(value))
        if not isinstance(settings.classpath, str) or not isinstance(settings.kwargs, dict):
            raise TypeError
    except (ValueError, TypeError):
        raise ValueError(
            'is not of the form {"classpath": "package.module.Class", "kwargs": {}} (not repeated here, for the '
            "addresses that may be in it)"
        ) from None
    return settings


def _number_or_zero(value: Any) -> int:
    return 0 if value == "0" else _whole_number(value)


def _time_zone(value: Any) -> str:
    try:
        return ZoneInfo(str(value)).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"is {value!r}; it has to be a time zone such as Europe/Berlin") from None


def _list(value: Any) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else tuple(filter(None, (one.strip() for one in str(value).split(","))))


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
Names = Annotated[tuple[str, ...], BeforeValidator(_list)]
Notifier = Annotated[NotifierSettings | None, BeforeValidator(_notifier)]


def _variable(name: str, default: Any = None, *, otherwise: str = "not set") -> Any:
    """Return the field of a variable; `otherwise` says in words what holds without it, where no value does."""
    return Field(default, validation_alias=name, json_schema_extra={"otherwise": otherwise})


class Settings(BaseSettings):
    """Variables of one concern. Blanks around a value do not count, and an empty one is not set."""

    model_config = SettingsConfigDict(
        case_sensitive=True,
        enable_decoding=False,
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=False,
    )

    @classmethod
    def read(cls) -> Self:
        """Return what the environment says now; ConfigurationError names a variable that is wrong."""
        found: Self = _read(cls, tuple(os.environ.get(name) for name in cls.names()))
        return found

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the variables."""
        return [str(one.validation_alias) for one in cls.model_fields.values()]

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: dict[str, str]) -> dict[str, str]:
        stripped = {name: value.strip() for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value}


class WarehouseSettings(Settings):
    """Where the warehouse is."""

    url: SecretStr | None = _variable(URL, otherwise="required")
    """The warehouse, outside of Airflow: `postgresql://user:password@host:5432/database`. What else is read:
    [database.md](database.md#what-names-the-warehouse)."""
    connection: SecretStr | None = _variable(CONNECTION, otherwise="the connection `warehouse` of Airflow")
    """The warehouse, inside Airflow; the same form."""
    address: str | None = _variable(ADDRESS, otherwise="host, port and database of the connection")
    """The warehouse as catalogues name it, `postgres://host:5432/database`, see [catalogues.md](catalogues.md)."""
    spark: SecretStr | None = _variable("CLUSTERING_SPARK", otherwise="the connection `spark_connect` of Airflow")
    """The Spark Connect server of `engine: spark`, `sc://host:15002`, with a token among its options if it has one."""


class FolderSettings(Settings):
    """Where configuration and versions are."""

    configuration: Path | None = _variable("CLUSTERING_CONFIG", otherwise="`models`")
    """The folder with contract, segments and models."""
    store: str | None = _variable("CLUSTERING_STORE", otherwise="`models/store`")
    """The folder for the artifacts of versions, shared by all workers, or [a URI](install.md#the-model-store)."""
    cache: Path | None = _variable("CLUSTERING_STORE_CACHE", otherwise="a folder among temporary files")
    """The folder in which a machine keeps what it has read from an object store, up to 256 MiB."""


class AccessSettings(Settings):
    """Who may use the standalone API."""

    token: SecretStr | None = _variable(TOKEN, otherwise="required by the standalone API")
    """The token that callers of the API send."""
    allow_anonymous: Annotated[bool, BeforeValidator(lambda value: value == "1")] = _variable(ANONYMOUS, default=False)
    """`1` starts the standalone API without a token, for everybody."""


class ApiLimits(Settings):
    """The most rows and bytes of one request to the API."""

    rows: WholeNumber = _variable("CLUSTERING_API_MAX_ROWS", 5_000)
    """Customers of one request to the API."""
    bytes: WholeNumber = _variable("CLUSTERING_API_MAX_BYTES", 4 * 1024**2)
    """Size of one request to the API."""


class DagLimits(Settings):
    """The most rows of a run."""

    rows: WholeNumber = _variable("CLUSTERING_DAG_MAX_ROWS", 20_000)
    """Customers of one run of the DAG `cluster_customers`."""


class NightSettings(Settings):
    """When a night is late."""

    hours: WholeNumber = _variable("CLUSTERING_NIGHT_HOURS", 4)
    """Hours after which a run of `segment_customers` that is not done is late."""


class ScheduleSettings(Settings):
    """When the DAGs run."""

    timezone: Annotated[str | None, BeforeValidator(_time_zone)] = _variable(
        "CLUSTERING_TIMEZONE", otherwise="`default_timezone` of Airflow, UTC unless it says something else"
    )
    """The time zone that schedules are meant in, and in which a day begins, such as `Europe/Berlin`."""
    night: str | None = _variable(
        "CLUSTERING_NIGHT_SCHEDULE", otherwise="`0 2 * * *`, or none where `CLUSTERING_NIGHT_ASSETS` is set"
    )
    """When `segment_customers` runs, as a line of cron; `none`: not by the clock."""
    assets: Names = _variable("CLUSTERING_NIGHT_ASSETS", (), otherwise="not set: no asset")
    """Assets of other DAGs, by name or URI, with commas between: an event of each starts `segment_customers`."""
    training: str = _variable("CLUSTERING_TRAINING_SCHEDULE", "0 4 * * 0")
    """When `retrain_models` runs, beside after drift, as a line of cron; `none`: not by the clock."""


class TaskSettings(Settings):
    """How Airflow treats the tasks of the DAGs."""

    pool: str | None = _variable("CLUSTERING_POOL", otherwise="`default_pool`")
    """The pool of all tasks, which has to be there."""
    queue: str | None = _variable("CLUSTERING_QUEUE", otherwise="`default_queue` of Airflow's executor")
    """The queue of all tasks."""
    priority: WholeNumber = _variable("CLUSTERING_PRIORITY", 1)
    """The priority weight of all tasks."""
    retries: Annotated[int, BeforeValidator(_number_or_zero)] = _variable("CLUSTERING_RETRIES", 3)
    """How often a task is tried again whose error may pass."""
    tags: Names = _variable("CLUSTERING_TAGS", (), otherwise="`segmentation`")
    """The tags of all DAGs, with commas between them."""


class AlertSettings(Settings):
    """Who is told of what a person should look at."""

    notifier: Notifier = _variable("CLUSTERING_NOTIFIER", otherwise="not set: the log alone")
    """Who is told of late and failed runs and of drift: JSON with the `classpath` of a notifier of Airflow and its
    `kwargs`; see [operate.md](operate.md#late-and-missing-nights-alarms-notifications-metrics)."""
    critical: Notifier = _variable("CLUSTERING_NOTIFIER_CRITICAL", otherwise="`CLUSTERING_NOTIFIER`")
    """Who is told in its place of what readers wait for: late, failed and held runs."""
    warning: Notifier = _variable("CLUSTERING_NOTIFIER_WARNING", otherwise="`CLUSTERING_NOTIFIER`")
    """Who is told in its place of what can wait: drift, models that were left out, a failed clean-up."""

    def of(self, severity: str) -> NotifierSettings | None:
        """Return who is told of a severity, `critical` or `warning`."""
        return (self.critical if severity == "critical" else self.warning) or self.notifier


CONCERNS: Sequence[type[Settings]] = (
    WarehouseSettings,
    FolderSettings,
    AccessSettings,
    ApiLimits,
    DagLimits,
    NightSettings,
    ScheduleSettings,
    TaskSettings,
    AlertSettings,
)
_Concern = TypeVar("_Concern", bound=Settings)


@lru_cache(maxsize=32)
def _read(concern: type[_Concern], _: Sequence[str | None]) -> _Concern:
    """Return what the environment says; once for the same values, because that takes longer than a request has."""
    try:
        return concern()
    except ValidationError as error:
        faults = (f"{fault['loc'][0]} {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors())
        raise ConfigurationError("; ".join(faults)) from None


def compute_in_one_thread() -> None:
    """Let this process and those that it starts compute in one thread each, where the environment says nothing else.

    The libraries read that when they are loaded, so it has to come before.
    """
    for variable in THREADS:
        os.environ.setdefault(variable, "1")


def connection_variable(name: str) -> tuple[str, str | None]:
    """Return the variable by which Airflow reads a connection of this id from the environment, and what it says."""
    variable = f"AIRFLOW_CONN_{name.upper()}"
    return variable, os.environ.get(variable, "").strip() or None
