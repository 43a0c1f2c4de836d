"""The smallest workbooks that hold some cells."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

Sheets = Mapping[str, Sequence[Sequence[object]]]


def workbook(path: Path, sheets: Sheets, *, hidden: str | None = None) -> Path:
    """Write sheets of at most seven columns, of which one may be hidden."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    states = {hidden: ' state="hidden"'}
    names = "".join(
        f'<sheet name="{name}" sheetId="{at}"{states.get(name, "")} r:id="r{at}"/>' for at, name in enumerate(sheets, 1)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/'
            'vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/'
            'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr("xl/workbook.xml", f'<workbook {main} xmlns:r="{office}"><sheets>{names}</sheets></workbook>')
        links = "".join(
            f'<Relationship Id="r{at}" Type="{office}/worksheet" Target="worksheets/s{at}.xml"/>'
            for at in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
        )
        for at, rows in enumerate(sheets.values(), 1):
            cells = "".join(
                f'<row r="{line}">{"".join(_cell(column, line, one) for column, one in enumerate(row))}</row>'
                for line, row in enumerate(rows, 1)
            )
            archive.writestr(
                f"xl/worksheets/s{at}.xml", f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>"
            )
    return path


def _cell(column: int, line: int, value: object) -> str:
    if value is None:
        return ""
    place = f'r="{"ABCDEFG"[column]}{line}"'
    if isinstance(value, str):
        return f'<c {place} t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c {place}><v>{value}</v></c>"
