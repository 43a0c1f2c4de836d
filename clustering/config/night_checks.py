"""`checks` and `drift` of customers.yaml: what a night may change before it is held, and when drift is told of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clustering.config.frozen import Frozen


class Checks(Frozen):
    """What a night may change before a person is asked; shares are of all customers, 0 to 1.

    What is below `min_share` is never held, what is above its own limit always; between them, a night is held that
    changes far more than the nights before it did on such a day.
    """

    hold: Literal["findings", "never"] = "findings"
    """findings: a night with a grave finding waits for a person, and readers keep the former one; never: it is
    published, and the finding is kept."""
    min_share: float = Field(default=0.01, gt=0, le=1)
    """Changes of fewer customers are never a finding."""
    max_row_change: float = Field(default=0.3, gt=0)
    """By how much the number of rows may grow or shrink: 0.3 is from 1000 to 1300, or to 770."""
    max_gone_share: float = Field(default=0.15, gt=0, le=1)
    """The share of the former night's customers who may be missing or rejected."""
    max_new_share: float = Field(default=0.25, gt=0, le=1)
    """The share of the customers who may be new."""
    max_rejected_rise: float = Field(default=0.05, gt=0, le=1)
    """By how much the share of rejected rows may rise, for all reasons together and for each by itself."""
    max_missing_rise: float = Field(default=0.1, gt=0, le=1)
    """By how much the share of customers without a value in a column may rise or fall."""
    max_distribution_change: float = Field(default=0.2, gt=0, le=1)
    """The share of customers who at least must have another value in a column than the former night's had, or one of
    another precision (thousands, hundreds, tens, units, tenths, hundredths, or finer)."""
    max_group_change: float = Field(default=0.1, gt=0, le=1)
    """The share of customers who at least must be in another group of a protected column."""
    max_moved_share: float = Field(default=0.3, gt=0, le=1)
    """The share of customers whom their own change may move to another segment of a model."""
    max_source_age_hours: float | None = Field(default=None, gt=0)
    """How old the latest change in the source may be, where `changed_at` names its column; null: any age."""
    decide_within_hours: int = Field(default=72, ge=1)
    """How long a held night waits for a person before it is abandoned."""


class Drift(Frozen):
    """When a night raises an alarm because its customers differ from those that a version was trained on."""

    false_alarms: float = Field(default=0.01, gt=0, le=0.5)
    """The share of nights without drift that may raise an alarm all the same, over all checks and models together."""
    min_effect: float = Field(default=0.1, ge=0)
    """The least difference that matters, as Cohen's w: 0.1 is a shift of a feature by a tenth of a standard deviation.
    With few customers chance alone brings more, and the limits are wider."""
    retrain_at_most_every_days: int | None = Field(default=7, ge=1)
    """Days that lie at least between two nights whose alarms start a retraining; null: alarms start none."""
