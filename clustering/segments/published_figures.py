"""What is published of each segment's columns: rounded, without what tells of too few, and why a place is empty."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clustering.config import Contract
from clustering.segments.profiles import ClusterProfile, Profile
from clustering.segments.quartiles import Quartiles, Sample
from clustering.segments.rounding import rounded
from clustering.segments.withholding import QUARTILES_FROM, Why, extremes_tell, withheld


@dataclass(frozen=True)
class Cell:
    """One column over the `held` customers of one segment, exactly."""

    segment_id: int
    column: str
    held: int
    profile: Profile
    quartiles: Quartiles | None


def exact_cells(
    members: Mapping[int, Sequence[int]],
    profiles: Mapping[int, ClusterProfile],
    sample: Sample,
    *,
    columns: Sequence[str],
) -> list[Cell]:
    """Return the columns of each segment; `members` are its cluster labels, which are taken together."""
    cells = []
    for segment_id, labels in sorted(members.items()):
        parts = [profiles[label] for label in labels if label in profiles]
        held, sampled = sum(part.customers for part in parts), sample.of(labels)
        for place, name in enumerate(columns):
            whole = sum((part.columns[name] for part in parts), Profile(0))
            cells.append(Cell(segment_id, name, held, whole, sampled.quartiles(place, least=QUARTILES_FROM)))
    return cells


def hidden_extremes(contract: Contract, models: Iterable[Sequence[Cell]]) -> frozenset[str]:
    """Return the columns whose extremes are left out in all models of a date; `models` are the segments of each."""
    held = list(models)
    return frozenset(
        name
        for name in contract.averaged
        # What people read customer by customer is not told by sums.
        if _is_protected(contract, name)
        and extremes_tell(
            ([cell.profile for cell in cells], _withheld(contract, name, cells))
            for cells in ([cell for cell in whole if cell.column == name] for whole in held)
            if cells
        )
    )


def published_rows(contract: Contract, cells: Sequence[Cell], *, hidden: Collection[str]) -> list[dict[str, Any]]:
    """Return one record a segment and column of a model, without the extremes of the columns that are `hidden`."""
    rows = []
    for name in contract.averaged:
        held = [cell for cell in cells if cell.column == name]
        rows += [
            _row(cell, reason, hidden=why_hidden(contract) if name in hidden else None, least=contract.min_group)
            for cell, reason in zip(held, _withheld(contract, name, held), strict=True)
        ]
    return rows


def why_hidden(contract: Contract) -> str:
    """Return why extremes are left out that would tell of too few."""
    return f"would tell a value of fewer than {contract.min_group} customers"


def overall_rows(contract: Contract, clusters: Iterable[ClusterProfile]) -> list[dict[str, Any]]:
    """Return one record a column: the rounded average of all customers that a model labelled."""
    held = list(clusters)
    customers = sum(cluster.customers for cluster in held)
    records = []
    for name in contract.averaged:
        whole = sum((cluster.columns[name] for cluster in held), Profile(0))
        (reason,) = withheld([whole], least=contract.min_group, is_protected=False, is_whole=False)
        told = _in_words(reason, customers, contract.min_group)
        mean = None if reason else rounded(whole.exact_mean)
        records.append({"column_name": name, "customers": whole.present, "mean": mean, "mean_empty_because": told})
    return records


def averages(rows: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the averages of each segment by its id, as `avg_<column>`, and why some are empty, None where none is."""
    found: dict[int, dict[str, Any]] = {}
    empty: dict[int, dict[str, list[str]]] = {}
    for row in rows:
        found.setdefault(row["segment_id"], {})[f"avg_{row['column_name']}"] = row["mean"]
        if reason := row["mean_empty_because"]:
            empty.setdefault(row["segment_id"], {}).setdefault(reason, []).append(row["column_name"])
    for segment_id, means in found.items():
        told = [f"{', '.join(columns)}: {reason}" for reason, columns in empty.get(segment_id, {}).items()]
        if len(told) == 1 and all(mean is None for mean in means.values()):
            told = [*empty[segment_id]]
        means["averages_empty_because"] = "; ".join(told) or None
    return found


def _is_protected(contract: Contract, name: str) -> bool:
    """Return whether no role reads a column customer by customer, as those are read that a label is explained by."""
    return contract.columns[name].role != "cluster"


def _withheld(contract: Contract, name: str, cells: Sequence[Cell]) -> list[Why | None]:
    is_whole = all(cell.profile.total.denominator == 1 for cell in cells)  # as of whole numbers, whatever their type
    return withheld(
        [cell.profile for cell in cells],
        least=contract.min_group,
        is_protected=_is_protected(contract, name),
        is_whole=is_whole,
    )


def _row(cell: Cell, reason: Why | None, *, hidden: str | None, least: int) -> dict[str, Any]:
    of_mean = _in_words(reason, cell.held, least)
    of_extremes = of_mean
    if reason is None and cell.profile.present < QUARTILES_FROM:
        of_extremes = _too_few(cell.held, QUARTILES_FROM)
    of_quartiles = of_extremes
    if of_extremes is None and cell.quartiles is None:
        of_quartiles = f"fewer than {QUARTILES_FROM} customers of its sample have a value"
    of_extremes = of_extremes or hidden
    quartiles = (None, None, None) if of_quartiles or cell.quartiles is None else cell.quartiles
    return {
        "segment_id": cell.segment_id,
        "column_name": cell.column,
        "customers": cell.profile.present,
        "mean": None if of_mean else rounded(cell.profile.exact_mean),
        "minimum": None if of_extremes else rounded(cell.profile.minimum),
        **dict(zip(("q1", "median", "q3"), map(rounded, quartiles), strict=True)),
        "maximum": None if of_extremes else rounded(cell.profile.maximum),
        "mean_empty_because": of_mean,
        "quartiles_empty_because": of_quartiles,
        "extremes_empty_because": of_extremes,
    }


def _in_words(reason: Why | None, held: int, least: int) -> str | None:
    if reason is Why.NOBODY:
        return "nobody has a value" if held else "nobody is in it"
    if reason is Why.FEW:
        return _too_few(held, least)
    return None if reason is None else f"would tell the average of fewer than {least} customers"


def _too_few(held: int, least: int) -> str:
    return f"fewer than {least} customers" if held < least else f"fewer than {least} customers have a value"
