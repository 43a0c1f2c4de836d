"""Files of order lines as shops export them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from clustering.config.orders import Orders
from clustering.errors import DataError
from clustering.files.order_files import read_order_lines

ORDERS = Orders.model_validate(
    {
        "table": "public.order_lines",
        "customer": "customer_id",
        "time": "ordered_at",
        "amount": "amount",
        "order": "order_id",
        "product": "product",
        "features": {"recency": "recency_days"},
    }
)
RETAIL = """\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
C536379,D,"Discount, by hand",-1,12/13/2010 9:41,27.5,14527,United Kingdom
536414,22139,,56,12/13/2010 11:52,0,,United Kingdom
"""
GERMAN = "Bestellnummer;Kunde;Datum;Betrag\n1;0001;31.12.2024;1.234,50 €\n2;0002;1.2.2025;12,00 €\n"
PIECES = "order_id,customer_id,order_date,price\n7,a,2024-05-01,9.9\n7,a,2024-05-01,5\n"


def read(tmp_path: Path, text: str, orders: Orders = ORDERS) -> pd.DataFrame:
    """Return the lines of a file with this text."""
    (tmp_path / "orders.csv").write_text(text, encoding="utf-8")
    lines: pd.DataFrame = read_order_lines(tmp_path / "orders.csv", orders, "text").rows.to_pandas()
    return lines


def test_lines_of_online_retail_are_quantity_times_price(tmp_path: Path) -> None:
    """Headers, months first, returns below 0 and guests are read as that file has them."""
    lines = read(tmp_path, RETAIL)
    assert list(lines.columns) == ["customer_id", "ordered_at", "amount", "order_id", "product"]
    assert list(lines["customer_id"].fillna("guest")) == ["17850", "14527", "guest"]
    assert list(lines["amount"]) == [15.3, -27.5, 0]
    assert list(lines["ordered_at"].astype(str)) == [
        "2010-12-01 08:26:00",
        "2010-12-13 09:41:00",
        "2010-12-13 11:52:00",
    ]


def test_amounts_and_dates_are_read_as_offices_write_them(tmp_path: Path) -> None:
    """A decimal comma, a currency sign, days first; zeros of a key stay, and a column that is not there is empty."""
    lines = read(tmp_path, GERMAN)
    assert list(lines["amount"]) == [1234.5, 12]
    assert list(lines["customer_id"]) == ["0001", "0002"]
    assert list(lines["ordered_at"].astype(str)) == ["2024-12-31", "2025-02-01"]
    assert lines["product"].isna().all()


def test_a_price_without_a_quantity_is_the_amount_of_a_piece(tmp_path: Path) -> None:
    assert list(read(tmp_path, PIECES)["amount"]) == [9.9, 5]


def test_whole_numbers_with_decimals_are_the_keys_they_were(tmp_path: Path) -> None:
    """Programs write 17850.0 where a column has gaps."""
    lines = read(tmp_path, "customer,date,amount\n17850.0,2024-05-01,1\n,2024-05-01,2\n")
    assert list(lines["customer_id"].fillna("guest")) == ["17850", "guest"]
    assert list(lines["order_id"]) == ["1", "2"]


def test_names_of_the_declaration_come_before_usual_ones(tmp_path: Path) -> None:
    """A column that the contract names is taken, whatever else may fit."""
    text = "customer_id,date,ordered_at,total,amount\na,2024-05-01,2024-05-09,9,1\n"
    lines = read(tmp_path, text)
    assert (str(lines["ordered_at"][0])[:10], lines["amount"][0]) == ("2024-05-09", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("when,customer\n2024-05-01,1\n", "no column for time, amount among when, customer; rename one: time may be"),
        ("customer,date,amount\n1,2024-05-01,cheap\n", "column amount: 1 of 1 values are not numbers, such as 'cheap'"),
        ("customer,date,amount\n1,soon,5\n", "column date: 1 of 1 values are not times, such as 'soon' in row 1"),
    ],
)
def test_what_is_no_file_of_orders_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    """A missing column, an amount or a time that is none: the column and the value are named."""
    with pytest.raises(DataError, match=said):
        read(tmp_path, text)
