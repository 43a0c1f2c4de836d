"""House rules that no linter knows; each is named in CONTRIBUTING.md."""

from __future__ import annotations

import ast
import doctest
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from clustering.config import PROJECT

TESTS = PROJECT / "tests"
LONGEST = 250  # lines of a module
# They test what a database holds after several rooms have worked on it, all algorithms, or the package itself.
WITHOUT_MODULE = {
    "test_bi_contract.py",
    "test_bi_views.py",
    "test_contract.py",
    "test_init.py",
    "test_roles.py",
    "test_warehouse_views.py",
}


def modules(*folders: str) -> Iterator[Path]:
    """Every module of some folders, but the revisions, which Alembic runs."""
    for folder in folders:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            if "revisions" not in path.parts:
                yield path


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Yield the names of the modules that a file imports, and of what it imports from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{name.name}" for name in node.names)


def with_examples() -> list[str]:
    found = [path for path in modules("clustering", "tools") if ">>> " in path.read_text(encoding="utf-8")]
    return [dotted(path).removeprefix("tools.") for path in found]


def run_examples(module: ModuleType) -> doctest.TestResults:
    return doctest.testmod(module)


@pytest.mark.parametrize("module", with_examples())
def test_examples_in_docstrings_are_true(module: str) -> None:
    """Every example gives what its docstring says."""
    failed, attempted = run_examples(import_module(module))
    assert (failed, attempted > 0) == (0, True)


def test_wrong_example_would_be_found() -> None:
    """An example that is not true fails."""
    module = ModuleType("wrong", ">>> 1 + 1\n3\n")
    assert run_examples(module) == (1, 1)


def test_modules_are_short() -> None:
    """A module of the code can be read at once; a table of cases may be longer."""
    lengths = {
        path.relative_to(PROJECT): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules("clustering", "dags", "plugins", "tools", "benchmarks")
    }
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST} == {}


def test_names_of_modules_are_unique() -> None:
    """No two modules of the package have the same name, so that a name in a traceback or a search is one file."""
    names = Counter(path.name for path in modules("clustering") if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []


def is_named_after_a_module(test: Path) -> bool:
    """Whether `test_x.py` or `test_x_aspect.py` lies where `x.py` does."""
    folder = PROJECT / test.parent.relative_to(TESTS)
    words = test.stem.removeprefix("test_").split("_")
    return any((folder / f"{'_'.join(words[:count])}.py").exists() for count in range(1, len(words) + 1))


def test_tests_lie_where_their_modules_lie() -> None:
    """Every test under `tests/clustering/` is named after a module; whole flows have folders of their own."""
    tests = sorted((TESTS / "clustering").rglob("test_*.py"))
    assert tests
    assert {test.name for test in tests if not is_named_after_a_module(test)} == WITHOUT_MODULE


def test_nothing_is_imported_from_where_fixtures_are() -> None:
    """Pytest finds fixtures by itself; what else tests share is in plain modules."""
    found = {
        (path.relative_to(PROJECT), name)
        for path in modules("tests")
        for name in imported(path)
        if re.search(r"(^|\.)conftest(\.|$)|^tests\.fixtures\.", name)
    }
    assert found == set()


def test_fixtures_that_are_shared_are_in_conftests() -> None:
    """A module without tests defines a fixture only in a `conftest.py` or in `tests/fixtures/`."""
    elsewhere = [
        path.relative_to(PROJECT)
        for path in modules("tests")
        if "@pytest.fixture" in path.read_text(encoding="utf-8")
        and not path.name.startswith("test_")
        and path.name != "conftest.py"
        and path.parent != TESTS / "fixtures"
    ]
    assert elsewhere == []


def test_errors_are_of_one_tree() -> None:
    """The package defines no exceptions but those of `clustering.errors`, and the answer to a refused request."""
    defined = {
        node.name
        for path in modules("clustering")
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)
    }
    assert defined == {"Refusal"}


def test_hooks_run_what_lint_runs() -> None:
    """Every linter of `make lint` is a hook of pre-commit, from this clone's own environment."""
    (repository,) = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    hooks = {hook["entry"].removeprefix(".venv/bin/") for hook in repository["hooks"]}
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe
    commands = re.findall(r"^\t\$\((?:PY\) -m |VENV\)/bin/)(.*)", recipe[1], re.MULTILINE)
    assert len(commands) == recipe[1].count("\n")
    for command in commands:
        program, *options = command.split()
        wanted = program if not options else f"{program} {options[0]}"
        assert any(hook.startswith(wanted) for hook in hooks), command


def test_rules_name_their_checks() -> None:
    """Every house rule ends with what holds it, and a test that is named there exists."""
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("\n## House rules\n")[1].split("\n## ")[0]
    rules = re.split(r"^- ", section, flags=re.MULTILINE)[1:]
    linters = {"ruff", "mypy", "import-linter", "sqlfluff", "pytest"}
    for rule in rules:
        checks = re.findall(r"\(([^()]*)\)\s*$", rule)
        assert checks, f"no check is named at the end of: {rule}"
        for check in re.split(r", ", checks[0]):
            assert check in linters or (PROJECT / check.strip("`")).exists(), f"{check} of: {rule}"


def test_linters_are_configured() -> None:
    """Types are checked in every folder of code, and the rooms of the package all have their layer."""
    tools = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert set(tools["mypy"]["files"]) == {"clustering", "dags", "plugins", "tools", "benchmarks", "tests"}
    layers = [contract for contract in tools["importlinter"]["contracts"] if contract["type"] == "layers"]
    assert [contract["exhaustive"] for contract in layers] == [True]
