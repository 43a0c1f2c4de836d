"""The packages are installed by uv, and by pip where that fails."""

from __future__ import annotations

import subprocess
import sys

from clustering.config import PROJECT
from install import LOCK, pinned, without


def test_uv_is_the_one_of_the_lock() -> None:
    """What pip installs first is the pinned version."""
    assert pinned("a==1\n    # via b\nuv==2.0\nuvloop==3\n", "uv") == "uv==2.0"
    assert pinned(LOCK.read_text(encoding="utf-8"), "uv").startswith("uv==")


def test_pip_can_install_the_lock_without_uv() -> None:
    """Only the pin of uv is left out."""
    assert without("a==1\nuv==2.0\n    # via c\nuvloop==3\n", "uv") == "a==1\n    # via c\nuvloop==3\n"


def test_installation_needs_nothing_but_python() -> None:
    """What runs before the packages are there imports none of them."""
    done = subprocess.run(
        [sys.executable, "-ISc", f"import sys; sys.path.insert(0, {str(PROJECT / 'tools')!r}); import install"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
