"""`exports.yaml`: who is handed to other systems, with what, where to, and by what right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from clustering.config.customer_source import TableName
from clustering.config.frozen import Frozen, Identifier
from clustering.config.table_name import split_name

LABEL_COLUMNS = (
    *("customer_id", "segment_id", "segment_name", "recommended_action"),
    *("confidence", "as_of", "model", "run_id", "model_version_id"),
)
NAME_COLUMNS = ("segment_name", "recommended_action")  # of these: what the names of segments say, and not a label
# What each model of an audience of several says of a customer, after the model's name and a point.
MODEL_COLUMNS = ("segment_id", "segment_name", "recommended_action", "confidence", "run_id", "model_version_id")
SentColumn = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,55}([.][a-z_]+)?$")]
Format = Literal["csv", "parquet", "jsonl"]
MARK = "audience"  # the column of a table that says whose a row is, so that nobody else's rows are ever removed
_PLACES = re.compile(r"\{([^{}]*)\}")


def _relative(path: str) -> str:
    parts = path.split("/")
    if not path or "\\" in path or any(one in ("", ".", "..") for one in parts):
        raise ValueError("has to be a path below the destination, such as loyalists/{as_of}.csv")
    if path.rpartition(".")[2] not in get_args(Format):
        raise ValueError("has to end with .csv, .parquet or .jsonl")
    if unknown := set(_PLACES.findall(path)) - {"as_of"}:
        raise ValueError(f"has {{{min(unknown)}}}, and {{as_of}} alone is filled in")
    if "{" in _PLACES.sub("", path) or "}" in _PLACES.sub("", path):
        raise ValueError("has a brace that stands alone")
    return path


class SuppressionList(Frozen):
    """A table of the warehouse with the keys of those who are never sent."""

    table: TableName
    """The table or view, with its schema."""
    column: str = Field(min_length=1)
    """Its column with the customers' keys."""
    may_be_empty: bool = False
    """Whether a list without a row suppresses nobody; otherwise it is taken for one that is being loaded, and nothing
    is sent."""


class Consent(Frozen):
    """By what right customers are sent: exactly one of the three."""

    column: Identifier | None = None
    """A column of the contract, of any role but key and protected: only those are sent of whom it says true, t, yes, y
    or 1, in upper or lower case; nothing and everything else is a no."""
    suppressed: SuppressionList | None = None
    """A list of those who are not sent; everybody else is."""
    waived: str | None = Field(default=None, min_length=1)
    """Why neither is needed, in words: all are sent, and the audit log says so."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [name for name in ("column", "suppressed", "waived") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("exactly one of column, suppressed and waived stands there")
        return self


class Audience(Frozen):
    """Customers of a model, or of several, who are sent to one destination, as one file or as rows of a table."""

    model: Identifier | None = None
    """Name of the model; null: the default model of the contract."""
    models: Mapping[Identifier, tuple[int | str, ...] | None] | None = Field(default=None, min_length=2)
    """In place of `model` and `segments`, several models, each with ids or names of segments, or null for all."""
    match: Literal["all", "any"] = "all"
    """Of several models, all: customers who are in these segments of every one. any: of at least one."""
    segments: tuple[int | str, ...] | None = Field(default=None, min_length=1)
    """Ids or names of segments, as they are called on the date; null: all customers with a label."""
    columns: tuple[SentColumn, ...] = Field(min_length=1)
    """What is sent: columns of `current_customer_segments`, and columns of the contract whose role is not protected. Of
    several models, `kmeans.segment_name` is sent as `kmeans_segment_name`."""
    rows: Literal["all", "changes"] = "all"
    """all: everybody in the audience. changes: who has come into it or left it since the last date that was sent, with
    `change`, entered or left, as the first column."""
    min_confidence: float = Field(default=0, ge=0, le=1)
    """Customers of less confidence are left out."""
    top: int | None = Field(default=None, ge=1)
    """The number of customers with the greatest confidence; of equal ones, the smaller keys. Null: all."""
    destination: Identifier
    """One of `destinations`."""
    path: Annotated[str, AfterValidator(_relative)] | None = None
    """The file below the destination's URI; `{as_of}` is filled in. It ends with .csv, .parquet or .jsonl."""
    table: TableName | None = None
    """In place of a file, a table of the destination's database. It has the columns, and `audience` before; it is
    made where it is not there. With `as_of` among the columns it keeps each date, otherwise the last that was sent."""
    consent: Consent
    """By what right they are sent."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.path is None) is (self.table is None):
            raise ValueError("exactly one of path and table stands there")
        if self.rows == "changes" and not self.is_dated:
            where = "path: has {as_of}" if self.path else "columns: have as_of among them"
            raise ValueError(f"{where} where rows are changes, since each date has its own")
        self._check_models()
        if taken := {MARK, "change"} & set(self.headers):
            raise ValueError(f"columns: {min(taken)!r} is what a column of the export itself is called")
        if "customer_id" not in self.columns:
            raise ValueError("columns: have customer_id among them, by which customers are told apart and forgotten")
        if len(set(self.headers)) != len(self.columns):
            raise ValueError(f"columns: every column stands once, found {list(self.headers)}")
        return self

    def _check_models(self) -> None:
        """Raise ValueError for what is said of one model where there are several, or the other way round."""
        of_models = [column for column in self.columns if "." in column]
        if self.models is None:
            if of_models:
                raise ValueError(
                    f"columns: {of_models[0]!r} names a model, as columns do where several stand under models"
                )
            return
        if "model" in self.columns:
            raise ValueError("columns: 'model' is one, and several stand under models")
        for key in ("model", "segments", "top"):
            if getattr(self, key) is not None:
                raise ValueError(f"{key}: is said of one model, and several stand under models")
        if empty := next((name for name, segments in self.models.items() if segments == ()), None):
            raise ValueError(f"models: {empty} has no segment; null stands for all")
        for column in of_models:
            model, _, name = column.partition(".")
            if model not in self.models or name not in MODEL_COLUMNS:
                allowed = f"one of {', '.join(self.models)}, a point and one of {', '.join(MODEL_COLUMNS)}"
                raise ValueError(f"columns: {column!r} is no column of a model; write {allowed}")
        if unclear := next((one for one in self.columns if one in MODEL_COLUMNS), None):
            raise ValueError(f"columns: {unclear!r} is of one model; write {next(iter(self.models))}.{unclear}")

    @property
    def headers(self) -> tuple[str, ...]:
        """What the columns are called where they are sent."""
        return tuple(column.replace(".", "_") for column in self.columns)

    @property
    def file_format(self) -> Format | None:
        """The format of its file; None for a table."""
        return self.path.rpartition(".")[2] if self.path else None  # type: ignore[return-value]

    @property
    def is_dated(self) -> bool:
        """Whether what was sent of one date stays beside that of another."""
        return "{as_of}" in self.path if self.path else "as_of" in self.columns

    @property
    def schema_and_table(self) -> tuple[str | None, str]:
        """The parts of its table; no schema where none is named, since not every database has `public`."""
        name = self.table or ""
        schema, table = split_name(name)
        is_named = schema != "public" or name.startswith(("public.", '"public".'))
        return schema if is_named else None, table


class Exports(Frozen):
    """What leaves the warehouse; without the file, nothing does."""

    destinations: tuple[Identifier, ...] = Field(min_length=1)
    """The connections that customers may be sent to, by their ids in Airflow; no other is ever opened."""
    audiences: Mapping[Identifier, Audience]
    """The audiences by name."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        places: dict[tuple[str, str | None], str] = {}
        for name, audience in self.audiences.items():
            if audience.destination not in self.destinations:
                raise ValueError(
                    f"audiences.{name}.destination: {audience.destination!r} is not among destinations: "
                    f"{', '.join(self.destinations)}"
                )
            other = places.setdefault((audience.destination, audience.path), name)
            if audience.path and other != name:
                raise ValueError(f"audiences.{name}.path: {audience.path!r} is that of {other} too")
        return self
