"""The roles `segmentation_reader` and `segmentation_writer`: who reads the BI views, and who the DAGs are."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from psycopg2 import sql

from clustering.config import Contract
from clustering.config.table_name import split_name
from clustering.errors import ConfigurationError
from clustering.warehouse.connection import Transaction, Warehouse

logger = logging.getLogger(__name__)

WRITER = "segmentation_writer"
HISTORY = sql.Identifier("segmentation", "segment_history")


def complete_grants(transaction: Transaction, contract: Contract) -> list[str]:
    """Create the roles and give them their rights where something is missing; return what the user may not do."""
    told_of = dict[str, None]()  # each once, whatever the number of tables
    for schema, table in map(split_name, contract.origin.tables) if contract.origin.tables else [(None, None)]:
        told_of |= {row.told: None for row in transaction.rows("schema/grant_roles", schema=schema, table=table)}
    left = list(told_of)
    for told in left:
        logger.warning("%s", told)
    return left


def missing_grants(warehouse: Warehouse, contract: Contract) -> list[str]:
    """Return what an administrator still has to do for the roles, a sentence each."""
    with warehouse.transaction() as transaction:
        return complete_grants(transaction, contract)


def act_as_writer(transaction: Transaction, *, written: Sequence[sql.Identifier] = (), session: bool = False) -> None:
    """Go on with the rights of `segmentation_writer` alone, until the transaction ends or for the whole session.

    `written` are tables that belong to the writer and are about to be written. What the writer has put on them runs
    with the rights of whoever writes, and can take back a role that was only set; so a login with more rights than the
    writer's raises ConfigurationError where there is any, and keeps it from being put there meanwhile.
    """
    rights = transaction.row("sessions/rights") if written else None
    if rights is not None and rights.has_more:
        for table in written:
            transaction.execute("sessions/lock_written", {"table": table})
        schemas, tables = zip(*(table.strings for table in written), strict=True)
        for found in transaction.rows("sessions/code_of_others", schemas=list(schemas), tables=list(tables)):
            raise ConfigurationError(
                f"{found.name} has a {found.told} that clustering did not make, and it would run with the rights of "
                f"{rights.login}: drop it, or do this as a login that is a member of segmentation_writer alone; "
                "nothing was changed"
            )
    transaction.execute("sessions/act_as_writer", {"scope": sql.SQL("session" if session else "local")})
