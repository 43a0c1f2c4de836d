"""The criteria as people are shown them: they say what the verdicts say."""

from __future__ import annotations

import numpy as np
import pytest

from clustering.config import specification
from clustering.training.criterion_limits import criteria_of
from clustering.training.selection import select

KINDS = ("kmeans", "gmm", "dbscan")
OF_VERDICTS = {
    "Smallest cluster": "the smallest c",
    "Prediction strength": "prediction strength",
    "Least stability": "bootstrap Jaccard",
    "Mean stability": "the mean over customers",
    "Outliers": "are noise, over",
    "Ahead of evenly spread customers": "against uniform noise",
    "Ahead of customers without groups": "against customers like these without groups",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_groups", [True, False])
def test_limits_say_what_the_verdicts_say(kind: str, has_groups: bool) -> None:
    """Of every candidate, a criterion that does not hold is a verdict, and one that holds is none."""
    generator = np.random.default_rng(3)
    features = generator.uniform(-2, 2, (200, 2))
    if has_groups:
        features = features / 12 + generator.choice([-2.0, 0.0, 2.0], 200)[:, np.newaxis]
    spec = specification({"algorithm": kind, "features": ["a", "b"], "when_no_structure": "refuse"})
    selection = select(features, spec, seed=1)
    told = 0
    for candidate in selection.candidates:
        for one in criteria_of(spec):
            holds = one.holds(candidate.figures)
            if holds is not None:
                told += 1
                assert (OF_VERDICTS[one.title] in "; ".join(candidate.verdicts)) is not holds, (one, candidate)
                assert one.said(candidate.figures) != "–"
    assert told
    assert (selection.declaration is None) == (selection.refusal is None)
    assert selection.metrics.declaration == selection.declaration


def test_each_candidate_has_the_limit_of_its_margin() -> None:
    """Of density's clusters, how stable they have to be depends on how wide a range of `eps` they hold over."""
    spec = specification({"algorithm": "dbscan", "features": ["a", "b"]})
    [one] = [criterion for criterion in criteria_of(spec) if criterion.is_of_each]
    narrow, wide = ({"mean_jaccard": 0.6, "eps_margin": margin} for margin in (1.0, 1.1))
    assert (one.title, one.limit_in_words(narrow), one.holds(narrow)) == ("Mean stability", "0.8 or more", False)
    assert (one.limit_in_words(wide), one.holds(wide)) == ("0.5 or more", True)
