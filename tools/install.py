"""Install the packages of requirements.txt, and the project, into the environment of the Python that runs this.

uv does it, which pip installs first, with pip's own configuration. Where uv cannot be had or fails, pip does it all.
Either takes only files whose hashes the lock has.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from pip_configuration import masked, read_listing, uv_arguments, uv_environment
from program import ProgramError, run_program

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "requirements.txt"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color")
UV = (sys.executable, "-m", "uv", "--color", "never", "pip")
PIP_LOCKED = ("--no-deps", "--require-hashes", "--requirement")
# Required of all, hashes would forbid that pip's constraints are ranges. Every pin of the lock has them.
UV_LOCKED = ("--no-deps", "--verify-hashes", "--requirement")
HERE = ("--python", sys.executable)
CHECK = "Check that they fit together"
OLDEST_PIP = 23  # that is known to make editable installations as they are asked for here
INTERRUPTED = 130


def main() -> int:
    """Install and return the exit code."""
    try:
        _install(LOCK.read_text(encoding="utf-8"))
    except ProgramError as error:
        print(f"Installation failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; `make install` goes on from here.", file=sys.stderr)
        return INTERRUPTED
    return 0


def pinned(lock: str, package: str) -> str:
    """Return the lines of a lock that pin a package: its version, and the hashes of its files."""
    found = re.search(rf"^{re.escape(package)}==.*\n(?: +--hash=.*\n)+", lock, re.MULTILINE)
    if found is None:
        raise ProgramError(f"{LOCK.name} has no hashes of {package}; take it anew from the repository")
    return found[0]


def without(lock: str, package: str) -> str:
    """Return a lock without the lines that pin a package."""
    return lock.replace(pinned(lock, package), "")


def _install(lock: str) -> None:
    try:
        # Built from its source, it would take longer than pip takes for everything.
        _pip_locked("Install uv by pip", pinned(lock, "uv"), "--only-binary", "uv")
    except ProgramError as error:
        _fall_back(f"uv cannot be installed, and `make lock` and `make audit` will miss it: {error}")
        _install_by_pip(without(lock, "uv"))
        return
    try:
        environment = _install_by_uv()
    except ProgramError as error:
        _fall_back(f"uv has failed: {error}")
        _install_by_pip(lock)
        return
    run_program(CHECK, [*UV, "check", *HERE], environment)


def _install_by_uv() -> dict[str, str]:
    options = pip_options()
    environment = uv_environment(options, os.environ)
    wanted = (*UV_LOCKED, str(LOCK), "--editable", str(PROJECT))
    run_program("Install the packages by uv", [*UV, "install", *HERE, *uv_arguments(options), *wanted], environment)
    return environment


def _install_by_pip(lock: str) -> None:
    if int(version("pip").split(".")[0]) < OLDEST_PIP:
        _pip("Upgrade pip", "install", "--upgrade", "pip")
    _pip_locked("Install the packages by pip", lock, "--progress-bar", "off")
    # By itself, since a folder has no hash.
    _pip("Install the project", "install", "--no-deps", "--editable", str(PROJECT))
    _pip(CHECK, "check")


def _pip_locked(title: str, lock: str, *options: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write(lock)
        file.flush()
        _pip(title, "install", *options, *PIP_LOCKED, file.name)


def _pip(title: str, *arguments: str) -> None:
    run_program(title, [*PIP, *arguments], os.environ)


def pip_options() -> dict[str, str]:
    """Return the options of pip's configuration, as its own names have them."""
    command = [*PIP, "config", "list"]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise ProgramError(f"pip does not tell its configuration: {masked(done.stderr.strip())}")
    return read_listing(done.stdout)


def _fall_back(reason: str) -> None:
    print(f"WARNING: {reason}\nWARNING: pip installs everything instead, which takes minutes", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
