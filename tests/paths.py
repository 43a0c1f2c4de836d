"""Where the tests find what they work on."""

from __future__ import annotations

from pathlib import Path

# The configuration of the tests, which a file that somebody adds to the project's `models/` does not change.
CONFIGURATION = Path(__file__).resolve().parent / "models"
