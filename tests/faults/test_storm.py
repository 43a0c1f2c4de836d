"""Everything that can happen to the nights at once, seeded, in real processes on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clustering import Configuration, Registry, Warehouse, migrate
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.appointing import SETTINGS, appoint
from tests.faults.published import published
from tests.faults.server import FragileServer
from tests.faults.storm import ALWAYS, PATHS, Storm
from tests.faults.storm_work import LATER, configured
from tests.projects import Project
from tests.web.served import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

CUSTOMERS = 3_000
WITHOUT_A_PARENT = """
    select relname from pg_class
    where
        relnamespace = 'segmentation_partitions'::regnamespace and relkind in ('r', 'p')
        and not relispartition and relname ~ '^(labels|period)_'
"""
KNOWN = """
    select customer_id::text from segmentation.customer_labels where customer_id = any(%(keys)s)
    union all
    select customer_id::text from segmentation.segment_history where customer_id = any(%(keys)s)
    union all
    select customer_id from segmentation.rejected_customers where customer_id = any(%(keys)s::text[])
"""


@pytest.fixture
def stormy(server: FragileServer, configuration: Configuration, tmp_path: Path) -> Iterator[Project]:
    """Return a project with two versions of each model, on a server of its own."""
    name = server.create()
    warehouse = Warehouse(server.url(name))
    migrate(warehouse, configuration.contract)
    project = Project(warehouse, configuration, Registry(warehouse, tmp_path / "store"))
    for settings in ({}, LATER):
        for model in SETTINGS:
            appoint(project, model, **settings.get(model, {}))
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=3))
    yield configured(project)
    server.drop(name)


@pytest.mark.parametrize(
    ("seconds", "seed"),
    [(60, 23), pytest.param(600, 24, marks=pytest.mark.soak)],
    ids=["a minute", "ten minutes"],
)
def test_everything_holds_in_a_storm(stormy: Project, tmp_path: Path, seconds: int, seed: int) -> None:
    """Nights, promotions, forgetting, retention, models that go and come, locks, kills: readers and the API go on."""
    with serving(stormy, tmp_path / "log") as address:
        storm = Storm(stormy, address, seed)
        storm.rage(seconds)
        assert not storm.faults, "\n".join([f"seed {seed}: {storm.done}", *storm.faults])
        storm.settle()
        with storm.client() as client:
            assert {path: client.get(path).status_code for path in PATHS} == dict.fromkeys(PATHS, 200)
    assert storm.faults == []
    assert {row[0] for row in published(stormy).labels} == set(SETTINGS)
    assert [what for what, question in ALWAYS.items() if stormy.sql(question)] == []
    assert (stormy.staged(), stormy.sql(WITHOUT_A_PARENT)) == ([], [])
    assert stormy.sql(KNOWN.replace("%(keys)s", "%s"), *[sorted(storm.forgotten)] * 3) == []
    for version in stormy.registry.champions(SETTINGS).values():
        stormy.registry.load(version)
    told = storm.done
    assert min(told[f"{work} done"] for work in ("night", "retention", "forget")) >= 1, told
    assert told["night killed"], told
    assert told["answered 200"] > told["answered 503"], told
