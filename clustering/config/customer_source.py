"""Where customers come from: a table or view, a query, or files."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, model_validator

from clustering.config.frozen import Frozen
from clustering.config.source_files import check_files, check_labels
from clustering.config.source_query import (
    AS_OF,
    KNOWN,
    checked_dated_query,
    checked_query,
    names_date,
    names_known,
    with_dates,
)
from clustering.config.table_name import checked_name, split_name
from clustering.errors import ConfigurationError

log = logging.getLogger(__name__)

_FORMER = "write source: {table: …, dated: …} in place of table and dated_source"

TableName = Annotated[str, AfterValidator(checked_name)]


class CustomerSource(Frozen):
    """Where customers come from: a table or view, a query, or files; a row a customer, with the contract's columns."""

    table: TableName | None = None
    """A table or view; `table` beside `columns` is short for it."""
    query: Annotated[str, AfterValidator(checked_query)] | None = None
    """A query in place of a table. One that names a date as `:as_of` gives the customers as they were at the end of
    that date: tonight's night, past dates and trainings ask the same one. Without it, past dates are refused unless
    they ask for the present rows. One that names beside it, as `:known`, the date up to which it knows what happened,
    tells apart whom the passing of time alone moved."""
    dated: Annotated[str, AfterValidator(checked_dated_query)] | None = None
    """Beside a table: a query of the customers as they were on a past date, which it names as `:as_of`; its columns are
    those of the table. Runs of past dates read it."""
    files: str | None = None
    """A folder of Parquet files in place of a table: an absolute path, or a URI such as `s3://bucket/folder`, with all
    folders below it. `key=value` in a folder's name is a column, unless the files have one of that name. With `:as_of`
    in it, it is the folder of a date, and past dates can be run. See [files.md](files.md)."""
    engine: Literal["tasks", "spark"] = "tasks"
    """Who labels files: Airflow's mapped tasks, or Spark, by Spark Connect.
    See [files.md](files.md#on-spark)."""
    labels: Literal["tables", "files"] = "tables"
    """Where labels of customers from files stay: in tables of PostgreSQL, or as Parquet in `label_files`; then
    PostgreSQL has the segments and what is published of them, and no row a customer. See
    [files.md](files.md#labels-that-stay-files)."""
    label_files: str | None = None
    """With `labels: files` or `engine: spark`: a folder, as for `files` and not among them, that all workers reach.
    Labels stay there, or are on their way into PostgreSQL and go with the run."""
    materialise: bool = False
    """Whether a night copies the customers once, into a staging table with an index on the key, which its shards read
    in place of the source: for a view or query of which a range of keys costs nearly as much as all of them."""
    by_time: bool = True
    """Whether a night tells apart whom the passing of time alone moved, by a second reading, where the source can say
    it; false saves that, and `by_time` is null."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(map(bool, (self.table, self.query, self.files))) > 1:
            raise ValueError("table, query, files: name one of them")
        if self.dated and not self.table and (self.query or self.files):
            raise ValueError("dated: only beside a table; query and files themselves can name the date as :as_of")
        if self.files is not None:
            check_files(self.files)
        if self.label_files is not None:
            check_labels(self.label_files, self.files)
        if self.engine == "spark" and not (self.files and self.label_files):
            raise ValueError("engine: spark labels files; name them, and label_files, a folder for labels on their way")
        if self.labels == "files" and not (self.files and self.label_files):
            raise ValueError("labels: files is for customers from files; name them, and label_files, where labels stay")
        if self.files and self.materialise:
            raise ValueError("materialise: only for a view or query; files are read as they are")
        return self

    @property
    def is_dated(self) -> bool:
        """Whether it has the customers of past dates."""
        if self.files is not None:
            return AS_OF in self.files
        return self.dated is not None or (self.query is not None and names_date(self.query))

    @property
    def dates_itself(self) -> bool:
        """Whether what is read tonight names its date itself, so that past dates are read in the same way."""
        return self.table is None and self.is_dated

    @property
    def name(self) -> str:
        """What it is called where people are told of it: the table, or the key of the query or the files."""
        return self.table or ("source.files" if self.files else "source.query")

    def name_of(self, *, is_past: bool) -> str:
        """Return what is called so that a run of a past or a present date reads."""
        return "source.dated" if is_past and self.table else self.name

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it is known to read; of a query nobody knows them."""
        return (self.table,) if self.table else ()

    @property
    def schema_and_table(self) -> tuple[str, str]:
        """The table's schema (`public` when none is named) and name; ConfigurationError where there is a query."""
        if self.table is None:
            kind = "files" if self.files else "a query"
            raise ConfigurationError(f"customers.yaml names {kind} as its source, and this needs a table")
        return split_name(self.table)

    def query_of(self, *, is_past: bool) -> str | None:
        """Return the query that a run of a past or a present date reads, None where it reads the table."""
        return self.dated if is_past and self.table else self.query

    def text_of(self, *, is_past: bool) -> str:
        """Return what a run of a past or a present date reads, as it is written: a table, a query or a folder."""
        return self.query_of(is_past=is_past) or self.table or self.files or ""

    def aged_query(self, *, counts_days: bool) -> str | None:
        """Return the query of customers as they were known on `:known`, with what is counted up to `:as_of`.

        None where that cannot be asked, or is not wanted. Beside a table nothing but the days that the contract counts
        moves with the date, so that the customers of a past date are enough.
        """
        if not self.by_time:
            return None
        query = self.dated or self.query
        if query is not None and names_known(query):
            return query
        return with_dates(self.dated, KNOWN) if self.dated is not None and counts_days else None

    @property
    def settled(self) -> dict[str, Any]:
        """What determines the customers; of a table it is what it has been since 0.1.0, so that nights are compared."""
        named = {"table": self.table, "dated_source": self.dated}
        if self.files is not None:
            return named | {"files": self.files}
        return named if self.query is None else named | {"query": self.query}


def without_former_key(document: Any) -> Any:
    """Return what a contract is made from, with what 0.1.0 called `dated_source` in its place, which is told.

    Raises ValueError where it stands beside another source than a table.
    """
    if not isinstance(document, dict) or "dated_source" not in document:
        return document
    if "table" not in document or "source" in document or "orders" in document:
        raise ValueError(f"dated_source is a part of source now: {_FORMER}")
    log.warning("customers.yaml: dated_source is a part of source now, and is read for this release alone: %s", _FORMER)
    source = {"table": document["table"], "dated": document["dated_source"]}
    return {key: value for key, value in document.items() if key not in ("table", "dated_source")} | {"source": source}
