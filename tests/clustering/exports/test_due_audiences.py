"""An audience is due when its model holds for a night that its destination does not have."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from clustering import retire_model
from clustering.config import Audience, Exports
from clustering.errors import ConfigurationError
from clustering.exports.due_audiences import due_audiences, named_audiences
from clustering.exports.exporting import export_audience
from clustering.scoring.withdrawal import withdraw_date
from clustering.storage.named_connections import NamedConnection
from tests.projects import Project

DATES = ("2026-11-20", "2026-11-21", "2026-11-22")
COMMON = {"model": "kmeans", "columns": ["customer_id"], "destination": "drop", "consent": {"waived": "a test"}}
PATHS = {"by_date": "by_date/{as_of}.csv", "fixed": "fixed.csv", "movers": "movers/{as_of}.csv"}


@pytest.fixture
def project(appointed_project: Project) -> Project:
    """Return a project with a night and three audiences: a file a date, one file, and changes."""
    appointed_project.night(DATES[0], models=["kmeans"])
    declared: dict[str, Audience] = {}
    for name, path in PATHS.items():
        rows = "changes" if name == "movers" else "all"
        declared[name] = Audience.model_validate({**COMMON, "path": path, "rows": rows})
    exports = Exports(destinations=("drop",), audiences=declared)
    configuration = appointed_project.configuration.model_copy(update={"exports": exports})
    return replace(appointed_project, configuration=configuration)


def due(project: Project) -> dict[str, str | None]:
    """Return the dates of the audiences that are due."""
    return {str(one["audience"]): one["as_of"] for one in due_audiences(project.warehouse, project.configuration).due}


def send_due(project: Project, folder: Path) -> dict[str, str | None]:
    """Send what is due, and return what it was."""
    found = due(project)
    given: Any = NamedConnection("fs", extra_dejson={"path": str(folder)})
    for name, day in found.items():
        export_audience(
            project.warehouse,
            project.configuration,
            audience=name,
            as_of=date.fromisoformat(str(day)),
            connections=lambda _: given,
            requested_by="test",
        )
    return found


def withdraw(project: Project, day: str) -> None:
    """Take a date back."""
    told: dict[str, Any] = {"as_of": date.fromisoformat(day), "withdrawn_by": "Ada", "reason": "half of them"}
    withdraw_date(project.warehouse, project.configuration, **told)


def test_each_night_is_due_once_and_again_when_it_is_repeated(project: Project, tmp_path: Path) -> None:
    """What was sent is not sent again; a night that takes the place of another is, and one of a past date is not."""
    assert send_due(project, tmp_path) == dict.fromkeys(PATHS, DATES[0])
    assert due(project) == {}
    project.night(DATES[2], models=["kmeans"])
    assert send_due(project, tmp_path) == dict.fromkeys(PATHS, DATES[2])
    project.night(DATES[1], models=["kmeans"])
    assert due(project) == {}
    project.night(DATES[2], models=["kmeans"])
    assert due(project) == dict.fromkeys(PATHS, DATES[2])


def test_what_failed_is_due_until_it_was_sent(project: Project) -> None:
    """An attempt alone is none."""
    project.sql(
        "insert into segmentation.exports (audience, destination, location, model, as_of, run_id, contents, status)"
        " select name, 'drop', 'x', 'kmeans', %s, (select max(run_id) from segmentation.scoring_runs), 'all', status"
        " from unnest(array['fixed', 'by_date'], array['failed', 'started']) as tried (name, status)",
        DATES[0],
    )
    assert due(project).keys() == PATHS.keys()


def test_date_before_is_due_after_a_withdrawal_where_its_file_was_replaced(project: Project, tmp_path: Path) -> None:
    """A file a date is there still; changes of a later date were sent, and wait for the next."""
    send_due(project, tmp_path)
    project.night(DATES[1], models=["kmeans"])
    send_due(project, tmp_path)
    withdraw(project, DATES[1])
    assert due(project) == {"fixed": DATES[0]}
    project.night(DATES[2], models=["kmeans"])
    assert due(project) == dict.fromkeys(PATHS, DATES[2])


def test_date_before_is_due_where_the_withdrawn_one_may_be_there(project: Project, tmp_path: Path) -> None:
    """An attempt whose end was not heard of may have replaced the file."""
    send_due(project, tmp_path)
    project.night(DATES[1], models=["kmeans"])
    send_due(project, tmp_path)
    project.sql("update segmentation.exports set status = 'started', sent_at = null where as_of = %s", DATES[1])
    withdraw(project, DATES[1])
    assert due(project) == {"fixed": DATES[0]}


def test_nothing_is_due_of_a_model_that_is_retired(project: Project) -> None:
    """The reason says so."""
    retire_model(project.warehouse, model="kmeans", retired_by="Ada")
    found = due_audiences(project.warehouse, project.configuration)
    assert found.due == []
    assert set(found.left.values()) == {"kmeans is not published, or is retired"}


def test_named_audiences_are_sent_whatever_was_sent(project: Project) -> None:
    """All of them by default; without a file there are none, and a name that is not declared is refused."""
    day = date.fromisoformat(DATES[0])
    assert [one["audience"] for one in named_audiences(project.configuration).due] == list(PATHS)
    chosen = named_audiences(project.configuration, audiences=["fixed"], as_of=day)
    assert chosen.due == [{"audience": "fixed", "as_of": DATES[0]}]
    with pytest.raises(ConfigurationError, match="'fixt' is no audience; did you mean fixed"):
        named_audiences(project.configuration, audiences=["fixt"])
    without = project.configuration.model_copy(update={"exports": None})
    assert named_audiences(without).due == []
    assert due_audiences(project.warehouse, without).due == []
