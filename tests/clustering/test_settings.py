"""The variables of the environment: what holds without them, what they may be, and what is never shown."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from clustering.errors import ConfigurationError
from clustering.settings import (
    CONCERNS,
    AccessSettings,
    AlertSettings,
    ApiLimits,
    DagLimits,
    FolderSettings,
    NightSettings,
    NotifierSettings,
    ScheduleSettings,
    TaskSettings,
    WarehouseSettings,
)


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every variable away."""
    for concern in CONCERNS:
        for name in concern.names():
            monkeypatch.delenv(name, raising=False)


def test_nothing_has_to_be_set() -> None:
    """Without a variable its default holds; what is required has none, and whoever needs it says so."""
    assert {concern: tuple(concern.read().model_dump().values()) for concern in CONCERNS} == {
        WarehouseSettings: (None, None, None, None),
        FolderSettings: (None, None, None),
        AccessSettings: (None, False),
        ApiLimits: (5_000, 4_194_304),
        DagLimits: (20_000,),
        NightSettings: (4,),
        ScheduleSettings: (None, None, (), "0 4 * * 0"),
        TaskSettings: (None, None, 1, 3, ()),
        AlertSettings: (None, None, None),
    }


def test_variables_are_read_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another value holds at once, and so does its absence."""
    for value, hours in (("7", 7), ("8", 8), ("7", 7), (None, 4)):
        monkeypatch.delenv("CLUSTERING_NIGHT_HOURS", raising=False)
        if value:
            monkeypatch.setenv("CLUSTERING_NIGHT_HOURS", value)
        assert NightSettings.read().hours == hours


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each limit has a variable of its own, and a default where it is empty."""
    monkeypatch.setenv("CLUSTERING_API_MAX_ROWS", "7")
    monkeypatch.setenv("CLUSTERING_API_MAX_BYTES", "")
    monkeypatch.setenv("CLUSTERING_DAG_MAX_ROWS", " 8 ")
    assert (ApiLimits.read().rows, ApiLimits.read().bytes) == (7, 4 * 1024 * 1024)
    assert DagLimits.read().rows == 8


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "²"])
def test_wrong_limit_names_itself(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is no positive whole number is a wrong setting, and those of other concerns still hold."""
    monkeypatch.setenv("CLUSTERING_API_MAX_ROWS", value)
    wrong = f"^CLUSTERING_API_MAX_ROWS is '{value}'; it has to be a whole number above 0$"
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=wrong):
            ApiLimits.read()
    assert DagLimits.read().rows == 20_000


def test_every_wrong_limit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them are told of together."""
    monkeypatch.setenv("CLUSTERING_API_MAX_ROWS", "many")
    monkeypatch.setenv("CLUSTERING_API_MAX_BYTES", "0")
    with pytest.raises(
        ConfigurationError, match=r"CLUSTERING_API_MAX_ROWS is 'many'.*; CLUSTERING_API_MAX_BYTES is '0'"
    ):
        ApiLimits.read()


def test_hours_of_a_night(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole number, 4 where nothing is said."""
    assert NightSettings.read().hours == 4
    monkeypatch.setenv("CLUSTERING_NIGHT_HOURS", "0")
    with pytest.raises(ConfigurationError, match="CLUSTERING_NIGHT_HOURS is '0'"):
        NightSettings.read()


def test_schedules_and_tasks_are_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists have commas, blanks and empty parts do not count, no retry is a number of retries."""
    monkeypatch.setenv("CLUSTERING_NIGHT_ASSETS", " dbt.customers ,, s3://crm/customers ")
    monkeypatch.setenv("CLUSTERING_TIMEZONE", "Pacific/Tongatapu")
    monkeypatch.setenv("CLUSTERING_RETRIES", "0")
    assert ScheduleSettings.read().assets == ("dbt.customers", "s3://crm/customers")
    assert ScheduleSettings.read().timezone == "Pacific/Tongatapu"
    assert TaskSettings.read().retries == 0


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Europe", "UTC+13"])
def test_time_zone_that_is_none_names_itself(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what one looks like."""
    monkeypatch.setenv("CLUSTERING_TIMEZONE", zone)
    with pytest.raises(ConfigurationError, match="it has to be a time zone such as Europe/Berlin"):
        ScheduleSettings.read()


def test_each_severity_may_have_a_notifier_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has none goes where everything goes."""
    monkeypatch.setenv("CLUSTERING_NOTIFIER", '{"classpath": "package.Mail"}')
    monkeypatch.setenv("CLUSTERING_NOTIFIER_CRITICAL", '{"classpath": "package.Pager"}')
    found = AlertSettings.read()
    assert found.of("critical") == NotifierSettings("package.Pager", {})
    assert found.of("warning") == NotifierSettings("package.Mail", {})


def test_names_of_variables_are_those_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable in small letters is another one."""
    monkeypatch.setenv("clustering_night_hours", "7")
    assert NightSettings.read().hours == 4


@pytest.mark.parametrize(
    ("value", "allowed"), [("1", True), ("true", False), ("0", False), ("yes", False), ("", False)]
)
def test_only_a_one_lets_everybody_in(monkeypatch: pytest.MonkeyPatch, value: str, allowed: bool) -> None:
    """Nothing but 1 opens the API."""
    monkeypatch.setenv("CLUSTERING_API_ALLOW_ANONYMOUS", value)
    assert AccessSettings.read().allow_anonymous is allowed


def test_notifier_is_a_class_and_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable nobody is told beyond the log; kwargs may be left out."""
    assert AlertSettings.read().notifier is None
    monkeypatch.setenv("CLUSTERING_NOTIFIER", '{"classpath": "package.Mail", "kwargs": {"to": "ada@example.com"}}')
    assert AlertSettings.read().notifier == NotifierSettings("package.Mail", {"to": "ada@example.com"})
    monkeypatch.setenv("CLUSTERING_NOTIFIER", '{"classpath": "package.Mail"}')
    assert AlertSettings.read().notifier == NotifierSettings("package.Mail", {})


@pytest.mark.parametrize(
    "value",
    [
        "package.Mail",
        '"package.Mail"',
        "[]",
        '{"kwargs": {}}',
        '{"classpath": 1}',
        '{"classpath": "package.Mail", "kwargs": "to"}',
        '{"classpath": "package.Mail", "to": "ada@example.com"}',
    ],
)
def test_notifier_of_another_form_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """The message names the variable and its form, and not what may be a secret in it."""
    monkeypatch.setenv("CLUSTERING_NOTIFIER", value)
    with pytest.raises(ConfigurationError, match="CLUSTERING_NOTIFIER is not of the form") as caught:
        AlertSettings.read()
    assert "ada@example.com" not in str(caught.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is printed or logged as a whole keeps passwords, tokens and addresses to itself."""
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://ada:a-secret@host/database\n")
    monkeypatch.setenv("CLUSTERING_API_TOKEN", "a-secret")
    monkeypatch.setenv("CLUSTERING_NOTIFIER", '{"classpath": "package.Mail", "kwargs": {"to": "a-secret"}}')
    url, access = WarehouseSettings.read(), AccessSettings.read()
    assert url.url is not None
    assert url.url.get_secret_value() == "postgresql://ada:a-secret@host/database"
    for read in (url, access, AlertSettings.read()):
        assert "a-secret" not in f"{read} {read!r}"


def test_threads_are_limited_where_nothing_else_is_said() -> None:
    """A process computes in one thread, unless its environment knows better."""
    program = (
        "import os; from clustering.settings import compute_in_one_thread; compute_in_one_thread();"
        "print(os.environ['OMP_NUM_THREADS'], os.environ['OPENBLAS_NUM_THREADS'])"
    )
    given = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**given, "OMP_NUM_THREADS": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["3", "1"]
