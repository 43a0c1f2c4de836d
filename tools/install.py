"""Install the packages of requirements.txt, and the project, into the environment of the Python that runs this.

uv does it, which pip installs first, with pip's own configuration. Where uv cannot be had or fails, pip does it all.
"""

from __future__ import annotations

import os
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
    """Return the line of a lock that pins a package."""
    return next(line for line in lock.splitlines() if line.startswith(f"{package}=="))


def without(lock: str, package: str) -> str:
    """Return a lock without the line that pins a package."""
    return lock.replace(f"{pinned(lock, package)}\n", "")


def _install(lock: str) -> None:
    try:
        # Built from its source, it would take longer than pip takes for everything.
        _pip("Install uv by pip", "install", "--no-deps", "--only-binary", "uv", pinned(lock, "uv"))
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
    options = _pip_options()
    environment = uv_environment(options, os.environ)
    wanted = ("--no-deps", "--requirement", str(LOCK), "--editable", str(PROJECT))
    run_program("Install the packages by uv", [*UV, "install", *HERE, *uv_arguments(options), *wanted], environment)
    return environment


def _install_by_pip(lock: str) -> None:
    if int(version("pip").split(".")[0]) < OLDEST_PIP:
        _pip("Upgrade pip", "install", "--upgrade", "pip")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write(lock)
        file.flush()
        _pip("Install the packages by pip", "install", "--progress-bar", "off", "--no-deps", "--requirement", file.name)
    _pip("Install the project", "install", "--no-deps", "--editable", str(PROJECT))
    _pip(CHECK, "check")


def _pip(title: str, *arguments: str) -> None:
    run_program(title, [*PIP, *arguments], os.environ)


def _pip_options() -> dict[str, str]:
    command = [*PIP, "config", "list"]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise ProgramError(f"pip does not tell its configuration: {masked(done.stderr.strip())}")
    return read_listing(done.stdout)


def _fall_back(reason: str) -> None:
    print(f"WARNING: {reason}\nWARNING: pip installs everything instead, which takes minutes", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
