"""Run a program that takes long, and show meanwhile that it is alive and what it said last."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

from pip_configuration import masked

KEPT = 15  # of the lines that a program said last, which are told of where it fails
TICK = {True: 0.5, False: 10.0}  # seconds between two signs of life, on a terminal and elsewhere


class ProgramError(Exception):
    """A program has failed; the message holds the end of what it said, without secrets."""


def run_program(title: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a program to its end and show that it is alive; raise ProgramError where it fails."""
    started, said = time.monotonic(), deque[str](maxlen=KEPT)
    with subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        reader = threading.Thread(target=_keep, args=(process, said))
        reader.start()
        try:
            while (code := _wait(process)) is None:
                _show(f"{title} … {time.monotonic() - started:.0f} s  {said[-1] if said else ''}", lasting=False)
        except BaseException:
            process.terminate()
            raise
        finally:
            reader.join()
    if code:
        _show(f"{title}: failed after {time.monotonic() - started:.0f} s", lasting=True)
        raise ProgramError("\n".join(said) or f"it ended with {code} and said nothing")
    _show(f"{title}: {time.monotonic() - started:.0f} s", lasting=True)


def _keep(process: subprocess.Popen[str], said: deque[str]) -> None:
    for line in process.stdout or ():
        if text := masked(line.strip()):
            said.append(text)


def _wait(process: subprocess.Popen[str]) -> int | None:
    try:
        return process.wait(TICK[sys.stdout.isatty()])
    except subprocess.TimeoutExpired:
        return None


def _show(text: str, *, lasting: bool) -> None:
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{text if lasting else text[:width]}", end="\n" if lasting else "", flush=True)
    else:
        print(text, flush=True)
