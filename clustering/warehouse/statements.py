"""The text of statements: where values are bound and parts put in, and where a colon or brace is only text.

`:name` stands for a value, which is bound. `{name}` stands for a part that is put in before: a quoted identifier, a
type, a list of columns. A colon that follows a word, a bracket or a quote belongs to a slice of an array
(`places[1:n]`). Strings, quoted identifiers and comments are text; in a body between dollar quotes there are parts, but
no values. So a statement can be pasted into psql once both are replaced, and no sign in it is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

_HEADER = re.compile(r"^-- name: (.+)$", re.MULTILINE)
_TOKENS = re.compile(
    r"""
      (?P<comment>--[^\n]*|/\*)
    | (?P<string>(?<!\w)[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<dollars>(?<![\w$])\$(?:[^\W\d]\w*)?\$)
    | (?P<cast>::)
    | (?<![\w\])}'"]):(?P<value>[A-Za-z_]\w*)
    | \{(?P<part>[A-Za-z_]\w*)\}
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_SIGNS = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class Value:
    """A place where a value is bound."""

    name: str


@dataclass(frozen=True)
class Part:
    """A place where a part of the statement is put in."""

    name: str


Piece: TypeAlias = str | Value | Part


@dataclass(frozen=True)
class Statement:
    """A statement, or a script of several, as it is written."""

    text: str

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The text around values and parts, and these, in order."""
        return tuple(_pieces(self.text, binds=True))

    @property
    def values(self) -> set[str]:
        """The names of the values."""
        return {piece.name for piece in self.pieces if isinstance(piece, Value)}

    @property
    def parts(self) -> set[str]:
        """The names of the parts."""
        return {piece.name for piece in self.pieces if isinstance(piece, Part)}


def named_statements(text: str) -> list[tuple[str, Statement]]:
    """Return the statements of a file by name, in order and without the semicolons that end them.

    Each begins with a line `-- name: <name>`; a text before the first one is none.

    >>> named_statements("-- name: one\\n-- Returns 1.\\nselect 1;\\n")
    [('one', Statement(text='-- name: one\\n-- Returns 1.\\nselect 1'))]
    """
    _, *parts = _HEADER.split(text)
    return [
        (name, Statement(f"-- name: {name}{body.rstrip().removesuffix(';')}"))
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def _pieces(text: str, *, binds: bool) -> Iterator[Piece]:
    """Yield the pieces of a text; without `binds` there are no values in it."""
    start = at = 0
    while found := _TOKENS.search(text, at):
        at = found.end()
        if found["comment"] == "/*":
            at = _end_of_block(text, at)
        elif tag := found["dollars"]:
            end = text.find(tag, at)
            if end >= 0:
                yield text[start:at]
                yield from _pieces(text[at:end], binds=False)
                start, at = end, end + len(tag)
        elif found["part"] or (found["value"] and binds):
            yield text[start : found.start()]
            yield Part(found["part"]) if found["part"] else Value(found["value"])
            start = at
    yield text[start:]


def _end_of_block(text: str, at: int) -> int:
    """Return where a block comment ends whose beginning ends at `at`; they nest."""
    depth = 1
    for sign in _BLOCK_SIGNS.finditer(text, at):
        depth += 1 if sign[0] == "/*" else -1
        if not depth:
            return sign.end()
    return len(text)
