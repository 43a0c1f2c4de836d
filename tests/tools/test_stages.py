"""A stage shows what is being done, also where nobody sees a terminal."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

import stages
from stages import stage


def lines(monkeypatch: pytest.MonkeyPatch, *, silence: float) -> list[str]:
    """Return what is printed of a stage that says two things, without a terminal."""
    monkeypatch.setattr(stages, "SILENCE", silence)
    output = StringIO()
    with stage(Console(file=output, force_terminal=False), "Train") as show:
        show("the first [model]")
        show("the second")
    return re.sub(r" +\d+(\.\d)? s", " 0 s", output.getvalue()).splitlines()


def test_long_stage_is_told_of_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no terminal, what is done is printed from time to time."""
    assert lines(monkeypatch, silence=0) == [
        "  Train … 0 s  the first [model]",
        "  Train … 0 s  the second",
        "✓ Train 0 s  the second",
    ]


def test_short_stage_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is over at once is told of once."""
    assert lines(monkeypatch, silence=60) == ["✓ Train 0 s  the second"]
