"""How long a person at a terminal waits for the clusters of a file, and how much of that is imports.

`python benchmarks/first_answer.py customers.csv` runs `clustering cluster` on the file, imports all modules which that
run has loaded, and imports scikit-learn and pandas, in turns, each in a process of its own whose byte code is compiled.
It prints the medians, in seconds, of the time that passes and of the processor's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile

REPEATS = 7
LOADED = """
import sys
from clustering.cli import main
try:
    main(sys.argv[1:])
finally:
    sys.stderr.write("\\nLOADED " + " ".join(name for name in sys.modules if name != "__main__"))
"""
IMPORTED = """
import sys
from importlib import import_module
for name in sys.stdin.read().split():
    try:
        import_module(name)
    except ImportError:  # made by a module that is there
        pass
"""


@dataclass(frozen=True)
class Took:
    """What a process took, in seconds: from its start to its end, and of the processor."""

    passed_s: float
    processor_s: float


def run(arguments: Sequence[str], *, given: str = "") -> Took:
    """Return what Python with these arguments took; CalledProcessError where it fails."""
    with TemporaryFile("w+") as standard_input:
        standard_input.write(given)
        standard_input.seek(0)
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *arguments], stdin=standard_input, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        passed = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Took(passed, used.ru_utime + used.ru_stime)


def loaded(command: Sequence[str]) -> str:
    """Return the names of all modules that a command of `clustering` has loaded when it ends, in their order."""
    done = subprocess.run([sys.executable, "-c", LOADED, *command], capture_output=True, text=True, check=False)
    return done.stderr.rpartition("LOADED ")[2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--model", default="kmeans")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    chosen = parser.parse_args()
    command = ["cluster", chosen.file, "--model", chosen.model]
    names = loaded(command)
    found: dict[str, list[Took]] = {}
    for _ in range(chosen.repeats):
        for what, took in (
            ("clustering cluster", run(["-m", "clustering", *command])),
            (f"its {len(names.split()):,} imports", run(["-c", IMPORTED], given=names)),
            ("scikit-learn and pandas", run(["-c", "import pandas, sklearn.cluster"])),
        ):
            found.setdefault(what, []).append(took)
    for what, all_took in found.items():
        passed = statistics.median(one.passed_s for one in all_took)
        print(
            f"{what}: {passed:.2f} s, {statistics.median(one.processor_s for one in all_took):.2f} s of the processor"
        )


if __name__ == "__main__":
    main()
