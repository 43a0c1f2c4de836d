"""Pin the images of the containers in .env: what their tags name in their registries today, by digest."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
COMPOSE = PROJECT / "docker-compose.yaml"
VARIABLES = ("AIRFLOW_IMAGE_NAME", "POSTGRES_IMAGE", "REDIS_IMAGE")
SETTING = re.compile(r"^(\w+)=(\S+)", re.MULTILINE)


class PinError(Exception):
    """An image cannot be pinned; the message says why."""


def main() -> int:
    """Pull each image, write its digest into the settings, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, default=PROJECT / ".env", help="the file to write")
    path = parser.parse_args().settings
    try:
        text = path.read_text(encoding="utf-8")
        names = image_names(COMPOSE.read_text(encoding="utf-8"), text)
        pins = {variable: _pinned(name) for variable, name in names.items()}
    except FileNotFoundError as error:
        print(f"{error.filename} is not there; make .env from .env.example, and install Docker", file=sys.stderr)
        return 1
    except PinError as error:
        print(error, file=sys.stderr)
        return 1
    path.write_text(with_values(text, pins), encoding="utf-8")
    for variable, pin in pins.items():
        print(f"{variable}={pin}")
    return 0


def image_names(compose: str, settings: str) -> dict[str, str]:
    """Return the name of each variable's image without a digest: that of the settings, or else the compose file's.

    >>> image_names("image: ${REDIS_IMAGE:-redis:8}", "#REDIS_IMAGE=redis:7")
    {'REDIS_IMAGE': 'redis:8'}
    """
    names = {name: found[1] for name in VARIABLES if (found := re.search(rf"\$\{{{name}:-([^}}]+)\}}", compose))}
    names |= {name: value.strip("'\"") for name, value in SETTING.findall(settings) if name in names}
    return {variable: name.partition("@")[0] for variable, name in names.items()}


def with_values(settings: str, values: Mapping[str, str]) -> str:
    """Return settings with these values, each where its line is, also one that is commented out, or else at the end.

    >>> with_values("A=1\\n#B=2\\n", {"B": "3", "C": "4"})
    'A=1\\nB=3\\nC=4\\n'
    """
    lines = settings.splitlines()
    for name, value in values.items():
        places = [place for place, line in enumerate(lines) if line.startswith(f"{name}=")]
        places = places or [place for place, line in enumerate(lines) if line.startswith(f"#{name}=")][:1]
        for place in places or [len(lines)]:
            lines[place : place + 1] = [f"{name}={value}"]
    return "\n".join([*lines, ""])


def digest_of(name: str, digests: str) -> str:
    """Return the digest of an image, out of the names by digest that the engine knows of it, one a line.

    Raises PinError where it has none, such as an image that was built here and pushed nowhere.

    >>> digest_of("redis:8", "other/redis@sha256:00\\nredis@sha256:11")
    'sha256:11'
    """
    repository = re.sub(r":[^:/]*$", "", name)
    names = (repository, f"docker.io/{repository}", f"docker.io/library/{repository}")
    for line in digests.split():
        known, _, digest = line.partition("@")
        if known in names:
            return digest
    raise PinError(f"{name} has no digest: it comes from no registry")


def _pinned(name: str) -> str:
    _docker("pull", "--quiet", name)
    told = _docker("image", "inspect", "--format", '{{join .RepoDigests "\\n"}}', name)
    return f"{name}@{digest_of(name, told)}"


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise PinError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
