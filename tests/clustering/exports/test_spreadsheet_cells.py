"""Cells of CSV that a spreadsheet takes for no formula."""

from __future__ import annotations

from contextlib import closing

import psycopg2
from psycopg2 import sql

from clustering import Warehouse
from clustering.exports.spreadsheet_cells import SIGNS, cell, guarded


def test_the_database_guards_what_python_does(warehouse: Warehouse) -> None:
    """Both are one rule: every sign at the beginning, none elsewhere, an empty text and none at all."""
    texts = [*(f"{sign}1" for sign in SIGNS), *SIGNS, "a=1", " =1", "", "'=1", "%(a)s", "é"]
    with closing(psycopg2.connect(warehouse.uri)) as connection, connection.cursor() as cursor:
        for text in texts:
            cursor.execute(sql.SQL("select {}").format(guarded(sql.SQL("{}::text").format(sql.Literal(text)))))
            assert cursor.fetchone() == (cell(text),), text
    assert [cell(text) for text in ("=1", "+1", "-1", "@a", "\tx", "a=1", "", -1)] == [
        *("'=1", "'+1", "'-1", "'@a", "'\tx"),
        *("a=1", "", -1),
    ]
