"""Selection without short cuts, and how often the one with them says the same.

The slow selection has the same criteria, noise and seeds. It judges every candidate that was proposed, even one that
could not be chosen, by all the splits, bootstraps and references that there are, however certain the first of them
look. (That many samples are fitted at once needs no comparison: tests hold each to what it is alone, bit by bit.)

`python benchmarks/slow_selection.py --record` adds what it says of customers whose answer is known, 200 a sample, to
`slow_verdicts.csv`, under two seeds; what stopping after the first replicates would have said goes to
`early_stops.csv`. Without `--record`, the fast selection is compared with these files, and docs/verdicts.md says how.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from itertools import product
from pathlib import Path
from unittest.mock import patch

from scipy.stats import binomtest

import kinds
from clustering.training import evaluation
from clustering.training.criteria import Evaluation
from early_stops import Stop, Watch, count_stops, early_stops
from verdicts import DATA, MODELS, Verdict, judge

ROWS = 200
SEEDS = tuple(range(8001, 8021))  # not used to tune anything
OWN, OTHER = 0, 1  # seeds of a selection: the default, and another
VERDICTS = Path(__file__).parent / "slow_verdicts.csv"


@dataclass(frozen=True)
class Said:
    """What a selection that began with a seed said of a sample."""

    data: str
    model: str
    seed: int
    selection_seed: int
    structure: str
    clusters: int

    @property
    def sample(self) -> tuple[str, str, int]:
        """The customers and the model."""
        return self.data, self.model, self.seed

    @property
    def answer(self) -> tuple[str, int]:
        """What people are told: no structure, or so many clusters."""
        return self.structure, self.clusters if self.structure == "structured" else 0


@contextmanager
def without_short_cuts(watch: Watch) -> Iterator[None]:
    """Judge all candidates by all replicates."""
    with (
        patch.object(evaluation, "best_of", return_value=None),
        patch.object(Evaluation, "is_strength_certain", property(watch.strength)),
        patch.object(Evaluation, "is_jaccard_certain", property(watch.jaccard)),
        patch.object(Evaluation, "is_noise_certain", property(watch.noise)),
    ):
        yield


def say(data: str, model: str, seed: int, selection_seed: int = OWN) -> Said:
    """Return what the selection says of a sample."""
    with patch.object(kinds, "ROWS", ROWS):
        found: Verdict = judge(data, model, seed, selection_seed=selection_seed)
    return Said(data, model, seed, selection_seed, found.structure, found.clusters)


def say_slowly(data: str, model: str, seed: int, selection_seed: int = OWN) -> tuple[Said, list[Stop]]:
    """Return what the slow selection says of a sample, and what stopping early would have said."""
    watch = Watch()
    with without_short_cuts(watch):
        return say(data, model, seed, selection_seed), list(watch.stops())


def record(seeds: Iterable[int]) -> None:
    """Add what the slow selection says of samples that are not there yet."""
    known = {(*one.sample, one.selection_seed) for one in recorded()} if VERDICTS.exists() else set()
    for seed, data, model, own in product(seeds, DATA, MODELS, (OWN, OTHER)):
        if (data, model, seed, own) not in known:
            said, stops = say_slowly(data, model, seed, own)
            count_stops(stops)
            _add_verdict(said)
            print(*astuple(said), flush=True)


def recorded() -> list[Said]:
    """Return what the slow selection has said."""
    with VERDICTS.open(encoding="utf-8") as file:
        return [
            Said(
                one["data"],
                one["model"],
                int(one["seed"]),
                int(one["selection_seed"]),
                one["structure"],
                int(one["clusters"]),
            )
            for one in csv.DictReader(file)
        ]


def _add_verdict(said: Said) -> None:
    begins = not VERDICTS.exists()
    with VERDICTS.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(Said)], lineterminator="\n")
        if begins:
            writer.writeheader()
        writer.writerow(asdict(said))


def compare() -> Iterator[str]:
    """Yield how often the fast selection agrees with the slow one, and that with itself, and where they differ."""
    slow = {(*one.sample, one.selection_seed): one for one in recorded()}
    for model in MODELS:
        own = [one for one in slow.values() if one.model == model and one.selection_seed == OWN]
        pairs = [(say(*one.sample), one) for one in own]
        yield f"{model}: fast and slow agree in {_share([a.answer == b.answer for a, b in pairs])}"
        others = [(one, slow[*one.sample, OTHER]) for one in own if (*one.sample, OTHER) in slow]
        yield f"{model}: slow and slow agree in {_share([a.answer == b.answer for a, b in others])}"
        yield from (
            f"  {a.data}, seed {a.seed}: fast {a.answer}, slow {b.answer}" for a, b in pairs if a.answer != b.answer
        )


def _share(said: Sequence[bool]) -> str:
    interval = binomtest(sum(said), max(len(said), 1)).proportion_ci()
    return f"{sum(said)} of {len(said)} (95 %: {100 * interval.low:.1f} to {100 * interval.high:.1f} %)"


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.seeds)
        return
    for line in (*early_stops(), *compare()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
