"""What the criteria say of noise, and of groups whose answer is known.

`python benchmarks/verdicts.py` rewrites the table of docs/verdicts.md; with some of the data, models, rows or seeds
alone, it prints what it finds, one line a sample of noise that is announced as structure.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from unittest.mock import patch

import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import binomtest

import kinds
from clustering import cluster
from clustering.config import Transform
from kinds import GROUPS, NOISE

MODELS = ("kmeans", "gmm", "dbscan")
SEEDS = tuple(range(7001, 7061))  # not used to tune anything
TABLE = Path(__file__).parent.parent / "docs" / "verdicts.md"
MOST_COMMON = 4  # numbers of clusters that are listed
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@dataclass(frozen=True)
class Verdict:
    """What the criteria said of one data set."""

    data: str
    model: str
    structure: str
    clusters: int
    refused: bool
    seed: int


DATA = NOISE | GROUPS


def judge(data: str, model: str, seed: int, *, selection_seed: int = 0, count: int | None = None) -> Verdict:
    """Return what the criteria say of data of `count` rows that `seed` draws; `selection_seed` draws their samples."""
    with patch.object(kinds, "ROWS", count or kinds.ROWS):
        rows = DATA[data](seed)
    frame = pd.DataFrame(rows, columns=[f"column_{place}" for place in range(rows.shape[1])])
    transforms: dict[str, Transform] = dict.fromkeys(frame.columns, "log") if data.endswith("as log") else {}
    found = cluster(frame, {"algorithm": model, "seed": selection_seed}, transforms=transforms)
    return Verdict(data, model, found.structure, len(found.stability), found.refusal is not None, seed)


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a Markdown table of the verdicts, counted by data and model."""
    lines = ["| data | model | structured | refused | numbers of clusters |", "| --- | --- | --- | --- | --- |"]
    for data, model in product(DATA, MODELS):
        own = [one for one in verdicts if (one.data, one.model) == (data, model)]
        if not own:
            continue
        structured = sum(one.structure == "structured" for one in own)
        numbers = pd.Series([one.clusters for one in own]).value_counts()
        counted = ", ".join(f"{count} × {number}" for number, count in numbers.head(MOST_COMMON).items())
        if others := numbers.iloc[MOST_COMMON:].sum():
            counted += f", {others} others"
        refused = sum(one.refused for one in own)
        lines.append(f"| {data} | {model} | {structured} of {len(own)} | {refused} of {len(own)} | {counted} |")
    return lines + [_in_all(verdicts, model) for model in MODELS if any(one.model == model for one in verdicts)]


def _in_all(verdicts: Sequence[Verdict], model: str) -> str:
    """Return the line of all noise, with the interval that holds the true rate in 95 of 100 cases."""
    own = [one for one in verdicts if one.model == model and one.data in NOISE]
    structured = sum(one.structure == "structured" for one in own)
    interval = binomtest(structured, max(len(own), 1)).proportion_ci()
    refused = sum(one.refused for one in own)
    rate = f"{structured} of {len(own)}: {100 * interval.low:.1f} to {100 * interval.high:.1f} %"
    return f"| **all noise** | {model} | {rate} | {refused} of {len(own)} | |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--data", nargs="+", default=tuple(DATA), choices=DATA)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--rows", type=int, help="of the kinds that have no number of their own")
    parser.add_argument("--jobs", type=int, default=-1)
    return parser.parse_args()


def main() -> None:
    """Judge, print and write the table."""
    chosen = _arguments()
    cases = product(chosen.seeds, chosen.data, chosen.models)  # all kinds soon, so that a run can be broken off
    running = Parallel(n_jobs=chosen.jobs, return_as="generator")(
        delayed(judge)(data, model, seed, count=chosen.rows) for seed, data, model in cases
    )
    verdicts = []
    for one in running:
        verdicts.append(one)
        if one.data in NOISE and one.structure == "structured":
            print(f"{one.data}, {one.model}, seed {one.seed}: {one.clusters} clusters", flush=True)
        elif len(verdicts) % (len(chosen.data) * len(chosen.models)) == 0:
            print(f"seed {one.seed}: {len(verdicts)} samples", flush=True)
    lines = table(verdicts)
    print("\n".join(lines))
    everything = (tuple(chosen.seeds), tuple(chosen.data), tuple(chosen.models)) == (SEEDS, tuple(DATA), MODELS)
    if everything and not chosen.rows:
        before, _, rest = TABLE.read_text(encoding="utf-8").partition(BEGIN)
        TABLE.write_text(before + "\n".join([BEGIN, *lines, END]) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
