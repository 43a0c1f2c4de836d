"""What is published of a model around a date, and whether the history can be repaired there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from clustering.errors import RunError
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class Published:
    """What is published of a model on a date: whether its labels are `kept`, and the `latest` date of all models.

    Labels that are files are `is_filed`, and of their date the history knows nobody.
    """

    as_of: date
    run_id: int
    model_version_id: int
    kept: bool
    latest: date
    is_filed: bool


@dataclass(frozen=True)
class Neighbours:
    """What is published of a model around a date: before it, on it, and after it."""

    before: Published | None
    same: Published | None
    after: Published | None


def require_neighbours(
    transaction: Transaction, models: Sequence[str], *, as_of: date, history_days: int | None
) -> None:
    """Raise RunError where a date lies before a published one, and what lies next to it is no longer kept.

    Without the labels there, what would be written around the date could not be compared with them any more; where
    `history_days` has removed periods, movement would be counted anew from what is left.
    """
    for model in models:
        around = find_neighbours(transaction, model, as_of=as_of)
        gone = [one.as_of for one in (around.before, around.after) if one is not None and not one.kept]
        if around.after is not None and gone:
            raise RunError(
                f"the history of {model} cannot be repaired at {as_of}: the labels of {' and '.join(map(str, gone))} "
                "next to it are no longer kept (label_runs in customers.yaml); nothing was changed, choose a later date"
            )
        first = around.before or around.same
        age = (first.latest - first.as_of).days if around.after is not None and first is not None else 0
        if history_days is not None and age > history_days:
            raise RunError(
                f"the history of {model} cannot be repaired at {as_of}: it is kept for {history_days} days "
                "(history_days in customers.yaml); nothing was changed, choose a later date"
            )


def require_labels_alike(transaction: Transaction, models: Sequence[str], *, as_of: date) -> None:
    """Raise RunError where labels that are to be files would cut the history of a later date whose labels are rows."""
    for model in models:
        later = transaction.scalar("history/later_rows", model=model, as_of=as_of)
        if later is not None:
            raise RunError(
                f"{as_of} of {model} cannot be labelled into files: {later}, a later date, has its labels in tables, "
                "and a history that would be cut; choose a later date, or labels: tables in customers.yaml"
            )


def find_neighbours(transaction: Transaction, model: str, *, as_of: date) -> Neighbours:
    """Return what is published of a model around a date."""
    found = transaction.typed_rows(Published, "history/neighbours", model=model, as_of=as_of)
    before, same, after = (
        next((one for one in found if holds(one.as_of)), None) for holds in (as_of.__gt__, as_of.__eq__, as_of.__lt__)
    )
    return Neighbours(before, same, after)
