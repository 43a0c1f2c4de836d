"""Nights that hold for models, whose labels are sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from clustering.config import Audience, Configuration
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class Night:
    """The label set of a run that is published for a model and date."""

    model: str
    as_of: date
    run_id: int
    label_set: int


def models_of(configuration: Configuration, audience: Audience) -> tuple[str, ...]:
    """Return the models of an audience."""
    if audience.models is not None:
        return tuple(audience.models)
    return (audience.model or configuration.default_model,)


def find_nights(
    transaction: Transaction, models: Sequence[str], as_of: date | None = None
) -> tuple[tuple[Night, ...], str]:
    """Return the nights that hold for models: of a date, or of their latest, which has to be the same.

    None, and why, where a model is not published or retired, its labels are gone, or the dates differ.
    """
    nights = []
    for model in models:
        found = transaction.row("exports/label_set", model=model, as_of=as_of)
        if found is None:
            return (), f"{model} is not published{f' as of {as_of}' if as_of else ', or is retired'}"
        if found.is_expired:
            return (), gone(model, found.as_of)
        if found.is_filed:
            return (), (
                f"the labels of {model} as of {found.as_of} are files, and an audience is selected in the warehouse: "
                "read the files that segmentation.current_label_files names, or set labels: tables in customers.yaml"
            )
        nights.append(Night(model, found.as_of, found.run_id, found.label_set))
    first, *others = nights
    if other := next((one for one in others if one.as_of != first.as_of), None):
        dates = f"{first.model} is as of {first.as_of} and {other.model} as of {other.as_of}"
        return (), f"{dates}, and an audience of several models is of one date"
    return tuple(nights), ""


def gone(model: str, as_of: date) -> str:
    """Return what is said of labels that are dropped, or about to be."""
    return f"the labels of {model} as of {as_of} are no longer kept"
