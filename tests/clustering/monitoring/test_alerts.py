"""Who is told: the one variable, and how long a night may take."""

from __future__ import annotations

import pytest

from clustering.errors import ConfigurationError
from clustering.monitoring.alerts import NotifierSettings, notifier_settings
from clustering.settings import night_hours


def test_notifier_is_a_class_and_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable nobody is told beyond the log; kwargs may be left out."""
    monkeypatch.delenv("CLUSTERING_NOTIFIER", raising=False)
    assert notifier_settings() is None
    monkeypatch.setenv("CLUSTERING_NOTIFIER", '{"classpath": "package.Mail", "kwargs": {"to": "ada@example.com"}}')
    assert notifier_settings() == NotifierSettings("package.Mail", {"to": "ada@example.com"})
    monkeypatch.setenv("CLUSTERING_NOTIFIER", '{"classpath": "package.Mail"}')
    assert notifier_settings() == NotifierSettings("package.Mail", {})


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
        notifier_settings()
    assert "ada@example.com" not in str(caught.value)


def test_hours_of_a_night(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole number, 4 where nothing is said."""
    monkeypatch.delenv("CLUSTERING_NIGHT_HOURS", raising=False)
    assert night_hours() == 4
    monkeypatch.setenv("CLUSTERING_NIGHT_HOURS", "0")
    with pytest.raises(ConfigurationError, match="CLUSTERING_NIGHT_HOURS is '0'"):
        night_hours()
