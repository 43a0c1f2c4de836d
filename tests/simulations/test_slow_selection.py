"""The selection with its short cuts beside the one without them, whose verdicts are kept."""

from __future__ import annotations

import pytest

import early_stops
import slow_selection
from early_stops import Counted, Stop, Watch
from verdicts import MODELS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("whole_evaluation")]

KINDS = ("uniform noise", "3 exponential columns", "small counts", "five groups of Mall's sizes, 200 rows")
SEED = slow_selection.SEEDS[0]


def test_short_cuts_say_what_the_whole_evaluation_says():
    """Of a small sample of what the slow selection has judged, the fast one may say otherwise of a single case."""
    kept = [
        one
        for one in slow_selection.recorded()
        if (one.seed, one.selection_seed) == (SEED, slow_selection.OWN) and one.data in KINDS
    ]
    assert {(one.data, one.model) for one in kept} == {(data, model) for data in KINDS for model in MODELS}

    assert sum(slow_selection.say(*one.sample).answer != one.answer for one in kept) <= 1


def test_the_slow_selection_judges_every_candidate_by_all_replicates():
    """Nothing is left out because another passed, and no criterion stops after its first round."""
    said, stops = slow_selection.say_slowly("five groups, 2,000 rows", "kmeans", SEED)

    assert said.answer == ("structured", 5)
    assert [one.criterion for one in stops].count("strength") == 9
    assert [one.criterion for one in stops].count("noise") >= 1


def test_what_is_kept_is_what_the_slow_selection_says():
    """The same command would write the same line again."""
    (kept,) = (
        one
        for one in slow_selection.recorded()
        if (one.data, one.model, one.seed, one.selection_seed) == ("2 exponential columns", "kmeans", SEED, 1)
    )

    assert slow_selection.say_slowly(*kept.sample, 1)[0] == kept


def test_stops_are_counted_by_their_distance_from_the_limit():
    """A stop errs where all replicates say otherwise; what lies nearer goes on."""
    stops = [Stop("noise", 2.5, True, False), Stop("noise", 3.5, True, True), Stop("noise", 0.5, True, False)]

    assert Counted("noise", 2.0, 10, 5, 1).and_those(stops) == Counted("noise", 2.0, 13, 7, 2)
    assert Counted("jaccard", 2.0).and_those(stops) == Counted("jaccard", 2.0)
    assert tuple(sorted(early_stops.ERRORS)) == early_stops.ERRORS
    assert list(Watch().stops()) == []
