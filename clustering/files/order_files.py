"""Files of order lines with the headers that shops give them, as the columns that declared orders name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import Column, KeyType
from clustering.config.orders import Orders
from clustering.customers import convert
from clustering.customers.records import folded
from clustering.errors import DataError
from clustering.files.opening import Kind, opened
from clustering.files.parquet_files import parquet_columns
from clustering.files.recognition import Recognised, recognise
from clustering.files.text_columns import RECOGNISED, FileOptions, combined, text_columns

Choose: TypeAlias = Callable[[Sequence[str]], list[str]]
Field = Literal["customer", "time", "amount", "quantity", "price", "order", "product", "category", "currency"]

# Words of a header, without blanks, underscores and hyphens; the first that is there is taken.
HEADERS: Mapping[Field, Sequence[str]] = {
    "customer": ("customerid", "customer", "customernumber", "clientid", "userid", "buyerid", "kundennummer", "kunde"),
    "time": (
        *("orderedat", "orderdate", "invoicedate", "purchasedate", "orderpurchasetimestamp", "ordertime", "createdat"),
        *("timestamp", "datetime", "time", "date", "bestelldatum", "datum"),
    ),
    "amount": (
        *("amount", "lineamount", "linetotal", "ordertotal", "totalprice", "totalamount", "total", "revenue", "sales"),
        *("value", "betrag", "umsatz"),
    ),
    "quantity": ("quantity", "qty", "units", "menge", "anzahl"),
    "price": ("unitprice", "price", "einzelpreis", "preis"),
    "order": ("orderid", "ordernumber", "orderno", "invoiceno", "invoice", "invoiceid", "bestellnummer"),
    "product": ("product", "productid", "stockcode", "sku", "item", "itemid", "artikel", "artikelnummer"),
    "category": ("category", "productcategory", "department", "kategorie"),
    "currency": ("currency", "currencycode", "währung"),
}
NEEDED: Sequence[Field] = ("customer", "time")
_TYPES: Mapping[Field, Column] = {
    "customer": Column(type="text", role="key"),  # taken as it is
    "time": Column(type="timestamp", role="profile", missing="allow"),
    **dict.fromkeys(("amount", "quantity", "price"), Column(type="number", role="profile", missing="allow")),
}
_TEXT = Column(type="text", role="profile", missing="allow")
_WHOLE = r"^[0-9]+\.0$"  # how programs write a whole number in a column with gaps


@dataclass(frozen=True)
class OrderLines:
    """Lines by the columns that the declaration names, and what is said of the file they come from, in words."""

    rows: pa.Table
    said: tuple[str, ...]


def read_order_lines(path: Path, orders: Orders, key_type: KeyType, options: FileOptions = RECOGNISED) -> OrderLines:
    """Read lines of orders from text with columns, a workbook or a Parquet file.

    A column is found by the name that `orders` has for it, or by a usual header. Without an amount it is the price,
    times the quantity where there is one. Raises DataError for a file without customer, time or amount, or with values
    that are none.
    """
    with opened(path) as (file, kind):
        try:
            found: dict[Field, str] = {}

            def choose(headers: Sequence[str]) -> list[str]:
                found.update(_found(headers, orders))
                return list(found.values())

            read = _of_parquet(file, choose) if kind == "parquet" else _of_text(file, kind, orders, choose, options)
            rows = _typed(dict(zip(found, read.columns.values(), strict=True)), found, orders, key_type)
            return OrderLines(rows, (*_columns_said(found), *read.said))
        except DataError as error:
            raise DataError(f"{path}: {error}") from None


def _of_parquet(file: Path, choose: Choose) -> Recognised:
    read = parquet_columns(file, choose)
    return Recognised({header: combined(column.text) for header, column in read.items()}, [])


def _of_text(file: Path, kind: Kind, orders: Orders, choose: Choose, options: FileOptions) -> Recognised:
    chosen: list[str] = []

    def places(headers: Sequence[str]) -> list[int]:
        chosen[:] = choose(headers)
        return [headers.index(header) for header in chosen]

    read = text_columns(file, kind, options, fit=lambda headers: len(_matched(headers, orders)), choose=places)
    types = {header: _TYPES.get(field, _TEXT) for field, header in _found(chosen, orders).items()}
    return recognise(read.without_blank_rows(), types, options)


def _matched(headers: Sequence[str], orders: Orders) -> dict[Field, str]:
    """Return the header of each field that is there, its name in the declaration before the usual ones."""
    known = {_plain(header): header for header in reversed(headers)}
    found: dict[Field, str] = {}
    for field, usual in HEADERS.items():
        own = getattr(orders, field, None)
        for name in ([_plain(own)] if own else []) + list(usual):
            if name in known and known[name] not in found.values():
                found[field] = known[name]
                break
    return found


def _found(headers: Sequence[str], orders: Orders) -> dict[Field, str]:
    found = _matched(headers, orders)
    if "quantity" not in found and "amount" not in found and "price" in found:  # a line a piece
        found["amount"] = found["price"]
    lacking = [field for field in NEEDED if field not in found]
    if "amount" in found:
        found = {field: header for field, header in found.items() if field not in ("quantity", "price")}
    elif "price" not in found:
        lacking.append("amount")
    if lacking:
        usual = "; ".join(f"{field} may be called {', '.join(HEADERS[field][:4])}" for field in lacking)
        raise DataError(
            f"no column for {', '.join(lacking)} among {', '.join(headers) or 'no headers'}; rename one: {usual}"
            + ("; or quantity and price in place of amount" if "amount" in lacking else "")
        )
    return found


def _plain(header: str) -> str:
    return "".join(sign for sign in folded(header) if sign.isalnum())


def _columns_said(found: Mapping[Field, str]) -> list[str]:
    return [f"{field} from {header}" for field, header in found.items() if field != _plain(header)]


def _typed(
    text: Mapping[Field, pa.StringArray], found: Mapping[Field, str], orders: Orders, key_type: KeyType
) -> pa.Table:
    columns = {orders.customer: _customers(text["customer"], found["customer"], key_type)}
    columns[orders.time] = _values(text["time"], found["time"], "timestamp")
    if "amount" in text:
        columns[orders.amount] = _values(text["amount"], found["amount"], "number")
    else:
        parts = (_values(text[field], found[field], "number") for field in ("quantity", "price"))
        columns[orders.amount] = pa.array(
            np.round(pc.multiply(*parts).to_numpy(zero_copy_only=False), 2), from_pandas=True
        )
    for field in ("order", "product", "category", "currency"):
        name = getattr(orders, field)
        if name and field in text:
            columns[name] = text[field]
        elif name:
            columns[name] = pa.nulls(len(text["time"]), pa.string()) if field != "order" else _own_numbers(text["time"])
    if "currency" in text and orders.currency is None:
        columns["currency"] = text["currency"]
    return pa.table(columns)


def _own_numbers(time: pa.StringArray) -> pa.StringArray:
    """Return an order number for each line of a file that has none."""
    return pa.array(np.arange(1, len(time) + 1)).cast(pa.string())


def _customers(text: pa.StringArray, header: str, key_type: KeyType) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(text)
    customers = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    if pc.all(pc.match_substring_regex(customers, _WHOLE)).as_py():
        customers = pc.replace_substring_regex(customers, r"\.0$", "")
    return customers if key_type != "bigint" else _values(customers, header, "bigint")


def _values(text: pa.StringArray, header: str, kind: Literal["timestamp", "number", "bigint"]) -> pa.Array:
    values, faults = convert(text, kind)
    if faults is not None and faults.any():
        bad = np.flatnonzero(faults)
        wanted = {"timestamp": "times", "number": "numbers", "bigint": "whole numbers"}[kind]
        raise DataError(
            f"column {header}: {len(bad):,} of {len(text):,} values are not {wanted}, such as "
            f"{text[int(bad[0])].as_py()!r} in row {bad[0] + 1:,}; correct or remove them"
        )
    return values
