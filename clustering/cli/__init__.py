"""The same verbs for a terminal: `clustering`, or `python -m clustering`."""

from __future__ import annotations

from clustering.cli.application import app, main

__all__ = ["app", "main"]
