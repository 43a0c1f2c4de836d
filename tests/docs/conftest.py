"""The documents are run where the command line's own tests run."""

from __future__ import annotations

from tests.cli.conftest import clustering, folder, quick_configuration

__all__ = ["clustering", "folder", "quick_configuration"]
