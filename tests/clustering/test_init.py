"""The public names: they are loaded when they are used, and seen by whoever asks for them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from typing import Any

import pytest

from clustering.config import PROJECT

clustering: Any = import_module("clustering")  # as a person sees it, and not a type checker


def test_names_are_listed() -> None:
    """`dir` shows every public name, and each leads to what its own module holds under it."""
    assert (
        {"Clustering", "cluster", "plan_run", "train", "Warehouse"} <= set(clustering.__all__) <= set(dir(clustering))
    )
    for name in clustering.__all__:
        found = getattr(clustering, name)
        assert found is getattr(import_module(found.__module__), name)


def test_version_is_that_of_the_project() -> None:
    """The package, the terminal and the changelog name the version that `pyproject.toml` does."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert clustering.__version__ == version
    assert f"\n## [{version}] - " in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_unknown_name_is_an_error_like_any_other() -> None:
    """An attribute that is not there is told of as by any module."""
    with pytest.raises(AttributeError, match="module 'clustering' has no attribute 'clusters'"):
        _ = clustering.clusters


def test_importing_the_package_loads_none_of_its_modules() -> None:
    """The names cost nothing before they are used."""
    program = "import sys, clustering; print([name for name in sys.modules if name.startswith('clustering.')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_types_are_shipped() -> None:
    """A wheel carries the mark of a typed package and the public names for type checkers."""
    data = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    assert {"*.pyi", "py.typed"} <= set(data["*"])
    assert all((PROJECT / "clustering" / name).is_file() for name in ("__init__.pyi", "py.typed"))
