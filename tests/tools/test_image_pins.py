"""Images are pinned in the settings by the digests that an engine knows, and nothing else of the settings changes."""

from __future__ import annotations

import re

import pytest

from clustering.config import PROJECT
from image_pins import COMPOSE, VARIABLES, PinError, digest_of, image_names, with_values

DIGEST = f"sha256:{'a1' * 32}"
EXAMPLE = (PROJECT / ".env.example").read_text(encoding="utf-8")
FILE = COMPOSE.read_text(encoding="utf-8")


def test_every_image_that_is_pulled_is_pinned() -> None:
    """Nothing that the compose file or the Dockerfile takes from a registry is without a variable."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    taken = set(re.findall(r"^ *(?:image|AIRFLOW_IMAGE_NAME): *\$\{(\w+)", FILE, re.MULTILINE))
    assert taken == {*VARIABLES, "SEGMENTATION_IMAGE"}
    assert re.findall(r"^FROM (.*)$", dockerfile, re.MULTILINE) == ["${AIRFLOW_IMAGE_NAME}"]
    names = image_names(FILE, EXAMPLE)
    assert set(names) == set(VARIABLES)
    assert all(f"#{variable}={name}\n" in EXAMPLE for variable, name in names.items())


def test_settings_are_pinned_where_they_stand() -> None:
    """A default becomes a setting in its place; what was pinned follows its tag; the last line counts."""
    names = image_names(FILE, EXAMPLE)
    pinned = with_values(EXAMPLE, {variable: f"{name}@{DIGEST}" for variable, name in names.items()})
    changed = [pair for pair in zip(EXAMPLE.splitlines(), pinned.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(changed) == len(VARIABLES)
    assert all(new == f"{old.removeprefix('#')}@{DIGEST}" for old, new in changed)
    assert image_names(FILE, pinned) == names
    own = "#REDIS_IMAGE=redis:8\nREDIS_IMAGE='registry.example.com:5000/redis:8.4'  # ours\nA=b"
    assert image_names(FILE, own)["REDIS_IMAGE"] == "registry.example.com:5000/redis:8.4"
    assert with_values(own, {"REDIS_IMAGE": "x@y"}) == "#REDIS_IMAGE=redis:8\nREDIS_IMAGE=x@y\nA=b\n"


@pytest.mark.parametrize("name", ["postgres:18", "postgres", "registry.example.com:5000/sub/postgres:18"])
def test_a_digest_is_that_of_the_image_asked_for(name: str) -> None:
    """An image may be known by several names; Podman writes the registry before each."""
    bare = re.sub(r":\w+$", "", name) if "/" in name else name.partition(":")[0]
    assert digest_of(name, f"other/postgres@sha256:00\n{bare}@{DIGEST}\n") == DIGEST
    if "/" not in bare:
        assert digest_of(name, f"docker.io/library/{bare}@{DIGEST}") == DIGEST


def test_an_image_of_no_registry_is_refused() -> None:
    """What was built here and pushed nowhere has no digest that another machine could pull."""
    with pytest.raises(PinError, match=r"^standin/redis has no digest: it comes from no registry$"):
        digest_of("standin/redis", "\n")
