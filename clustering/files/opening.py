"""A file of whatever kind as one on the disk, told by its first bytes and not by its name."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pyarrow as pa

from clustering.errors import DataError

Kind = Literal["parquet", "workbook", "text"]

STANDARD_INPUT = "-"
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_OLD_OFFICE, _ZIP, _PARQUET = b"\xd0\xcf\x11\xe0", b"PK\x03\x04", b"PAR1"
_MARKUP = (b"<html", b"<!doctype", b"<?xml", b"<table", b"<meta", b"<head")
_WORKBOOKS = ("xl/workbook.", "content.xml")  # of Excel, and of LibreOffice


@contextmanager
def opened(path: Path | str) -> Iterator[tuple[Path, Kind]]:
    """Yield a regular file with the bytes of `path`, decompressed, and its kind.

    `-` is standard input; what can be read only once, such as a pipe, is copied first. Raises DataError for what cannot
    be read, is empty, or is an archive.
    """
    with TemporaryDirectory(prefix="clustering-") as folder:
        try:
            file = _decompressed(_regular(path, Path(folder)), Path(folder))
            kind = _kind(file)
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        yield file, kind


def _regular(path: Path | str, folder: Path) -> Path:
    copy = folder / "input"
    if str(path) == STANDARD_INPUT:
        _copy(sys.stdin.buffer, copy)
        return copy
    source = Path(path)
    if source.is_file() or source.is_dir() or not source.exists():
        return source
    with source.open("rb") as stream:
        _copy(stream, copy)
    return copy


def _copy(source: Any, target: Path) -> None:
    with target.open("wb") as copy:
        shutil.copyfileobj(source, copy)


def _decompressed(file: Path, folder: Path) -> Path:
    first = _first_bytes(file)
    for mark, compression in _COMPRESSIONS.items():
        if first.startswith(mark):
            plain = folder / "decompressed"
            with pa.CompressedInputStream(pa.OSFile(str(file)), compression) as stream:
                _copy(stream, plain)
            return plain
    return file


def _kind(file: Path) -> Kind:
    first = _first_bytes(file)
    if not first:
        raise DataError("the file is empty; it needs a row of headers and a row for each customer")
    if first.startswith(_PARQUET):
        return "parquet"
    if first.startswith(_OLD_OFFICE) or (first.startswith(_ZIP) and _is_workbook(file)):
        return "workbook"
    if first.startswith(_ZIP):
        raise DataError("a ZIP archive; unpack it and give the file that is in it")
    if told := _other_text(first):
        raise DataError(told)
    return "text"


def _other_text(first: bytes) -> str | None:
    """Return what is wrong with a file of text that has no columns, by how it begins; None where nothing tells."""
    begins = first.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begins.startswith(_MARKUP):
        return "a web page or XML, as some programs call it .xls; open it in a spreadsheet and save it as .xlsx or CSV"
    if begins.startswith((b'[{"', b"[ {", b"[\n", b'{"')):
        return "JSON; give a file with columns, or post its customers to the API"
    return None


def _is_workbook(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.startswith(_WORKBOOKS) for name in archive.namelist())
    except zipfile.BadZipFile:
        raise DataError("a ZIP archive or workbook that is not whole; copy it again") from None


def _first_bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(64)
