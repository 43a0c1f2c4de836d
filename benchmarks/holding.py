"""How often honest nights are held, and broken ones are not: companies through the functions of a night, no Airflow.

    python benchmarks/holding.py honest --companies 12 --nights 200
    python benchmarks/holding.py breaks --size 20000 --companies 3

Kinds that are kept for the end run only with `--final`. Each night is written to `--out` as a line of JSON, and the
tables are made from those lines.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from held_nights import Outcome, breaks_table, honest_table
from rehearsal import SERVER_SETTINGS, Rehearsal, Server, Verdict, rehearse
from remembered_nights import Remembered
from setting import running_server
from sources.breaks import KINDS, Source, break_source
from sources.effects import COUNTS_FROM, changed_share, moved_share
from sources.honest import GENERATORS
from sources.layout import Night

PAST = 45  # honest nights before a broken one
AT_MOST_SILENT = 10  # nights after the past until one has a delivery
REMEMBERED = 31  # nights that a break can take rows from
MOST_LABELLED = 100_000  # customers of whom labels are compared where the rows alone make a break count
SMALLEST, LARGEST = 200, 2_000  # customers of an honest company in the beginning


@dataclass(frozen=True)
class Company:
    """A company of a generator, by its seed and size."""

    generator: str
    seed: int
    size: int

    @property
    def name(self) -> str:
        """The name of its database."""
        return f"{self.generator}_{self.size}_{self.seed}"

    def nights(self, count: int) -> Iterator[Night]:
        """Yield its nights."""
        return GENERATORS[self.generator].nights(self.seed, size=self.size, nights=count)

    def outcome(self, night: Night, verdict: Verdict, seconds: float, **effects: object) -> Outcome:
        """Return what became of a night."""
        known = {"as_of": night.as_of.isoformat(), "remarks": tuple(sorted(night.remarks))}
        return Outcome(**asdict(self), **known, **asdict(verdict), seconds=seconds, **effects)  # type: ignore[arg-type]


def honest_company(seed: int, size: int | None = None) -> Company:
    """Return a company of a seed; the generators take turns, and the size is drawn where none is given."""
    drawn = round(float(np.exp(np.random.default_rng([seed, 4]).uniform(np.log(SMALLEST), np.log(LARGEST)))))
    return Company(list(GENERATORS)[seed % len(GENERATORS)], seed, size or drawn)


def live(rehearsal: Rehearsal, company: Company, night: Night) -> Outcome:
    """Run an honest night; one that is held is released, as its data team would."""
    started = time.monotonic()
    rehearsal.load(night.customers)
    verdict = rehearsal.night(night.as_of, release=True)
    return company.outcome(night, verdict, time.monotonic() - started)


def run_honest(company: Company, nights: int) -> Iterator[Outcome]:
    """Yield what became of a company's honest nights."""
    with server() as running:
        rehearsal = rehearse(running, company.name, GENERATORS[company.generator].layout)
        for night in _trained_on_the_first(rehearsal, company.nights(nights)):
            yield live(rehearsal, company, night)


def run_breaks(company: Company, kinds: Sequence[str], past: int = PAST) -> Iterator[Outcome]:
    """Yield what became of one night after an honest past, once as it was, and broken in each way.

    All of them have the same past: none is published.
    """
    layout = GENERATORS[company.generator].layout
    with server() as running, Remembered(REMEMBERED) as before:
        rehearsal = rehearse(running, company.name, layout)
        for count, night in enumerate(_trained_on_the_first(rehearsal, company.nights(past + AT_MOST_SILENT))):
            if count >= past and "unchanged" not in night.remarks:
                break
            yield live(rehearsal, company, night)
            before.append(night.customers)
        source, right = Source(night.customers, before, layout), rehearsal.labels(night.customers)
        for kind in [None, *kinds]:
            broken = night.customers if kind is None else break_source(kind, source, seed=company.seed)
            effects = {} if kind is None else _effects(kind, source, broken, right, rehearsal)
            started = time.monotonic()
            rehearsal.load(broken)
            verdict = rehearsal.tried(night.as_of)
            yield company.outcome(night, verdict, time.monotonic() - started, **effects)


def _trained_on_the_first(rehearsal: Rehearsal, nights: Iterator[Night]) -> Iterator[Night]:
    first = next(nights)
    rehearsal.train(first.customers)
    return chain([first], nights)


def _effects(
    kind: str, source: Source, broken: pd.DataFrame, right: pd.Series, rehearsal: Rehearsal
) -> dict[str, str | bool | float | None]:
    rows = changed_share(source.tonight, broken)
    is_known = len(source.tonight) <= MOST_LABELLED or rows < COUNTS_FROM
    return {
        "kind": kind,
        "final": KINDS[kind].final,
        "rows_changed": rows,
        "labels_changed": moved_share(right, rehearsal.labels(broken)) if is_known else None,
    }


@contextmanager
def server() -> Iterator[Server]:
    """Run a server that is removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="holding-"))
    try:
        with running_server(folder, SERVER_SETTINGS) as running:
            yield running
    finally:
        shutil.rmtree(folder)


def chosen_kinds(size: int, *, final: bool) -> list[str]:
    """Return the kinds that make sense at a size: those to tune with, or also those kept for the end.

    Their order is a draw by their names, so that those which a run has done before it was ended are a sample of all.
    """
    chosen = [name for name, one in KINDS.items() if one.least <= size and (final or not one.final)]
    return sorted(chosen, key=lambda name: hashlib.sha256(f"order: {name}".encode()).hexdigest())


def written(outcomes: Iterable[Outcome], out: Path | None) -> list[Outcome]:
    """Return outcomes, each written to a file as soon as it is known."""
    found = []
    for one in outcomes:
        found.append(one)
        if out:
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
    return found


def _run(arguments: argparse.Namespace, company: Company) -> list[Outcome]:
    if arguments.what == "honest":
        return written(run_honest(company, arguments.nights), arguments.out)
    kinds = chosen_kinds(company.size, final=arguments.final)
    return written(run_breaks(company, kinds, arguments.past), arguments.out)


def main() -> None:
    """Run what is asked for, write each night, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["honest", "breaks"])
    parser.add_argument("--companies", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--size", type=int, help="customers in the beginning; honest companies draw theirs")
    parser.add_argument("--nights", type=int, default=200)
    parser.add_argument("--past", type=int, default=PAST)
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.companies)
    companies = [honest_company(seed, arguments.size) for seed in seeds]
    work = [delayed(_run)(arguments, company) for company in companies]
    found = Parallel(n_jobs=arguments.jobs, return_as="generator_unordered")(work)
    outcomes = [one for company in found for one in company]
    print("\n".join([*honest_table(outcomes), "", *breaks_table(outcomes)]))


if __name__ == "__main__":
    main()
