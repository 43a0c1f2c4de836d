"""What may be said of a file that is given; what is not said is recognised, and told on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias, get_args

import typer

from clustering.cli.output import warn
from clustering.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from clustering.config import DateOrder
    from clustering.files.text_columns import FileOptions

FILE = "CSV or other text with columns, Excel workbook or Parquet file, told by its content; - is standard input"
RECOGNISED = "recognised"

Encoding: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Encoding of a text file, such as cp1252", show_default=RECOGNISED)
]
Delimiter: TypeAlias = Annotated[
    str | None, typer.Option(metavar="SIGN", help="What separates columns; or the word tab", show_default=RECOGNISED)
]
Decimal: TypeAlias = Annotated[
    str | None, typer.Option(metavar="SIGN", help="The decimal sign, . or ,", show_default=RECOGNISED)
]
Thousands: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="SIGN", help="What stands between thousands: , . ' or a space; '' for nothing", show_default=RECOGNISED
    ),
]
Dates: TypeAlias = Annotated[
    str | None, typer.Option(metavar="ORDER", help="year-first, day-first or month-first", show_default=RECOGNISED)
]
Sheet: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Sheet of a workbook", show_default="the first that fits")
]


def file_options(
    *,
    encoding: str | None,
    delimiter: str | None,
    decimal: str | None,
    thousands: str | None,
    dates: str | None,
    sheet: str | None,
) -> FileOptions:
    """Return what was said of a file; ConfigurationError for a value that no file has."""
    from clustering.files.text_columns import FileOptions

    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter or "", delimiter)
    if delimiter is not None and len(delimiter) != 1:
        raise ConfigurationError(f"--delimiter {delimiter!r}: one sign, or the word tab")
    _check("--decimal", decimal, (".", ","))
    _check("--thousands", thousands, ("", ",", ".", " ", "'"))
    if thousands and thousands == decimal:
        raise ConfigurationError(f"--thousands {thousands!r}: that is the decimal sign already")
    return FileOptions(encoding, delimiter, decimal, thousands, _order(dates), sheet)


def say_recognised(file: Path, said: Sequence[str]) -> None:
    """Tell in one line what was found in a file that is not as programs write one."""
    if said:
        warn(f"{file}: {'; '.join(said)}")


def _check(option: str, given: str | None, allowed: Sequence[str]) -> None:
    if given is not None and given not in allowed:
        raise ConfigurationError(f"{option} {given!r}: one of {', '.join(map(repr, allowed))}")


def _order(given: str | None) -> DateOrder | None:
    from clustering.config import DateOrder

    _check("--dates", given, get_args(DateOrder))
    order: DateOrder | None = next((one for one in get_args(DateOrder) if one == given), None)
    return order
