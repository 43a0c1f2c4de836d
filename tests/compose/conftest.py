"""A stack for the tests of this folder; without an engine they are skipped, and say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack, engine, stack, step


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an engine where there is none."""
    ours = [item for item in items if item.get_closest_marker("compose")]
    if ours and not engine():
        skip = pytest.mark.skip(
            reason="NOTHING OF THE COMPOSE STACK WAS TRIED: no container engine with Compose answers"
        )
        for item in ours:
            item.add_marker(skip)


@pytest.fixture(scope="module")
def present(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Build the image, and start the stack."""
    with stack(tmp_path_factory.mktemp("stack")) as made:
        with step("docker compose build"):
            made.compose("build", "--quiet")
        with step("docker compose up, until every service is healthy"):
            made.up()
        yield made
        with step("docker compose down --volumes"):
            made.down()
