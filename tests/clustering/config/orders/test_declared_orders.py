"""Declared orders that cannot be what somebody meant are refused when they are loaded, with the key and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from clustering.config import PROJECT, Contract, load_configuration
from clustering.errors import ConfigurationError

EXAMPLE = PROJECT / "examples" / "orders"
Document = dict[str, Any]


def load(tmp_path: Path, **changes: Any) -> Contract:
    """Return the example's contract with other settings of its orders, or of its `columns`."""
    for file in EXAMPLE.iterdir():
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    document = yaml.safe_load((EXAMPLE / "customers.yaml").read_text(encoding="utf-8"))
    document["columns"] |= changes.pop("columns", {})
    document |= changes.pop("contract", {})
    document["orders"] |= changes
    (tmp_path / "customers.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_configuration(tmp_path).contract


TABLE = {"table": "crm.customers", "key": "id", "since": "registered_at"}
AGE = {"age": {"type": "integer", "role": "profile", "missing": "allow"}}
EVERY_FEATURE_FILLED = {
    name: column | {"missing": 0 if column["role"] == "cluster" else "allow", "range": [0, None]}
    for name, column in yaml.safe_load((EXAMPLE / "customers.yaml").read_text(encoding="utf-8"))["columns"].items()
    if column["role"] != "key"
}
WRONG: dict[str, tuple[Document, str]] = {
    "two sources": (
        {"contract": {"table": "public.customers"}},
        "table, source, orders: one of them says where customers come from",
    ),
    "days of recency": (
        {"features": {"recency_days": {"feature": "recency_days", "days": 90}}},
        "orders.features.recency_days: days: recency_days is counted from all orders; leave days out",
    ),
    "unknown feature": (
        {"features": {"recency_days": "frequency"}},
        "orders.features.recency_days.feature: Input should be 'recency_days', 'orders'",
    ),
    "products without their column": (
        {"product": None},
        "features.distinct_products: distinct_products needs orders.product, the name of a column",
    ),
    "feature without a column": (
        {"features": {"orders": "orders", "visits": "orders"}},
        "orders.features: 'visits' .orders. is no column of type integer, bigint or number that is read",
    ),
    "feature in a column of dates": (
        {
            "columns": {
                "recency_days": {"type": "date", "role": "cluster", "transform": "days_since"},
            }
        },
        "orders.features: 'recency_days' .recency_days. is no column of type integer, bigint or number that is read",
    ),
    "column of nowhere": (
        {"columns": AGE},
        "columns: age: neither under orders.features nor of a table of customers; declare one of both, or remove it",
    ),
    "cluster by values of now": (
        {"columns": {"age": {"type": "integer", "role": "cluster"}}, "customers": TABLE},
        "columns: age: role cluster, but the table of customers keeps no former rows",
    ),
    "nobody is rejected": (
        {"columns": EVERY_FEATURE_FILLED},
        "orders.no_orders: reject needs a feature with missing: reject",
    ),
    "time zone": ({"time_zone": "Berlin"}, "orders.time_zone: is no time zone; one is called such as Europe/Berlin"),
    "line without duplicates": ({"line": "line_id"}, "orders: line: only for duplicates: once"),
    "no values": ({"only": {"status": []}}, "orders.only.status: "),
    "a value of yaml": ({"only": {"status": [1.5]}}, "orders.only.status.0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_declaration_is_named(tmp_path: Path, case: str) -> None:
    """File, key and what is allowed are told in one line."""
    changes, said = WRONG[case]
    with pytest.raises(ConfigurationError, match=rf"customers\.yaml: .*{said}"):
        load(tmp_path, **changes)


def test_columns_of_a_table_of_customers_are_described(tmp_path: Path) -> None:
    """What is no feature is a column of that table, and one that keeps former rows may cluster by it."""
    query = load(tmp_path, columns=AGE, customers=TABLE).origin.query
    assert query is not None
    assert 'customers."age"' in query
    kept = load(tmp_path, columns={"age": {"type": "integer", "role": "cluster"}}, customers=TABLE | {"until": "until"})
    assert 'customers."until" is null' in str(kept.origin.query)


def test_labels_depend_on_what_is_declared(tmp_path: Path) -> None:
    """Another filter makes another night; how a night reads it leaves nights comparable."""
    plain = load(tmp_path)
    assert plain.digest != load(tmp_path, without={"status": "test"}).digest
    materialised = load(tmp_path, materialise=True)
    assert materialised.origin.materialise
    assert plain.source_digest == materialised.source_digest
    assert plain.only(["orders"]).origin.query != plain.origin.query


def test_features_beside_a_table_of_customers_are_computed_once(tmp_path: Path) -> None:
    """A range of its keys reaches no line, so that each shard would read all of them; whoever wants that can say so."""
    assert load(tmp_path, customers=TABLE, materialise=None).origin.materialise
    assert not load(tmp_path, customers=TABLE, materialise=False).origin.materialise
    assert not load(tmp_path, materialise=None).origin.materialise
