"""How text writes numbers, dates and missing values."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from clustering.config.frozen import Frozen

DateOrder = Literal["year-first", "day-first", "month-first"]


class Formats(Frozen):
    """How text writes numbers, dates and missing values, in the warehouse, in files and in posted records alike."""

    decimal: Literal[".", ","] = "."
    """The decimal sign."""
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """What stands between thousands; a space stands for every kind of space."""
    signs: tuple[str, ...] = ()
    """Signs that are taken off a number, such as a currency or %."""
    dates: DateOrder = "year-first"
    """What a date begins with."""
    missing: tuple[str, ...] = ()
    """What is written where there is no value, such as NA, in any case. Keys are taken as they are."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"thousands: {self.thousands!r} is the decimal sign already")
        return self

    @property
    def concern_numbers(self) -> bool:
        """Whether a number may mean another value than programs take it for, or none."""
        return self.decimal != "." or bool(self.thousands or self.signs or self.missing)
