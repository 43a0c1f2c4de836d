"""What criteria would say of candidates, if they stopped after their first replicates."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from clustering.training.criteria import LEAST_STRENGTH, LENIENCY, Evaluation
from clustering.training.jaccard_limits import LEAST_JACCARD
from clustering.training.stability import weakest_cluster

STOPS = Path(__file__).parent / "early_stops.csv"
ERRORS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)


@dataclass(frozen=True)
class Stop:
    """A criterion's answer after the first replicates, so many standard errors from its limit, and after all."""

    criterion: str
    errors: float
    first: bool
    all: bool


@dataclass(frozen=True)
class Counted:
    """Of so many judgements by a criterion, those that stop at so many standard errors, and those of them that err."""

    criterion: str
    errors: float
    judged: int = 0
    stopped: int = 0
    wrong: int = 0

    def and_those(self, stops: Sequence[Stop]) -> Counted:
        """Return the counts with some more."""
        own = [one for one in stops if one.criterion == self.criterion]
        stopped = [one for one in own if one.errors > self.errors]
        wrong = [one for one in stopped if one.first != one.all]
        return replace(
            self,
            judged=self.judged + len(own),
            stopped=self.stopped + len(stopped),
            wrong=self.wrong + len(wrong),
        )


@dataclass
class Watch:
    """What criteria say of candidates after their first replicates and after all; `True` where they are content."""

    seen: dict[tuple[int, str], list[tuple[float, bool]]] = field(default_factory=dict)

    def strength(self, one: Evaluation) -> bool:
        """Note the prediction strength, and ask for more."""
        mean, error = one.strength or (0.0, 0.0)
        return self._note(one, "strength", _outside(mean, error, LEAST_STRENGTH), mean + error >= LEAST_STRENGTH)

    def jaccard(self, one: Evaluation) -> bool:
        """Note the bootstraps, and ask for more; of groups in noise, all are asked for anyway."""
        if one.jaccard is None or one.spec.has_noise:
            return False
        mean, error = weakest_cluster(one.jaccard)
        return self._note(one, "jaccard", _outside(mean, error, LEAST_JACCARD), mean >= LEAST_JACCARD)

    def noise(self, one: Evaluation) -> bool:
        """Note the references, and ask for more, unless there are too few."""
        margins = [
            (excess.errors - one.algorithm.least_errors[test]) / excess.errors_of_errors
            for test, excess in one.noise.items()
        ]
        return bool(one.flaws) or self._note(one, "noise", abs(min(margins)), min(margins) >= 0)

    def _note(self, one: Evaluation, criterion: str, errors: float, content: bool) -> bool:
        self.seen.setdefault((id(one), criterion), []).append((errors, content))
        return False

    def stops(self) -> Iterator[Stop]:
        """Yield what the first replicates said beside what all did."""
        for (_, criterion), found in self.seen.items():
            if len(found) > 1:
                yield Stop(criterion, found[0][0], found[0][1], found[1][1])


def _outside(mean: float, error: float, limit: float) -> float:
    """Return how many standard errors a mean lies above a limit, or below it and leniency; negative in between."""
    return max(mean - limit, limit - LENIENCY - mean) / max(error, 1e-9)


def _counted() -> list[Counted]:
    if not STOPS.exists():
        return [Counted(criterion, errors) for criterion, errors in product(("strength", "jaccard", "noise"), ERRORS)]
    with STOPS.open(encoding="utf-8") as file:
        return [
            Counted(one["criterion"], float(one["errors"]), int(one["judged"]), int(one["stopped"]), int(one["wrong"]))
            for one in csv.DictReader(file)
        ]


def count_stops(stops: Sequence[Stop]) -> None:
    """Add to the counts that are kept."""
    counted = [one.and_those(stops) for one in _counted()]
    with STOPS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(Counted)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, counted))


def early_stops() -> Iterator[str]:
    """Yield how often a criterion would stop at so many standard errors, and then say what all would not have said."""
    for one in _counted():
        low, high = 100 * np.array(binomtest(one.wrong, max(one.stopped, 1)).proportion_ci())
        stopped = f"{one.criterion}, {one.errors:g} standard errors: {one.stopped:,} of {one.judged:,} stop"
        yield f"{stopped}; {one.wrong} of these otherwise than all would (95 %: {low:.2f} to {high:.2f} %)"
