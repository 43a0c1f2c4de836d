"""A checkout of its own for tests that build the package."""

from __future__ import annotations

import shutil
from pathlib import Path

from clustering.config import PROJECT

FOLDERS = ("clustering", "dags", "deploy", "models", "plugins", "sql")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")


def copy_checkout(target: Path) -> None:
    """Copy what a wheel is built from, and what the documents name beside it, into a new folder."""
    target.mkdir()
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("store", "__pycache__", "*.egg-info")
        shutil.copytree(PROJECT / name, target / name, ignore=ignored)
    for name in FILES:
        shutil.copy(PROJECT / name, target)
