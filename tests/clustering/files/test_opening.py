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
