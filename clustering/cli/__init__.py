"""The same verbs for a terminal: `clustering`, or `python -m clustering`."""

from __future__ import annotations

from clustering.cli.commands import app, main

__all__ = ["app", "main"]
