"""The roles `segmentation_reader` and `segmentation_writer`: who reads the BI views, and who the DAGs are."""

from __future__ import annotations

import logging

from clustering.config import Contract
from clustering.warehouse.connection import Transaction, Warehouse

logger = logging.getLogger(__name__)


def complete_grants(transaction: Transaction, contract: Contract) -> list[str]:
    """Create the roles and give them their rights where something is missing; return what the user may not do."""
    schema, table = contract.schema_and_table
    left = [row.told for row in transaction.rows("schema/grant_roles", schema=schema, table=table)]
    for told in left:
        logger.warning("%s", told)
    return left


def missing_grants(warehouse: Warehouse, contract: Contract) -> list[str]:
    """Return what an administrator still has to do for the roles, a sentence each."""
    with warehouse.transaction() as transaction:
        return complete_grants(transaction, contract)
