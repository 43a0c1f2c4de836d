"""How close settings that nobody gives come to the groups of kinds that are hard: every model, beside its oracle.

`python benchmarks/accuracy.py` rewrites the second part of docs/shapes.md. Seeds for tuning are others than those for
judging, and every third kind is looked at with the latter alone (`--final` measures these). Every noise row counts as a
cluster of its own; rows that belong to no group are left out.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from clustering import cluster
from mixture_shapes import MIXTURE
from shapes import agreement, grid, standardised
from thin_shapes import THIN, Groups, Rows

MODELS = ("kmeans", "gmm", "dbscan")
KINDS = THIN | MIXTURE
FINAL = tuple(list(KINDS)[2::3])  # not looked at before the end
SIZES = (150, 600, 2_000)
TUNING, JUDGING = tuple(range(100, 106)), tuple(range(9_220, 9_223))
PLAIN, LEAST = 0.8, 0.75  # of the best: from where on a refusal is a loss; of a kind, at least that share of the best
TOLD = 0.1  # of the best, where the model can tell anything of a kind
TABLE = Path(__file__).parent.parent / "docs" / "shapes.md"
BEGIN, END = "<!-- hard kinds -->", "<!-- end of hard kinds -->"


@dataclass(frozen=True)
class Case:
    """Rows of a kind, drawn by a seed."""

    kind: str
    rows: int
    seed: int

    def draw(self) -> tuple[Rows, Groups]:
        """Return the rows, standardised, in an order that tells nothing, and their groups."""
        generator = np.random.default_rng([self.seed, self.rows, list(KINDS).index(self.kind)])
        rows, groups = KINDS[self.kind](generator, self.rows)
        order = generator.permutation(len(rows))
        return standardised(rows)[order], groups[order]


@dataclass(frozen=True)
class Outcome:
    """Adjusted Rand index, clusters found and true groups of one model, or of an oracle, on a case."""

    kind: str
    rows: int
    seed: int
    model: str
    index: float
    structured: bool
    clusters: int
    groups: int

    @property
    def strict(self) -> float:
        """The index, 0 where no structure was found."""
        return self.index if self.structured else 0.0


def tuned(case: Case, model: str) -> Outcome:
    """Return what a model with its default settings finds."""
    rows, groups = case.draw()
    found = cluster(pd.DataFrame(rows), {"algorithm": model})
    return _outcome(case, model, groups, found.labels, structured=found.structure == "structured")


def rivals(case: Case) -> list[Outcome]:
    """Return what HDBSCAN finds with scikit-learn's defaults, and the best that each model could have found."""
    rows, groups = case.draw()
    count = len(set(groups[groups >= 0].tolist()))
    best = max(grid(rows, groups))
    mixtures = [
        GaussianMixture(count, covariance_type=kind, n_init=5, reg_covar=1e-3, random_state=0).fit_predict(rows)
        for kind in ("full", "tied", "diag", "spherical")
    ]
    likeliest = max(mixtures, key=lambda labels: agreement(groups, labels))
    return [
        _outcome(case, "HDBSCAN", groups, HDBSCAN(copy=True).fit_predict(rows)),
        Outcome(**asdict(case), model="best dbscan", index=best, structured=True, clusters=count, groups=count),
        _outcome(case, "best gmm", groups, likeliest),
        _outcome(case, "best kmeans", groups, KMeans(count, n_init=20, random_state=0).fit_predict(rows)),
    ]


def _outcome(
    case: Case, model: str, groups: Groups, labels: NDArray[np.integer], *, structured: bool = True
) -> Outcome:
    return Outcome(
        **asdict(case),
        model=model,
        index=agreement(groups, labels),
        structured=structured,
        clusters=int(labels.max()) + 1,
        groups=len(set(groups[groups >= 0].tolist())),
    )


def measured(case: Case, models: Sequence[str], *, with_rivals: bool) -> list[Outcome]:
    """Return all outcomes of a case."""
    with threadpool_limits(limits=1):
        return [*(tuned(case, model) for model in models), *(rivals(case) if with_rivals else [])]


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield a Markdown table of means by kind: as it is / where no structure counts as 0 / the oracle's."""
    models = [model for model in MODELS if any(one.model == model for one in outcomes)]
    yield "| groups | " + " | ".join(f"{model} | best" for model in models) + " | HDBSCAN |"
    yield "| --- |" + " --- |" * (2 * len(models) + 1)
    for kind in dict.fromkeys(one.kind for one in outcomes):
        yield _line(kind + (" (set aside)" if kind in FINAL else ""), models, [x for x in outcomes if x.kind == kind])
    for name, kinds in (("density's kinds", THIN), ("mixtures' kinds", MIXTURE), ("all", KINDS)):
        if own := [one for one in outcomes if one.kind in kinds]:
            yield _line(f"**{name}**", models, own, with_interval=True)


def _line(name: str, models: Sequence[str], own: Sequence[Outcome], *, with_interval: bool = False) -> str:
    cells = [name]
    for model in models:
        mine = [one for one in own if one.model == model]
        plain, strict = np.array([one.index for one in mine]), np.array([one.strict for one in mine])
        error = f" ± {1.96 * strict.std(ddof=1) / np.sqrt(len(strict)):.2f}" if with_interval else ""
        cells += [f"{plain.mean():.2f} / {strict.mean():.2f}{error}", _mean(own, f"best {model}")]
    return "| " + " | ".join([*cells, _mean(own, "HDBSCAN")]) + " |"


def _mean(own: Sequence[Outcome], model: str) -> str:
    mine = [one.index for one in own if one.model == model]
    return f"{np.mean(mine):.2f}" if mine else ""


def contract(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield a Markdown table of what is asked of each model: how near the best, in every kind, and seldom refused."""
    yield "| model | of the best | with no structure as 0 | kinds under 75 % of it | refused where it is 0.8 or more |"
    yield "| --- | --- | --- | --- | --- |"
    best = {(one.model, one.kind, one.rows, one.seed): one.index for one in outcomes}
    for model in MODELS:
        own = [(one, best[f"best {model}", one.kind, one.rows, one.seed]) for one in outcomes if one.model == model]
        if not own:
            continue
        kinds = {
            kind: [pair for pair in own if pair[0].kind == kind] for kind in dict.fromkeys(one.kind for one, _ in own)
        }
        shares = {kind: _share([(one.index, reached) for one, reached in pairs]) for kind, pairs in kinds.items()}
        told = {kind for kind, pairs in kinds.items() if np.mean([reached for _, reached in pairs]) >= TOLD}
        under = ", ".join(f"{kind} ({share:.2f})" for kind, share in shares.items() if kind in told and share < LEAST)
        plain = [one for one, reached in own if reached >= PLAIN]
        refused = sum(not one.structured for one in plain)
        interval = binomtest(refused, len(plain)).proportion_ci()
        yield (
            f"| {model} | {_share([(one.index, reached) for one, reached in own]):.3f} "
            f"| {_share([(one.strict, reached) for one, reached in own]):.3f} | {under or 'none'} "
            f"| {refused} of {len(plain)}: {100 * interval.low:.1f} to {100 * interval.high:.1f} % |"
        )


def _share(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the mean of the indices as a share of the mean of the best."""
    reached, best = np.mean(pairs, axis=0)
    return float(reached / best)


def main() -> None:
    """Measure, print, and write the table where everything was measured that it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=JUDGING)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), help="all but those set aside, unless --final")
    parser.add_argument("--final", action="store_true", help="measure the kinds that were set aside too")
    parser.add_argument("--no-rivals", action="store_true", help="leave out HDBSCAN and the oracles")
    parser.add_argument("--record", type=Path, help="write every outcome to this CSV file")
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    kinds = arguments.kinds or [kind for kind in KINDS if arguments.final or kind not in FINAL]
    cases = [Case(*one) for one in product(kinds, arguments.sizes, arguments.seeds)]
    run = Parallel(n_jobs=arguments.jobs)
    found = run(delayed(measured)(one, arguments.models, with_rivals=not arguments.no_rivals) for one in cases)
    outcomes = [one for each in found for one in each]
    lines = list(table(outcomes))
    if not arguments.no_rivals:
        lines += ["", *contract(outcomes)]
    print("\n".join(lines))
    if arguments.record:
        with arguments.record.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [one.name for one in fields(Outcome)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(one) for one in outcomes)
    if arguments.final and not arguments.no_rivals and tuple(arguments.seeds) == JUDGING:
        before, _, rest = TABLE.read_text(encoding="utf-8").partition(BEGIN)
        TABLE.write_text(before + "\n".join([BEGIN, *lines, END]) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
