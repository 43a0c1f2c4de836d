"""One customer's life: in which segments of every model, since when and why there, and how it was before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from typing import Any

from clustering.config import Configuration
from clustering.customers import key_as_written
from clustering.scoring.customer_labels import read_labels
from clustering.scoring.explained_customers import CustomerLabel, explain_labels, require_label
from clustering.versions.registry import Registry
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class Period:
    """A time in one segment, from `valid_from` up to, but without, `valid_to`, None while it lasts.

    `came_by` and `went_by` are the causes of the moves, as `segment_changes` has them; None where that has none, as for
    a first night, or has it no longer.
    """

    segment_id: int
    segment_name: str | None
    valid_from: date
    valid_to: date | None
    came_by: str | None
    went_by: str | None


@dataclass(frozen=True)
class Life:
    """The periods of a customer by a model, in order."""

    model: str
    periods: tuple[Period, ...]

    @property
    def since(self) -> date | None:
        """Since when the customer is where they are; None where they are nowhere."""
        last = self.periods[-1]
        return last.valid_from if last.valid_to is None else None


@dataclass(frozen=True)
class FoundCustomer:
    """A customer with the current labels and their reasons, and with the life by every model."""

    customer_id: str | int
    labels: tuple[CustomerLabel, ...]
    lives: tuple[Life, ...]

    def since(self, model: str) -> date | None:
        """Return since when the customer is in the segment of a model."""
        return next((life.since for life in self.lives if life.model == model), None)

    def to_document(self) -> dict[str, Any]:
        """Return the customer as values that JSON has, but for dates."""
        return {
            "customer_id": self.customer_id,
            "labels": [{**asdict(label), "since": self.since(label.model)} for label in self.labels],
            "history": [asdict(life) for life in self.lives],
        }


def look_up(configuration: Configuration, registry: Registry, *, customer_id: str | int) -> FoundCustomer:
    """Return what is known of a customer by the configured models, of one without a label now too.

    Raises DataError for what is no key, or a key that no label and no period has; otherwise as explain_customer.
    """
    key = key_as_written(customer_id, configuration.contract)
    models = list(configuration.models)
    with registry.warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
        lives = read_lives(transaction, key, models=models)
        labels = read_labels(transaction, configuration.contract, key, models=models)
    require_label(lives or labels, key, models=models)
    if not labels:
        return FoundCustomer(int(key) if configuration.contract.key_type == "bigint" else key, (), lives)
    found = explain_labels(configuration, registry, key, labels)
    return FoundCustomer(found.customer_id, found.labels, lives)


def read_lives(transaction: Transaction, key: str, *, models: list[str]) -> tuple[Life, ...]:
    """Return a customer's life by each of some models that has known them."""
    rows = transaction.rows("explaining/periods", customer_id=key, models=models)
    return tuple(
        Life(
            model,
            tuple(
                Period(row.segment_id, row.segment_name, row.valid_from, row.valid_to, row.came_by, row.went_by)
                for row in some
            ),
        )
        for model, some in groupby(rows, key=lambda row: str(row.model))
    )
