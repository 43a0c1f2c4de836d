"""A stack of a former release becomes one of the present release, with everything that it holds."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from clustering.config import PROJECT
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.compose.stack import Stack, docker, stack, step
from tests.projects import Project

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800, method="thread")]

# The last commit whose stack knew one login of the warehouse and one user of Airflow.
FORMER = os.environ.get("FORMER_RELEASE", "2ceb272")
CUSTOMERS = 5_000
LABELS = (
    "select model, customer_id, segment_id, cluster_label from segmentation.current_customer_segments order by 1, 2"
)
KEPT = {
    "segments": "select model, segment_id, segment_name, customers from segmentation.current_segments order by 1, 2",
    "labels": LABELS,
    "champions": "select model, version, artifact_sha256 from segmentation.model_versions where status = 'champion'"
    " order by 1",
    "decisions": "select promotion_id, decision, reason from segmentation.promotions order by 1",
    "dates": "select model, as_of from segmentation.published_runs order by 1, 2",
}


@dataclass(frozen=True)
class Upgraded:
    """The stack of the present release, and what that of the former one held."""

    stack: Stack
    before: Mapping[str, list[tuple[Any, ...]]]


def held(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """Return what an upgrade has to keep."""
    return {what: project.sql(statement) for what, statement in KEPT.items()}


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run the stack of the former release."""
    folder = tmp_path_factory.mktemp("former")
    archive = subprocess.run(["git", "archive", FORMER], cwd=PROJECT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"THE UPGRADE WAS NOT TRIED: there is no commit {FORMER} here")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder / "release", filter="data")
    with stack(folder) as made:
        release = folder / "release" / "docker-compose.yaml"
        named = f"image: {made.settings['SEGMENTATION_IMAGE'].replace('present', 'former')}"
        release.write_text(release.read_text().replace("image: customer-segmentation", named))
        made.folder = release.parent
        with step(f"build {FORMER}, and start it"):
            made.compose("build", "--quiet")
            made.up()
        yield made
        made.down()
        docker("image", "rm", "--force", named.removeprefix("image: "))
        docker("volume", "rm", "--force", f"{made.name}_config")  # which the present compose file does not know


@pytest.fixture(scope="module")
def upgraded(former: Stack) -> Upgraded:
    """Train and score with the former release, then start the present one on the same volumes."""
    project = former.project()
    load_customers(project.warehouse, project.configuration.contract, generate_customers(CUSTOMERS, seed=1))
    with step("retrain_models and segment_customers of the former release"):
        former.run("retrain_models")
        former.run("segment_customers")
    before = held(project)
    with step("docker compose stop, build and up of the present release"):
        former.compose("stop")
        former.folder = PROJECT
        former.compose("build", "--quiet")
        former.up()
    return Upgraded(former, before)


def test_upgrade_keeps_everything(upgraded: Upgraded) -> None:
    """Ids, names, labels, champions, decisions and dates are there after it."""
    assert all(upgraded.before.values())
    assert held(upgraded.stack.project()) == upgraded.before


def test_next_night_is_the_same(upgraded: Upgraded) -> None:
    """The champions of the former release score the same labels in the present one, with its lesser rights."""
    with step("segment_customers of the present release"):
        upgraded.stack.run("segment_customers")
    assert held(upgraded.stack.project()) == upgraded.before


def test_retraining_keeps_the_segments(upgraded: Upgraded) -> None:
    """A version of the present release takes over the numbers and names of the former one's segments."""
    with step("retrain_models and segment_customers of the present release"):
        upgraded.stack.run("retrain_models")
        upgraded.stack.run("segment_customers")
    names = [(model, segment, name) for model, segment, name, _ in upgraded.before["segments"]]
    after = upgraded.stack.project().sql(KEPT["segments"])
    assert [(model, segment, name) for model, segment, name, _ in after] == names
