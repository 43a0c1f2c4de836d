"""The form of what is said of one customer."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field


class Pull(BaseModel):
    """What a feature would cost more in the runner-up than in the segment."""

    feature: str | None = Field(description="Null for the part that depends on no feature: size and spread, or eps.")
    value: float | str | None = Field(
        description="The feature's value in the source now, in the contract's unit, or its category."
    )
    pull: float = Field(description="Negative where it speaks for the runner-up; all of them add up exactly.")
    share: float = Field(description="The part in the sum of all absolute pulls.")


class Explanation(BaseModel):
    """Why a customer is in a segment rather than in the runner-up."""

    sentence: str = Field(description="In words; without pulls, why there are none.")
    runner_up_id: int | None
    runner_up_name: str | None
    pulls: list[Pull] = Field(description="The strongest first.")


class CustomerLabel(BaseModel):
    """The segment of a customer by a model, as it was published."""

    model: str
    as_of: date
    version: int = Field(description="Number of the model's version that labelled the customer.")
    cluster_label: int = Field(description="The version's own number for the cluster, -1 for noise.")
    segment_id: int = Field(description="The segment, stable across versions; 0 for outliers.")
    segment_name: str
    confidence: float = Field(description="How clearly the customer belongs there, 0 to 1.")
    has_history: bool = Field(description="False where labels are files: `since` is null then, and `history` empty.")
    since: date | None = Field(description="The date on which the customer came there.")
    explanation: Explanation


class Period(BaseModel):
    """A time in one segment."""

    segment_id: int
    segment_name: str | None
    valid_from: date
    valid_to: date | None = Field(description="The first date that no longer belongs to it; null while it lasts.")
    came_by: str | None = Field(description="Cause of coming, as `segment_changes` has it; null where it has none.")
    went_by: str | None = Field(description="Cause of going.")


class Life(BaseModel):
    """The periods of a customer by a model, in order."""

    model: str
    periods: list[Period]


class Customer(BaseModel):
    """A customer with the current label of every model that has one, and how it was before."""

    customer_id: int | str
    labels: list[CustomerLabel]
    history: list[Life]
