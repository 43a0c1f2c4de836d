"""The day that a run stands for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from airflow.sdk.configuration import conf
from pendulum import Timezone
from pendulum.tz.local_timezone import get_local_timezone

import clustering
from clustering.errors import ConfigurationError
from clustering.settings import ScheduleSettings

OWN_NIGHT = timedelta(days=1)  # so late a run may still plan its own date as the present one: until the next is due
FORM = timedelta(hours=1)  # between the opening of a form, whose logical date is then, and its sending


def zone() -> Any:
    """Return the time zone of the DAGs: the one of the environment, or else Airflow's."""
    name = ScheduleSettings.read().timezone or conf.get("core", "default_timezone")
    if name == "system":
        return get_local_timezone()
    return Timezone("UTC" if name.lower() == "utc" else name)


def business_date(asked: str | None, partition_key: str | None, dag_run: Any, timezone: tzinfo) -> date:
    """Return the date that a run's labels stand for.

    It is the one that is asked for, else that of the partition, else the day of the logical date in the DAG's time
    zone; of a run without a logical date, the day on which it began. Raises ConfigurationError for a partition key that
    is not a date, and for a date that is asked of a whole backfill.
    """
    if asked and dag_run.run_type == "backfill":
        raise ConfigurationError(f"as_of is {asked!r}, but each run of a backfill has its own date; leave as_of out")
    if not (asked or partition_key):
        return _day(dag_run.logical_date or dag_run.run_after, timezone)
    try:
        return date.fromisoformat(asked or str(partition_key))
    except ValueError:
        name, value = ("as_of", asked) if asked else ("the partition key", partition_key)
        raise ConfigurationError(f"{name} is {value!r}; it has to be a date such as 2026-01-31") from None


def named_day(as_of: date, asked: str | None, partition_key: str | None, dag_run: Any, timezone: tzinfo) -> str:
    """Return in words which day a run stands for, and what has chosen it."""
    if asked or partition_key:
        chosen = "as_of" if asked else "the partition"
        if dag_run.logical_date and (other := _day(dag_run.logical_date, timezone)) != as_of:
            chosen += f", which goes before the logical date, {other}"
    else:
        chosen = "the day of the logical date" if dag_run.logical_date else "the day on which the run began"
        chosen += f" in {timezone}"
    return f"{as_of:%A}, {as_of.day} {as_of:%B %Y} ({as_of}): {chosen}"


def day_of_run(context: Mapping[str, Any]) -> date | None:
    """Return the date that the run of a task or of a callback stands for; None where there is none, or no right one."""
    params, dag_run = context.get("params") or {}, context.get("dag_run")
    if dag_run is None or "as_of" not in params:
        return None
    try:
        return business_date(params["as_of"], context.get("partition_key"), dag_run, zone())
    except ConfigurationError:
        return None


def _day(moment: datetime, timezone: tzinfo) -> date:
    return moment.astimezone(timezone).date()


def end_of_past_date(as_of: date, dag_run: Any, *, timezone: tzinfo, now: datetime) -> datetime | None:
    """Return when the date of a run ended in the DAG's time zone, if it is past; None for a present date.

    The day on which a run began, whatever its logical date, stays present for a day, unless the run is one of a
    backfill, so that a night may be late or retried after midnight. So does that of a form that was filled in shortly
    before midnight.
    """
    began, logical = dag_run.run_after, dag_run.logical_date or dag_run.run_after
    days = {_day(began, timezone)} | ({_day(logical, timezone)} if abs(began - logical) < FORM else set())
    own = dag_run.run_type != "backfill" and as_of in days
    if own and now - began < OWN_NIGHT:
        return None
    return clustering.end_of_past(as_of, timezone, now=now)
