"""The rows of a customer in all tables: where they are, that they are gone, and by which other keys."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence

from psycopg2 import sql

from clustering.config import Contract
from clustering.privacy.customer_tables import Table
from clustering.warehouse import Row, Transaction


def merged_keys(transaction: Transaction, contract: Contract, key: str) -> list[str]:
    """Return the keys whose records were merged into a customer's, and into those."""
    rows = transaction.rows("forgetting/merged_keys", {"key_type": sql.SQL(contract.key_type)}, customer_id=key)
    return [row.former_id for row in rows]


def sent_to(transaction: Transaction, contract: Contract, keys: Sequence[str]) -> list[dict[str, str]]:
    """Return to which destinations a customer was exported by any of their keys, and since when."""
    names = {"key_type": sql.SQL(contract.key_type)}
    since: dict[tuple[str, str], str] = {}
    for key in keys:
        for row in transaction.rows("exports/sent_to", names, customer_id=key):
            place = (row.audience, row.destination)
            since[place] = min(since.get(place, str(row.since)), str(row.since))
    return [{"audience": place[0], "destination": place[1], "since": since[place]} for place in sorted(since)]


def remove(
    transaction: Transaction, tables: Sequence[Table], contract: Contract, keys: Sequence[str]
) -> dict[str, int]:
    """Remove a customer's rows from tables, and return how many there were in each that can have some."""
    removed: Counter[str] = Counter()
    for key in keys:
        for query in ("exports/forget_former_key", "forgetting/delete_merged"):
            transaction.execute(query, {"key_type": sql.SQL(contract.key_type)}, customer_id=key)
        for table in tables:
            if table.key or table.has_lists:
                removed[str(table)] += _remove_from(transaction, table, contract, key)
    return dict(removed)


def left(transaction: Transaction, tables: Sequence[Table], contract: Contract, keys: Sequence[str]) -> dict[str, int]:
    """Return the tables that still have a key somewhere, with the number of such rows."""
    counts = {str(table): sum(_count(transaction, table, contract, key) for key in keys) for table in tables}
    return {name: rows for name, rows in counts.items() if rows}


def _remove_from(transaction: Transaction, table: Table, contract: Contract, key: str) -> int:
    if table.has_lists:
        return transaction.execute("exports/forget_listed", {"key_type": sql.SQL(contract.key_type)}, customer_id=key)
    query = "forgetting/delete_written" if table.has_written_numbers(contract.key_type) else "forgetting/delete"
    return transaction.execute(query, table.names_of_key(contract.key_type, key), customer_id=key)


def _count(transaction: Transaction, table: Table, contract: Contract, key: str) -> int:
    """Return how many rows still hold the key: as a whole word in any column, or in the large tables in the key's."""
    if table.has_lists:
        names = {"key_type": sql.SQL(contract.key_type)}
        return int(transaction.scalar("exports/count_listed", names, customer_id=key))
    if table.key and table.is_large:
        names = table.names_of_key(contract.key_type, key)
        return int(transaction.scalar("forgetting/count_key", names, customer_id=key))
    return int(transaction.scalar("forgetting/count_anywhere", {"table": table.identifier}, pattern=_pattern(key)))


def _pattern(key: str) -> str:
    """Return the regular expression of a key as a whole word: as it is, or as it stands within JSON."""
    spellings = {re.escape(key), re.escape(json.dumps(key, ensure_ascii=False)[1:-1])}
    return rf"(^|[^[:alnum:]]|\\[bfnrt]|\\u[0-9a-f]{{4}})({'|'.join(sorted(spellings))})([^[:alnum:]]|$)"


def _in_statistics(transaction: Transaction, contract: Contract, key: str) -> list[Row]:
    return transaction.rows(
        "forgetting/in_statistics",
        customer_id=key,
        number=key if contract.key_type == "bigint" else None,
        key=contract.key,
    )


def analyze(transaction: Transaction, contract: Contract, key: str) -> list[str]:
    """Make the planner's statistics anew where they show a key whose rows are gone; return where they still do."""
    for row in _in_statistics(transaction, contract, key):
        transaction.execute("scoring/analyze", {"table": sql.Identifier(row.schema, row.name)})
    return [f"{row.schema}.{row.name}" for row in _in_statistics(transaction, contract, key)]
