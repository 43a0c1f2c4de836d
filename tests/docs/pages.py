"""What the documents say, for tests that hold the code to it."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass

from clustering.config import PROJECT

PAGES = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md")))


@dataclass(frozen=True)
class Command:
    """A line of a console block."""

    page: str
    line: str

    @property
    def words(self) -> list[str]:
        """The line as a shell splits it."""
        return shlex.split(self.line)


def text(page: str) -> str:
    """Return a document."""
    return (PROJECT / page).read_text(encoding="utf-8")


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    prose = re.sub(r"^```.*?^```$", "", text(page), flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    for title in re.findall(r"^#{1,6} (.+)$", prose, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        again = (f"{slug}-{number}" for number in itertools.count(1))
        found.add(slug if slug not in found else next(one for one in again if one not in found))
    return found


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a document in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text(page), re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[Command]:
    """Return the lines of a document's console blocks; a backslash at the end joins lines."""
    lines = "".join(blocks(page, "console")).replace("\\\n", " ").splitlines()
    return [Command(page, line.strip()) for line in lines if line.strip()]


def section_commands(page: str, title: str, block: int = 0) -> list[str]:
    """Return the lines of one of the console blocks of a document's section."""
    body = text(page).split(f"\n## {title}\n")[1].split("\n## ")[0]
    found: list[str] = re.findall(r"^```console\n(.*?)^```$", body, re.DOTALL | re.MULTILINE)
    return found[block].splitlines()


def rows(page: str, *head: str) -> list[list[str]]:
    """Return the rows of every table of a document that has these headings."""
    found = []
    for table in re.findall(r"(?:^\|.*\|\n)+", text(page), re.MULTILINE):
        first, _, *rest = [_cells(line) for line in table.splitlines()]
        if first == list(head):
            found += rest
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
