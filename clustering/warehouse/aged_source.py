"""The customers as they were known on a former date, with whatever moves with the date counted up to another one.

They are what the customers would be had time passed and nothing else happened.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from clustering.config import Contract
from clustering.warehouse.connection import Transaction
from clustering.warehouse.source import Source, described_query
from clustering.warehouse.subquery import Subquery, reading_errors


def find_aged_source(transaction: Transaction, contract: Contract, *, known: date, as_of: date) -> Source | None:
    """Look up the customers as known on one date and counted up to a later one; None where that is not to be asked.

    Raises DataError where the query cannot be read.
    """
    query = contract.aged_query
    if query is None:
        return None
    place = contract.origin.name_of(is_past=contract.origin.dated is not None)
    subquery = Subquery(place, query, as_of, known)
    with reading_errors(subquery.name):
        return replace(described_query(transaction, contract, subquery), warning=None)
