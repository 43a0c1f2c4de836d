"""What the contract says of a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from clustering.config.figures_in_words import spoken_figure
from clustering.config.frozen import Frozen

ColumnType = Literal["bigint", "integer", "number", "text", "uuid", "date", "timestamp"]
KeyType = Literal["bigint", "text", "uuid"]
Role = Literal["key", "cluster", "profile", "protected", "ignore"]
Transform = Literal["none", "log", "days_since", "log_days_since"]

NUMERIC_TYPES: frozenset[ColumnType] = frozenset({"bigint", "integer", "number"})
DAYS: tuple[Transform, ...] = ("days_since", "log_days_since")
DESCRIBED: frozenset[Role] = frozenset({"profile", "protected"})


class Alias(Frozen):
    """Another header of a column; values under it are multiplied by `factor`."""

    header: str = Field(min_length=1)
    """The header as it stands in the file or table; case does not matter."""
    factor: float = Field(default=1.0, gt=0)
    """What a value under this header is multiplied by, such as 1000 for a column in thousands."""


Number = Annotated[float, Field(strict=True)]  # strict: `yes` is not 1


def _as_pair(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{value!r} is not a pair such as [0, 100]; null stands for no limit")
    return value


def _as_type(value: Any) -> Any:
    if value in ("boolean", "bool"):
        raise ValueError(
            f"{value!r} is no type here: say text for the values true and false, a category with `encode: one_hot`,"
            " or integer for the numbers 1 and 0"
        )
    return value


def _as_alias(value: Any) -> Any:
    return {"header": value} if isinstance(value, str) else value


class Column(Frozen):
    """What the contract says of one column of the source."""

    type: Annotated[ColumnType, BeforeValidator(_as_type)]
    """What its values are. A key is bigint, text or uuid, fixed at the first migration."""
    role: Role
    """key names the customer, cluster goes into the distance, profile is described per segment, protected is kept out
    of every model, ignore is not read."""
    range: Annotated[tuple[Number | None, Number | None], BeforeValidator(_as_pair)] = (None, None)
    """Smallest and largest valid number; null stands for no limit. Of a date that is counted in days, the days."""
    missing: Literal["reject", "allow", "median"] | Number | None = None
    """What to do where there is no value: reject the row; allow it; or let the customer count as this number, or for
    the models alone as the median that the training has learnt, see [sources.md](sources.md#no-value). null: allow in a
    column that is only described (profile, protected), reject in the others."""
    transform: Transform = "none"
    """log: the models see log(1 + value), for heavy tails. days_since, for a date or timestamp: the column is the days
    from then to the run's date, and log_days_since the same for models that see log(1 + days)."""
    encode: Literal["one_hot"] | None = None
    """one_hot: the values of a text column are categories, which K-Means measures distances by. A boolean column is a
    text of true and false. See [sources.md](sources.md#categories-as-features)."""
    aliases: tuple[Annotated[Alias, BeforeValidator(_as_alias)], ...] = ()
    """Other headers that the column may have."""
    description: str = ""
    """What the column holds, in words that comments and the Segments page repeat."""
    unit: str = Field(default="", max_length=20)
    """What its numbers count, such as days, € or %; said with them on the page, in the report, in the terminal, in
    descriptions of segments and in comments."""
    decimals: int | None = Field(default=None, ge=0, le=6)
    """How many decimals its numbers are shown with; null: as many as three significant figures need."""

    @property
    def counts_days(self) -> bool:
        """Whether its dates are counted in days up to the run's date."""
        return self.transform in DAYS

    @property
    def is_numeric(self) -> bool:
        """Whether its valid values are numbers; `type` says what the source has."""
        return self.type in NUMERIC_TYPES or self.counts_days

    @property
    def of_number(self) -> Literal["none", "log"]:
        """What is done to its numbers, the days of a date that is counted among them."""
        return "log" if self.is_logarithmic else "none"

    @property
    def is_logarithmic(self) -> bool:
        """Whether the models see the logarithm of 1 + its numbers."""
        return self.transform in ("log", "log_days_since")

    @property
    def may_be_empty(self) -> bool:
        """Whether a valid customer may have no value."""
        return self.missing in ("allow", "median")

    @property
    def is_filled(self) -> bool:
        """Whether something stands for a missing value: a number, or the median of the training."""
        return self.missing not in ("reject", "allow")

    @property
    def fill(self) -> float | None:
        """The number that stands for a missing value, in the column's type; None for a median, which versions learn."""
        if not isinstance(self.missing, float):
            return None
        return self.missing if self.type == "number" else round(self.missing)

    def in_words(self, value: float) -> str:
        """Return a number of the column as people read it, with its unit.

        >>> column = Column(type="number", role="profile", unit="days")
        >>> column.in_words(312.4), column.in_words(4.5678), column.in_words(60437.2)
        ('312 days', '4.57 days', '60,437 days')
        """
        return f"{spoken_figure(value, self.decimals)}{f' {self.unit}' if self.unit else ''}"

    @model_validator(mode="before")
    @classmethod
    def _of_days(cls, document: Any) -> Any:
        """Count from 0 days on, since a date after the run's is a mistake unless it is declared."""
        if isinstance(document, Mapping) and document.get("transform") in DAYS:
            return {"range": [0, None], "unit": "days", **document}
        return document

    @model_validator(mode="before")
    @classmethod
    def _of_role(cls, document: Any) -> Any:
        """Reject nobody for want of a value that no distance is made of."""
        if isinstance(document, Mapping) and document.get("missing") is None:
            return {**document, "missing": "allow" if str(document.get("role")) in DESCRIBED else "reject"}
        return document

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.range
        if self.counts_days:
            self._check_days()
        if low is not None and high is not None and low > high:
            raise ValueError(f"range {[low, high]}: the first number is the smallest allowed value")
        if not self.is_numeric:
            self._check_without_numbers()
        if isinstance(self.missing, float):
            self._check_filling(self.missing)
        if self.role == "key" and (self.type not in get_args(KeyType) or self.missing != "reject"):
            raise ValueError(f"a key is {', '.join(get_args(KeyType))} and never missing, not {self.type}")
        if self.encode and (self.type != "text" or self.role not in ("cluster", "ignore")):
            raise ValueError(f"encode: only for the type text and the role cluster, this is a {self.type}, {self.role}")
        if self.role == "cluster" and not self.encode and (not self.is_numeric or self.missing == "allow"):
            raise ValueError(
                "role cluster needs a number that is present: missing: reject, median, or the number to fill in; a "
                "date is one with transform: days_since, a text with encode: one_hot"
            )
        if self.missing == "median" and (self.role != "cluster" or not self.is_numeric):
            raise ValueError(
                f"missing median: only numbers of the role cluster have one, not a {self.role} {self.type}"
            )
        if self.is_logarithmic and (low is None or low < 0):
            raise ValueError(
                f"transform {self.transform} needs a range that starts at 0 or above: it takes log(1 + value)"
            )
        return self

    def _check_days(self) -> None:
        if self.type not in ("date", "timestamp"):
            raise ValueError(f"transform {self.transform} counts from a date or timestamp, not from a {self.type}")
        if self.role not in ("cluster", "profile", "ignore"):
            raise ValueError(f"transform {self.transform}: only for the roles cluster and profile, not {self.role}")
        if any(alias.factor != 1 for alias in self.aliases):
            raise ValueError(f"aliases: a factor needs a number, this column is {self.type}")

    def _check_without_numbers(self) -> None:
        if self.range != (None, None):
            raise ValueError(f"range: only for {sorted(NUMERIC_TYPES)}, this column is {self.type}")
        if self.unit or self.decimals is not None:
            raise ValueError(f"unit, decimals: only for {sorted(NUMERIC_TYPES)}, this column is {self.type}")
        if isinstance(self.missing, float):
            raise ValueError(f"missing {self.missing}: a {self.type} column takes reject or allow")
        if any(alias.factor != 1 for alias in self.aliases):
            raise ValueError(f"aliases: a factor needs a number, this column is {self.type}")

    def _check_filling(self, value: float) -> None:
        low, high = self.range
        if self.type != "number" and not value.is_integer():
            raise ValueError(f"missing {value}: a column of type {self.type} takes a whole number")
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"missing {value}: lies outside the range {[low, high]}")
