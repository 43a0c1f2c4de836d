"""Retirements that a withdrawn date has ended, or that its night has made, are as they were before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from clustering import drop_expired, retire_model
from tests.clustering.scoring.histories import DAYS, RESET, assert_sound, place, read, withdraw
from tests.projects import Project

RETIRED = (
    "select retired_on::text, returned_on::text from segmentation.model_retirements"
    " where model = 'gmm' and (returned_on is null or returned_on > retired_on) order by 1"
)
EVENTS = "select event from segmentation.segment_events where event in ('retired', 'returned') order by event_id"


def night(both: Project, alone: Project, day: str, kind: str) -> None:
    """Run a night of both models, or one of `kmeans` alone, whose configuration has no other."""
    place(both, int(day[-2:]), int(day[-2:]) % 4)
    place(both, 20 + int(day[-2:]), None)
    (both if kind == "both" else alone).night(day)


# Nights in their order, b with both models and a without gmm, and which is withdrawn.
@pytest.mark.parametrize(
    ("nights", "withdrawn"),
    [
        *((nights, place) for nights in ("ba", "baa", "bab") for place in range(len(nights))),
        ("babab", 2),  # what was once retired, came back, and is retired again
        *(
            pytest.param(nights, place, marks=pytest.mark.slow)
            for nights in ("abaab", "bbaabb", "babab", "baaba")
            for place in range(len(nights))
        ),
    ],
)
def test_withdrawn_night_leaves_retirements_as_they_are_without_it(both, project, nights, withdrawn):
    """Undone, moved to the next night that was without the model, restored or let alone."""
    found = []
    for left_out in (None, withdrawn):
        both.sql(RESET)
        both.sql("truncate customers; update segmentation.contract set default_model = null")
        for customer in range(1, 41):
            place(both, customer, customer % 5)
        for number, kind in enumerate(nights):
            if number == left_out:
                place(both, number + 1, (number + 1) % 4)
                place(both, 21 + number, None)
            else:
                night(both, project, DAYS[number], "both" if kind == "b" else "alone")
        if left_out is None:
            last = both if nights[-1] == "b" else project
            withdraw(replace(both, configuration=last.configuration), DAYS[withdrawn])
        found.append(read(both))
    for question, rows in found[0].items():
        assert rows == found[1][question], question
    assert_sound(both)


def test_model_that_a_withdrawn_night_has_retired_is_told_of(both, project):
    """The answer and an event say that it has labels again; they are those of its latest date."""
    both.night(DAYS[0])
    project.night(DAYS[1])
    told = withdraw(both, DAYS[1])
    assert told["returned"] == {"gmm": DAYS[0]}
    assert [event for (event,) in both.sql(EVENTS)] == ["retired", "returned"]
    assert both.sql("select model, as_of::text from segmentation.current_models") == [
        ("gmm", DAYS[0]),
        ("kmeans", DAYS[0]),
    ]


def test_model_whose_labels_are_gone_meanwhile_stays_retired(both, project):
    """There is nothing to show of it, and the answer says so."""
    few = project.with_contract(label_runs=1)
    both.night(DAYS[0], models=["gmm"])
    few.night(DAYS[1])
    few.night(DAYS[2], models=["kmeans"])
    drop_expired(few.warehouse, few.configuration)
    both.night(DAYS[3], models=["kmeans"])
    withdraw(both, DAYS[2])
    told = withdraw(both, DAYS[1])
    assert (told["returned"], told["still_retired"]) == ({}, ["gmm"])
    assert both.sql("select model from segmentation.current_models") == [("kmeans",)]


def test_date_that_is_withdrawn_of_one_model_undoes_no_retirement(both, project):
    """The night was there for the others."""
    both.night(DAYS[0])
    project.night(DAYS[1])
    both.night(DAYS[1], models=["gmm"])
    told = withdraw(both, DAYS[1], models=["gmm"])
    assert told["retired"] == {"gmm": DAYS[1]}
    assert both.sql(RETIRED) == [(DAYS[1], None)]
    assert both.sql("select model from segmentation.current_models") == [("kmeans",)]
    assert both.sql("select distinct valid_to::text from segmentation.segment_history where model = 'gmm'") == [
        (DAYS[1],)
    ]
    assert_sound(both)


@pytest.mark.usefixtures("wrong_clock")
def test_retirement_by_a_person_begins_where_it_would_have_without_the_date(both):
    """A date in the future had put the retirement off; without the date, it is of the day on which it was made."""
    today = datetime.now(UTC).date()
    both.night((today - timedelta(days=3)).isoformat())
    both.night("2062-11-27", models=["gmm"])
    assert retire_model(both.warehouse, model="gmm", retired_by="Ada")["retired_on"] == "2062-11-28"
    withdraw(both, "2062-11-27")
    assert both.sql(RETIRED) == [(date.isoformat(today), None)]
    assert both.sql("select distinct valid_to::text from segmentation.segment_history where model = 'gmm'") == [
        (today.isoformat(),)
    ]
    assert_sound(both)


def test_retirement_that_had_not_begun_when_the_date_came_back_holds_again(both):
    """Retired from tomorrow on, and published once more today: without that, it is retired from today on."""
    today = datetime.now(UTC).date()
    yesterday = (today - timedelta(days=1)).isoformat()
    both.night(yesterday)
    both.night(today.isoformat(), models=["gmm"])
    retire_model(both.warehouse, model="gmm", retired_by="Ada")
    both.night(today.isoformat(), models=["gmm"])
    told = withdraw(both, today.isoformat())
    assert told["retired"] == {"gmm": today.isoformat()}
    assert both.sql(RETIRED) == [(today.isoformat(), None)]
    assert both.sql("select count(*) from segmentation.segment_history where model = 'gmm' and valid_to is null") == [
        (0,)
    ]
    assert_sound(both)
