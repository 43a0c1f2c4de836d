"""The schema `segmentation`: numbered migrations, then the columns that the contract adds."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from psycopg2 import errors, sql
from sqlalchemy.exc import DBAPIError

from clustering.config import Contract
from clustering.errors import ConfigurationError
from clustering.warehouse.connection import Transaction, Warehouse
from clustering.warehouse.roles import complete_grants

logger = logging.getLogger(__name__)

REVISIONS = Path(__file__).parent / "revisions"
TABLE, VIEW = "segments", "current_segments"
BEFORE_AVERAGES = (
    "as_of",
    "model",
    "segment_id",
    "segment_name",
    "description",
    "recommended_action",
    "customers",
    "share",
)
AFTER_AVERAGES = (
    "rule",
    "rule_sql",
    "rule_coverage",
    "rule_precision",
    "rule_fidelity",
    "stability",
    "stability_band",
    "structure",
    "run_id",
    "model_version_id",
)


def migrate(warehouse: Warehouse, contract: Contract) -> list[str]:
    """Bring the schema up to date in one transaction and return the revisions that were applied.

    A second call changes nothing, and of two at once one waits for the other. Raises ConfigurationError where the
    schema holds another type of key or comes from a newer release.
    """
    with warehouse.transaction() as transaction:
        transaction.execute("schema/lock")
        transaction.execute("schema/create_schemas")
        _check_key_type(transaction, contract)
        applied = _upgrade(transaction, contract)
        sync_contract(transaction, contract)
        complete_grants(transaction, contract)
    logger.info("migrated %s: %s", warehouse.name, ", ".join(applied) or "nothing to do")
    return applied


def sync_contract(transaction: Transaction, contract: Contract) -> None:
    """Give the table of segments an average a numeric column of the contract, and its view the same in order.

    The views' default model is passed on too.
    """
    transaction.execute("schema/set_default_model", default_model=contract.default_model)
    comments = {f"avg_{name}": _describe(name, contract.columns[name].description) for name in contract.averaged}
    present = _columns(transaction, TABLE)
    for average in [name for name in comments if name not in present]:
        transaction.execute("schema/add_average", {"average": sql.Identifier(average)})
    _comment(transaction, TABLE, comments)
    columns = (*BEFORE_AVERAGES, *comments, *AFTER_AVERAGES)
    if tuple(_columns(transaction, VIEW)) != columns:
        _replace_view(transaction, columns)
    of_table = _columns(transaction, TABLE)
    _comment(transaction, VIEW, {name: of_table[name] or "" for name in columns})


def run_revision(name: str) -> None:
    """Run `sql/migrations/<name>.sql` on Alembic's connection, for the key type of the contract."""
    Transaction(op.get_bind()).execute(f"migrations/{name}", context.config.attributes["names"])


def _check_key_type(transaction: Transaction, contract: Contract) -> None:
    if not transaction.scalar("schema/contract_exists"):
        return
    fixed = transaction.scalar("schema/key_type")
    if fixed != contract.key_type:
        raise ConfigurationError(
            f"customers.yaml: columns.{contract.key}.type: {contract.key_type!r}, but the schema segmentation was made "
            f"for {fixed!r} keys, which is fixed at the first migration; use {fixed}, or another database"
        )


def _upgrade(transaction: Transaction, contract: Contract) -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(REVISIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = transaction.connection
    config.attributes["names"] = {
        "key_type": sql.SQL(contract.key_type),
        "key_type_name": sql.Literal(contract.key_type),
    }
    before = _revision(transaction)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            f"the schema segmentation is at revision {before!r}, which this release does not know ({error}); "
            "install the release that made it, or a later one"
        ) from error
    after = _revision(transaction)
    if after == before:
        return []
    transaction.execute("schema/comment_revision")
    done = ScriptDirectory.from_config(config).iterate_revisions(after, before or "base")
    return [revision.revision for revision in done][::-1]


def _revision(transaction: Transaction) -> str | None:
    if not transaction.scalar("schema/revision_exists"):
        return None
    return str(transaction.scalar("schema/revision"))


def _describe(column: str, description: str) -> str:
    return f"Average of {column}: {description}." if description else f"Average of {column}."


def _columns(transaction: Transaction, relation: str) -> dict[str, str | None]:
    rows = transaction.rows("schema/columns", relation=f"segmentation.{relation}")
    return {row.name: row.comment for row in rows}


def _comment(transaction: Transaction, relation: str, comments: dict[str, str]) -> None:
    present = _columns(transaction, relation)
    for column, comment in comments.items():
        if present[column] != comment:
            names = {"relation": sql.Identifier(relation), "column": sql.Identifier(column)}
            transaction.execute("schema/comment_column", names, comment=comment)


def _replace_view(transaction: Transaction, columns: tuple[str, ...]) -> None:
    readers = transaction.rows("schema/readers", relation=f"segmentation.{VIEW}")
    try:
        transaction.execute("schema/drop_current_segments")
    except DBAPIError as error:
        if not isinstance(error.orig, errors.DependentObjectsStillExist):
            raise
        raise ConfigurationError(
            f"segmentation.{VIEW} has to change with the contract's columns, but views of yours stand on it: "
            f"{error.orig.diag.message_detail}; drop them, migrate, and create them again"
        ) from error
    listed = sql.SQL(", ").join(sql.Identifier("segment", column) for column in columns)
    transaction.execute("schema/create_current_segments", {"columns": listed})
    for reader in readers:
        name = sql.SQL("public") if reader.name is None else sql.Identifier(reader.name)
        transaction.execute("schema/grant_select", {"relation": sql.Identifier(VIEW), "reader": name})
