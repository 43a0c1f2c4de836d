"""The schema `segmentation`: numbered migrations, the columns that the contract adds, then views, functions, rights."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from psycopg2 import errors, sql
from sqlalchemy.exc import DBAPIError

from clustering.config import Contract
from clustering.errors import ConfigurationError, WarehouseError
from clustering.warehouse.connection import Row, Transaction, Warehouse
from clustering.warehouse.definitions import average_comments, sync_definitions
from clustering.warehouse.roles import complete_grants

logger = logging.getLogger(__name__)

REVISIONS = Path(__file__).parent / "revisions"
# While a lock is waited for, everybody who comes later waits too: so not for long, and again after a pause.
LOCK_SECONDS, ATTEMPTS, PAUSE_SECONDS = 2, 5, 1


def migrate(warehouse: Warehouse, contract: Contract) -> list[str]:
    """Bring the schema up to date in one transaction and return the revisions that were applied.

    A second call changes nothing and waits for no reader, and of two at once one waits for the other. Raises
    ConfigurationError where the schema holds another type of key, comes from a newer release, or has a view that must
    be dropped while something of the user's stands on it; WarehouseError where other sessions hold what has to change.
    """
    attempt = 1
    while True:
        try:
            return _migrate(warehouse, contract)
        except WarehouseError as error:
            if not _is_held(error):
                raise
            if attempt == ATTEMPTS:
                raise WarehouseError(_held_by(warehouse)) from error
            logger.info("attempt %s of %s: %s", attempt, ATTEMPTS, error)
        attempt += 1
        time.sleep(PAUSE_SECONDS)


def sync_contract(transaction: Transaction, contract: Contract) -> None:
    """Give the table of segments an average a numeric column of the contract, and the views its default model."""
    if transaction.scalar("pointer/is_default_model", default_model=contract.default_model) is False:
        transaction.execute("pointer/lock_labels")
        transaction.execute("pointer/set_default_model", default_model=contract.default_model)
        transaction.execute("pointer/announce")
    comments = average_comments(contract)
    present = _comments(transaction)
    for average in [name for name in comments if name not in present]:
        transaction.execute("schema/add_average", {"average": sql.Identifier(average)})
    for average, comment in comments.items():
        if present.get(average) != comment:
            transaction.execute("schema/comment_average", {"average": sql.Identifier(average)}, comment=comment)


def run_revision(name: str) -> None:
    """Run `sql/migrations/<name>.sql` on Alembic's connection, for the key type of the contract."""
    from alembic import context, op  # as below: only migrating pays for the import

    Transaction(op.get_bind()).execute(f"migrations/{name}", context.config.attributes["names"])


def _migrate(warehouse: Warehouse, contract: Contract) -> list[str]:
    with warehouse.transaction() as transaction:
        transaction.execute("schema/lock")
        transaction.execute("schema/limit_waiting", seconds=LOCK_SECONDS)
        transaction.execute("schema/create_schemas")
        _check_key_type(transaction, contract)
        applied = _upgrade(transaction, contract)
        sync_contract(transaction, contract)
        made = sync_definitions(transaction, contract)
        complete_grants(transaction, contract)
    logger.info("migrated %s: %s", warehouse.name, ", ".join([*applied, *made]) or "nothing to do")
    return applied


def _is_held(error: WarehouseError) -> bool:
    """Return whether a lock was waited for in vain; a deadlock ends one of those who wait."""
    cause = error.__cause__
    held = (errors.LockNotAvailable, errors.DeadlockDetected)
    return isinstance(cause, DBAPIError) and isinstance(cause.orig, held)


def _held_by(warehouse: Warehouse) -> str:
    with warehouse.transaction(read_only=True) as transaction:
        holders = transaction.rows("schema/holders")
    return (
        f"the schema segmentation has to change, and nothing was changed: {ATTEMPTS} times, other sessions did not let "
        f"go of it within {LOCK_SECONDS} seconds ({'; '.join(map(_describe, holders)) or 'they have ended since'}); "
        "wait until their transactions end, or end them with pg_terminate_backend, then run `clustering migrate` again"
    )


def _describe(holder: Row) -> str:
    since = f", since {holder.since:%Y-%m-%d %H:%M:%S %Z}" if holder.since else ""
    return f"pid {holder.pid} of {holder.login} with {holder.application or 'an unnamed program'}{since}"


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
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

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


def _comments(transaction: Transaction) -> dict[str, str | None]:
    """Return the columns of the table of segments with their comments."""
    return {row.name: row.comment for row in transaction.rows("schema/columns", relation="segmentation.segments")}
