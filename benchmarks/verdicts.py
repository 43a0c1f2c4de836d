"""What the criteria say of noise, and of groups whose answer is known.

`python benchmarks/verdicts.py` rewrites the table of docs/verdicts.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import binomtest

from clustering import cluster
from clustering.config import Transform
from kinds import GROUPS, NOISE

MODELS = ("kmeans", "gmm", "dbscan")
SEEDS = tuple(range(7001, 7061))  # not used to tune anything
TABLE = Path(__file__).parent.parent / "docs" / "verdicts.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@dataclass(frozen=True)
class Verdict:
    """What the criteria said of one data set."""

    data: str
    model: str
    structure: str
    clusters: int
    refused: bool


DATA = NOISE | GROUPS


def judge(data: str, model: str, seed: int, *, selection_seed: int = 0) -> Verdict:
    """Return what the criteria say of one data set, which `seed` draws; `selection_seed` draws their samples."""
    rows = DATA[data](seed)
    frame = pd.DataFrame(rows, columns=[f"column_{place}" for place in range(rows.shape[1])])
    transforms: dict[str, Transform] = dict.fromkeys(frame.columns, "log") if data.endswith("as log") else {}
    found = cluster(frame, {"algorithm": model, "seed": selection_seed}, transforms=transforms)
    return Verdict(data, model, found.structure, len(found.stability), found.refusal is not None)


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a Markdown table of the verdicts, counted by data and model."""
    lines = ["| data | model | structured | refused | numbers of clusters |", "| --- | --- | --- | --- | --- |"]
    for data in DATA:
        for model in MODELS:
            own = [one for one in verdicts if (one.data, one.model) == (data, model)]
            structured = sum(one.structure == "structured" for one in own)
            numbers = pd.Series([one.clusters for one in own]).value_counts()
            counted = ", ".join(f"{count} × {number}" for number, count in numbers.items())
            refused = sum(one.refused for one in own)
            lines.append(f"| {data} | {model} | {structured} of {len(own)} | {refused} of {len(own)} | {counted} |")
    return lines + [_in_all(verdicts, model) for model in MODELS]


def _in_all(verdicts: Sequence[Verdict], model: str) -> str:
    """Return the line of all noise, with the interval that holds the true rate in 95 of 100 cases."""
    own = [one for one in verdicts if one.model == model and one.data in NOISE]
    structured = sum(one.structure == "structured" for one in own)
    interval = binomtest(structured, max(len(own), 1)).proportion_ci()
    refused = sum(one.refused for one in own)
    rate = f"{structured} of {len(own)}: {100 * interval.low:.1f} to {100 * interval.high:.1f} %"
    return f"| **all noise** | {model} | {rate} | {refused} of {len(own)} | |"


def main() -> None:
    """Judge, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    cases = [(data, model, seed) for data in DATA for model in MODELS for seed in arguments.seeds]
    lines = table(Parallel(n_jobs=arguments.jobs)(delayed(judge)(*case) for case in cases))
    print("\n".join(lines))
    if tuple(arguments.seeds) == SEEDS:
        before, _, rest = TABLE.read_text(encoding="utf-8").partition(BEGIN)
        TABLE.write_text(before + "\n".join([BEGIN, *lines, END]) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
