"""The views and functions of the schema: `sql/views/` and `sql/functions/`, made anew where their text has changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter

from psycopg2 import errors, sql
from sqlalchemy.exc import DBAPIError

from clustering.config import Contract
from clustering.errors import ConfigurationError
from clustering.warehouse import queries
from clustering.warehouse.connection import Names, Row, Transaction

FOLDERS = {"views": "view", "functions": "function"}
_READERS = re.compile(r"^-- (?:Read|Called) by: (\w+(?:, \w+)*)\.$", re.MULTILINE)
_REFERENCES = re.compile(r"\bsegmentation\.(\w+)")


@dataclass(frozen=True)
class Definition:
    """A view or function as its file defines it for a contract."""

    query: str
    kind: str
    names: Names
    sha256: str

    @property
    def name(self) -> str:
        """Return its name, which is that of its file."""
        return self.query.partition("/")[2]

    @property
    def key(self) -> tuple[str, str]:
        """Return kind and name."""
        return self.kind, self.name


def definition_files() -> list[str]:
    """Return the names of the files, each after those that it refers to."""
    files = [name for folder in FOLDERS for name in queries.scripts(folder)]
    by_relation = {name.partition("/")[2]: name for name in files}
    graph = {
        name: [by_relation[found] for found in _referred(name) if found in by_relation and by_relation[found] != name]
        for name in files
    }
    return list(TopologicalSorter(graph).static_order())


def read_by(role: str, folder: str) -> list[str]:
    """Return the views or functions of a folder that a role may use, as their files say.

    Raises ConfigurationError where a file does not say it.
    """
    return [name.partition("/")[2] for name in queries.scripts(folder) if role in _readers(name)]


def average_comments(contract: Contract) -> dict[str, str]:
    """Return the columns of averages by the contract's order, with their comments."""
    columns = {name: contract.columns[name] for name in contract.averaged}
    return {
        f"avg_{name}": f"Average of {name}{f' in {column.unit}' if column.unit else ''}"
        f"{f': {column.description}' if column.description else ''}. Null: averages_empty_because."
        for name, column in columns.items()
    }


def sync_definitions(transaction: Transaction, contract: Contract) -> list[str]:
    """Make the views and functions that are missing or have changed, drop those without a file; return their names.

    A view is replaced where its columns allow it, so that what stands on it stays, and otherwise dropped and made anew
    with its grants. Raises ConfigurationError where something of the user's stands on what has to be dropped, or has
    the name of a new view.
    """
    wanted = {definition.key: definition for definition in _definitions(transaction, contract)}
    present = {(row.kind, row.name): row.sha256 for row in transaction.rows("schema/definitions")}
    ours = {name for _, name in [*wanted, *present]}
    made, dropped = [], dict[str, list[Row]]()
    for key, definition in wanted.items():
        if present.get(key) == definition.sha256 and definition.name not in dropped:
            continue
        if key not in present and definition.name not in dropped:
            _check_is_free(transaction, definition)
        if not _replace(transaction, definition):
            dropped |= _drop(transaction, definition.kind, definition.name, ours)
            transaction.execute(definition.query, definition.names)
        _grant_again(transaction, definition.name, dropped.get(definition.name, []))
        transaction.execute(
            "schema/record_definition", kind=definition.kind, name=definition.name, sha256=definition.sha256
        )
        made.append(definition.name)
    for kind, name in present.keys() - wanted.keys():
        _drop(transaction, kind, name, ours - {one for _, one in wanted})
        transaction.execute("schema/forget_definition", kind=kind, name=name)
        made.append(name)
    return made


def _definitions(transaction: Transaction, contract: Contract) -> Iterator[Definition]:
    names = _names(contract)
    for query in definition_files():
        text = transaction.compose(query, names)
        kind = FOLDERS[query.partition("/")[0]]
        yield Definition(query, kind, names, hashlib.sha256(text.encode()).hexdigest())


def _names(contract: Contract) -> Names:
    averages = average_comments(contract)
    comment = sql.SQL("comment on column segmentation.current_segments.{} is {};")
    return {
        "key_type": sql.SQL(contract.key_type),
        "averages": sql.SQL("\n    ").join(sql.SQL("segment.{},").format(sql.Identifier(name)) for name in averages),
        "average_comments": sql.SQL("\n").join(
            comment.format(sql.Identifier(name), sql.Literal(said)) for name, said in averages.items()
        ),
        "readable_views": _listed("segmentation_reader", "views"),
        "dashboard_views": _listed("segmentation_dashboard", "views"),
        "callable_functions": _listed("segmentation_reader", "functions"),
    }


def _referred(name: str) -> list[str]:
    return sorted(set(_REFERENCES.findall(queries.load(name).text)))


def _listed(role: str, folder: str) -> sql.Composable:
    return sql.SQL(",\n        ").join(map(sql.Literal, read_by(role, folder)))


def _readers(name: str) -> list[str]:
    found = _READERS.search(queries.load(name).text)
    if found is None:
        raise ConfigurationError(
            f"sql/{name}.sql does not say who reads it; begin it with a line `-- Read by: segmentation_reader.`, or "
            "segmentation_writer"
        )
    return found[1].split(", ")


def _check_is_free(transaction: Transaction, definition: Definition) -> None:
    relation = f"segmentation.{definition.name}"
    if definition.kind == "view" and transaction.rows("schema/columns", relation=relation):
        raise ConfigurationError(
            f"{relation} is there already and was not made by `clustering migrate`, which has a view of this name; "
            "rename yours, then migrate"
        )


def _replace(transaction: Transaction, definition: Definition) -> bool:
    """Make a view or function, or put it in the place of the present one; return whether the columns allow that."""
    try:
        with transaction.connection.begin_nested():
            transaction.execute(definition.query, definition.names)
    except DBAPIError as error:
        if not isinstance(error.orig, errors.InvalidTableDefinition):
            raise
        return False
    return True


def _drop(transaction: Transaction, kind: str, name: str, ours: set[str]) -> dict[str, list[Row]]:
    """Drop a view or function after those of ours that stand on it; return the grants that each had."""
    above = transaction.rows("schema/standing_on", relation=f"segmentation.{name}") if kind == "view" else []
    dropped = {}
    for one in [*(row.name for row in above if row.name in ours), name]:
        dropped[one] = transaction.rows("schema/grants", relation=f"segmentation.{one}")
        try:
            transaction.execute("schema/drop_definition", {"kind": sql.SQL(kind), "name": sql.Identifier(one)})
        except DBAPIError as error:
            if not isinstance(error.orig, errors.DependentObjectsStillExist):
                raise
            raise ConfigurationError(
                f"segmentation.{name} has to be dropped, but something of yours stands on it: "
                f"{error.orig.diag.message_detail}; drop that, migrate, and create it again"
            ) from error
    return dropped


def _grant_again(transaction: Transaction, relation: str, grants: list[Row]) -> None:
    """Give the rights on a view that has been made anew, apart from those on columns that it no longer has."""
    if not grants:
        return
    columns = {row.name for row in transaction.rows("schema/columns", relation=f"segmentation.{relation}")}
    for row in grants:
        if row.column_name is not None and row.column_name not in columns:
            continue
        privilege: sql.Composable = sql.SQL(row.privilege)
        if row.column_name is not None:
            privilege = sql.SQL("{} ({})").format(privilege, sql.Identifier(row.column_name))
        names = {
            "privilege": privilege,
            "relation": sql.Identifier(relation),
            "grantee": sql.SQL("public") if row.grantee is None else sql.Identifier(row.grantee),
            "option": sql.SQL("with grant option" if row.is_grantable else ""),
        }
        transaction.execute("schema/grant", names)
