"""A program that takes long shows that it is alive, and what it said where it fails."""

from __future__ import annotations

import os
import re
import sys

import pytest

import program
from program import ProgramError, run_program


def test_program_shows_that_it_is_alive(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """While it runs, its last line is shown again and again; at its end, the seconds that it took."""
    monkeypatch.setattr(program, "TICK", {False: 0.05})
    run_program("Work", [sys.executable, "-uc", "import time; print('Half done'); time.sleep(0.5)"], os.environ)
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if re.fullmatch(r"Work … \d+ s  Half done", line)]
    assert re.fullmatch(r"Work: \d+ s", shown[-1])


def test_failing_program_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    """The error holds the end of both of its outputs, without the secrets of URLs."""
    code = "import sys; print('on the way'); sys.exit('no answer from https://user:s3cret@example.org/simple')"
    with pytest.raises(ProgramError, match=r"(?s)^on the way\nno answer from https://\*{4}@example.org/simple$"):
        run_program("Work", [sys.executable, "-uc", code], os.environ)
    assert re.fullmatch(r"Work: failed after \d+ s\n", capsys.readouterr().out)


def test_program_that_fails_silently_is_told_of() -> None:
    """Where there is nothing else to say, it is the exit code."""
    with pytest.raises(ProgramError, match=r"^it ended with 3 and said nothing$"):
        run_program("Work", [sys.executable, "-c", "raise SystemExit(3)"], os.environ)
