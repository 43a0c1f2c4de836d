"""Made-up customers for a warehouse that has none."""

from __future__ import annotations

import pytest

from clustering.config import PROJECT
from clustering.demo.sample_customers import make_customers
from clustering.errors import ConfigurationError
from clustering.warehouse import Warehouse


def test_customers_are_made_up_once(empty_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is there is left alone, whatever it holds."""
    monkeypatch.setenv("WAREHOUSE_URL", empty_warehouse.uri)
    assert make_customers(100) == "100 customers in public.customers"
    assert make_customers(7) == "public.customers is there already and stays as it is"


def test_another_contract_gets_none(empty_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that are not made up are named."""
    monkeypatch.setenv("WAREHOUSE_URL", empty_warehouse.uri)
    monkeypatch.setenv("CLUSTERING_CONFIG", str(PROJECT / "examples" / "online_retail"))
    with pytest.raises(ConfigurationError, match=r"customers without .*frequency"):
        make_customers(100)
