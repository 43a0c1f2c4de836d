"""docs/architecture.md is a map of what is there: each file, module and statement that it names, and each room."""

from __future__ import annotations

import re

from clustering.config import PROJECT
from clustering.warehouse import queries
from tests.docs.pages import rows, text

PAGE = "docs/architecture.md"
# In backticks, something with a slash, or a file of the root; neither a pattern nor an address.
NAMES = re.compile(r"`([\w.-]+(?:/[\w.-]+)+/?|[\w-]+/|[\w-]+\.(?:py|md|yaml|sql)|Dockerfile|Makefile)`")
OF_CONFIGURATION = ("customers.yaml", "segments.yaml")  # of any folder of a configuration
EXAMPLES = ("models/kmeans_four.yaml", "concern/name")
NO_FOLDERS = ("build", "dist")
SOURCES = (".py", ".md", ".sql", ".yaml")


def named() -> set[str]:
    """Return what the page names in backticks as files, folders and statements, and the modules as files."""
    modules = re.findall(r"`(clustering(?:\.\w+)+)`", text(PAGE))
    return {*NAMES.findall(text(PAGE)), *(f"{name.replace('.', '/')}.py" for name in modules)} - {
        *OF_CONFIGURATION,
        *EXAMPLES,
    }


def is_there(name: str) -> bool:
    """Return whether a name is that of a file, or of a folder where it ends in a slash, or of a statement."""
    if name.endswith("/"):
        return (PROJECT / name).is_dir()
    if (PROJECT / name).is_file():
        return True
    return "." not in name and bool(queries.load(name))


def test_everything_named_is_there() -> None:
    """No file, folder, module or statement of the page has gone or changed its name."""
    assert len(named()) > 60
    assert [name for name in sorted(named()) if not is_there(name)] == []


def test_every_definition_is_where_the_page_says() -> None:
    """A function or class that the page finds in a file is defined there, or at least spoken of."""
    places = re.findall(r"`(\w+)` in `([\w/]+\.py)`", text(PAGE))
    assert len(places) > 5
    assert [place for place in places if not re.search(rf"\b{place[0]}\b", text(place[1]))] == []


def test_every_room_is_named() -> None:
    """The table of rooms has every package and every module at the root of `clustering`, and nothing else."""
    package = PROJECT / "clustering"
    rooms = {f"clustering/{path.parent.name}/" for path in package.glob("*/__init__.py")}
    modules = {f"clustering/{path.name}" for path in package.glob("*.py") if not path.name.startswith("__")}
    assert {name.strip("`") for name, _ in rows(PAGE, "room", "does")} == rooms | modules


def test_every_folder_is_named() -> None:
    """The table of folders has every folder of the repository."""
    folders = {
        f"{path.name}/"
        for path in PROJECT.iterdir()
        if path.is_dir()
        and not path.name.startswith((".", "__"))
        and path.name not in NO_FOLDERS
        and any(found.suffix in SOURCES for found in path.rglob("*"))
    }
    assert {name.strip("`") for name, _ in rows(PAGE, "folder", "what lies there")} == folders


def test_every_task_of_the_night_is_named() -> None:
    """The nightly flow has the tasks of the DAG."""
    dag = (PROJECT / "dags" / "segment_customers.py").read_text(encoding="utf-8")
    tasks = set(re.findall(r"@(?:lineage_)?task(?:\(.*?\n? *\))?\n    def (\w+)", dag, re.DOTALL))
    listed = {name.split("`")[1] for name, _, _ in rows(PAGE, "task", "calls", "does")}
    assert "publish" in tasks
    assert listed == tasks
