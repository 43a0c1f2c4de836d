"""Files told by their content, and what can be read only once."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from clustering.errors import DataError
from clustering.files.opening import opened


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
def test_bytes_are_read_whatever_the_name_says(tmp_path: Path, compress) -> None:
    """Compressed or not."""
    path = tmp_path / "customers.parquet"
    path.write_bytes(compress(b"a,b\n1,2\n"))
    with opened(path) as (file, kind):
        assert (kind, file.read_bytes()) == ("text", b"a,b\n1,2\n")


def test_standard_input_and_pipes_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is a file on the disk, so that it can be read again; it is gone afterwards."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n")))
    with opened("-") as (file, kind):
        assert (kind, file.read_bytes(), file.read_bytes()) == ("text", b"a,b\n", b"a,b\n")
    assert not file.exists()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"c,d\n"))
    writer.start()
    with opened(pipe) as (file, _):
        assert file.read_bytes() == b"c,d\n"
    writer.join()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<html><table><tr><td>CustomerID</td></tr></table></html>", "a web page or XML"),
        ('\ufeff\n<?xml version="1.0"?><Workbook/>', "a web page or XML"),
        ('[{"CustomerID": 1, "Age": 30}]', "JSON; give a file with columns"),
        ('{"CustomerID": 1}\n{"CustomerID": 2}\n', "JSON; give a file with columns"),
    ],
)
def test_text_that_has_no_columns_is_called_what_it_is(tmp_path: Path, content: str, told: str) -> None:
    """What programs write as .xls or .csv, and is neither."""
    file = tmp_path / "export.xls"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=told), opened(file):
        pass


def test_archives_are_told_from_workbooks(tmp_path: Path) -> None:
    """Both are ZIP files."""
    for name, kind in (("xl/workbook.xml", "workbook"), ("content.xml", "workbook"), ("customers.csv", None)):
        with zipfile.ZipFile(tmp_path / "file", "w") as archive:
            archive.writestr(name, "x")
        if kind:
            with opened(tmp_path / "file") as (_, found):
                assert found == kind
        else:
            with pytest.raises(DataError, match="a ZIP archive; unpack it"), opened(tmp_path / "file"):
                pass
