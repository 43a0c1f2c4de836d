"""Rows of text files, odd ones included."""

from __future__ import annotations

from pathlib import Path

import pytest

from clustering.files import delimited
from clustering.files.delimited import read_text
from clustering.files.layout import Layout


@pytest.mark.parametrize("block", [1 << 24, 64])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_odd_rows_stay_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, end: str) -> None:
    """Short, long, blank and quoted rows between good ones, whatever the file is read in."""
    monkeypatch.setattr(delimited, "PARSED_BYTES", block)
    lines = ["title", "", "a,b,c"]
    wanted: list[tuple[str, str | None]] = []
    for place in range(200):
        if place % 7 == 0:
            lines.append(f"{place},x")
            wanted.append((str(place), None))
        elif place % 11 == 0:
            lines.append(f"{place},x,y,,")
            wanted.append((str(place), "y"))
        elif place % 13 == 0:
            lines.append(f"{place},x,y,z")
            wanted.append((str(place), f"too many fields: {place},x,y,z"))
        else:
            lines.append(f'{place},"x, {end} x",{place}')
            wanted.append((str(place), str(place)))
        if place % 5 == 0:
            lines.append("")
    path = tmp_path / "rows.csv"
    path.write_text(end.join(lines), encoding="utf-8", newline="")
    found = read_text(path, Layout("utf-8", ",", ("a", "b", "c"), 3, 3), [0, 2])
    assert list(zip(*(column.to_pylist() for column in found.columns), strict=True)) == wanted
    assert found.said[0].startswith("lines that are parts of values within quotes: ")
    assert found.said[1].startswith("rows with another number of fields than the headers: 57, such as '0,x'")
