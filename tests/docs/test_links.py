"""What one document says of another is there: every link, every anchor, and every document that the code names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clustering.config import PROJECT
from tests.docs.pages import PAGES, anchors, text

DOCUMENTS = (*PAGES, "CHANGELOG.md")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = ("benchmarks", "clustering", "dags", "deploy", "models", "plugins", "sql", "tests", "tools")
CODE = (".py", ".sql", ".yaml")
ELSEWHERE = ("http://", "https://", "mailto:")


def prose(page: str) -> str:
    """Return a document without its code, in which brackets are no links."""
    return re.sub(r"^```.*?^```$|`[^`\n]+`", "", text(page), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", DOCUMENTS)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a document leads to a file, and to a heading of it where it names one."""
    for link in LINK.findall(prose(page)):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = (PROJECT / page).parent / path if path else PROJECT / page
        assert target.exists(), (page, link)
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(PROJECT).as_posix()), (page, link)


def test_every_document_is_linked_from_the_readme() -> None:
    """Whoever starts at the README finds every page."""
    linked = {link.partition("#")[0] for link in LINK.findall(prose("README.md"))}
    assert {page for page in DOCUMENTS if page != "README.md"} <= linked


def test_documents_that_the_code_names_exist() -> None:
    """A message or a comment that says where to read on is right."""
    files = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*") if path.suffix in CODE]
    named: dict[str, Path] = {}
    for path in [*files, PROJECT / "Makefile", PROJECT / ".env.example", PROJECT / "docker-compose.yaml"]:
        named |= dict.fromkeys(re.findall(r"\bdocs/[a-z_]+\.md\b", path.read_text(encoding="utf-8")), path)
    assert named
    assert [(page, path) for page, path in named.items() if not (PROJECT / page).exists()] == []


def test_anchors_are_those_of_github() -> None:
    """Letters are lowered, spaces become hyphens, other marks go, and a heading that comes again has a number."""
    assert {"customersyaml-drift", "late-and-missing-nights-alarms-notifications-metrics"} <= (
        anchors("docs/configure.md") | anchors("docs/operate.md")
    )
