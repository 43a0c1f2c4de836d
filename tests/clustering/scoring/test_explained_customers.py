"""Customers by key: their labels, and why, from the values that the source has now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clustering import Registry
from clustering.config import Configuration, Formats
from clustering.errors import ConfigurationError, DataError, WarehouseError
from clustering.scoring import explained_customers
from clustering.scoring.explained_customers import explain_customer
from clustering.versions.artifacts import write_artifact
from clustering.warehouse import Warehouse, migrate
from clustering.warehouse.customer_values import TimeLimit
from tests.clustering.scoring.labelled import COLUMNS, CUSTOMERS, MODELS, Published, people, publish, with_columns
from tests.databases import Server, database_of
from tests.faults.server import held
from tests.projects import Project


@pytest.fixture
def registry(warehouse: Warehouse, tmp_path: Path) -> Registry:
    """Return a registry of its own."""
    return Registry(warehouse, tmp_path / "store")


@pytest.fixture
def transform() -> str:
    """Return the transform of the income; tests may set another one."""
    return "none"


@pytest.fixture(scope="module")
def published_once(
    postgresql: Server, migrated_template: str, configuration: Configuration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Published]]:
    """Return a function that publishes a run with a transform of the income, each once; not to be changed."""
    made: dict[str, Published] = {}

    def once(transform: str) -> Published:
        if transform not in made:
            warehouse = Warehouse(postgresql.url(postgresql.create(migrated_template)))
            changed = with_columns(configuration, annual_income={"transform": transform})
            registry = Registry(warehouse, tmp_path_factory.mktemp("store"))
            made[transform] = publish(registry, changed, range(1, CUSTOMERS + 1))
        return made[transform]

    yield once
    for one in made.values():
        postgresql.drop(database_of(one.registry.warehouse.uri))


@pytest.fixture
def published(
    published_once: Callable[[str], Published], copy_project: Callable[[Project], Project], transform: str
) -> Published:
    """Return a copy of a published run."""
    once = published_once(transform)
    copied = copy_project(Project(once.registry.warehouse, once.configuration, once.registry))
    return replace(once, registry=copied.registry)


@pytest.mark.parametrize("transform", ["none", "log"])
def test_customers_are_explained_as_all_of_them_at_once(published: Published) -> None:
    """Every customer has the segment, runner-up, pulls and sentence of the version, the strongest pull first."""
    values, places = people(), [*range(0, 20, 2), *range(20, CUSTOMERS, 20)]  # the first twenty are far out
    for model, place in product(MODELS, places):
        artifact, expected = published.artifacts[model], published.reasons[model]
        names = {each.segment_id: each.segment_name for each in artifact.clusters}
        label = published.explain(model, place + 1)
        told = label.explanation
        pulls = {part.feature: part.pull for part in told.pulls if part.feature}
        constant = sum(part.pull for part in told.pulls if part.feature is None)
        np.testing.assert_allclose([pulls[name] for name in COLUMNS], expected.pulls[place], rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(constant, expected.constant[place], rtol=1e-8, atol=1e-8)
        assert (label.segment_id, label.segment_name) == (expected.segments[place], names[expected.segments[place]])
        assert told.runner_up_name == names[expected.runners_up[place]]
        assert told.sentence == expected.sentences[place]
        assert told.pulls[0].feature == COLUMNS[expected.strongest[place]]
        assert sum(abs(part.share) for part in told.pulls) == pytest.approx(1)
        amounts = {part.feature: part.value for part in told.pulls}
        assert [amounts[name] for name in COLUMNS] == [1000 * values[place, 0], values[place, 1]]
    assert 3 <= np.count_nonzero(published.reasons["dbscan"].segments[places] == 0) < 10


def test_every_model_tells_its_label(published: Published) -> None:
    """Without a choice all models answer, as JSON too; a model's name in capitals is the same model."""
    found = explain_customer(published.configuration, published.registry, customer_id=1)
    assert [label.model for label in found.labels] == sorted(MODELS)
    document = found.to_document()
    assert (document["customer_id"], document["labels"][0]["as_of"]) == (1, "2026-11-22")
    assert len(published.explain("KMeans", 1).explanation.pulls) == 2


@pytest.mark.parametrize("given", [0, "0", "one", "1.5", "99999999999999999999", "1\x00"])
def test_unknown_customer_is_an_error(published: Published, given: Any) -> None:
    """What is no key, or nobody's, is told with the key."""
    with pytest.raises(DataError, match=r"no customer with the key '0' has a current label|is no key of a customer"):
        published.explain("kmeans", given)
    with pytest.raises(ConfigurationError, match="model 'unknown' is not configured"):
        published.explain("unknown", 1)


@pytest.mark.parametrize("bad", ["'abc'", "null", "'1e400'", "'NaN'", "'-Infinity'", "'1e999999999'", "''"])
def test_label_stands_where_the_source_is_no_longer_valid(published: Published, bad: str) -> None:
    """A value that has become invalid is no error, is told of, and nothing is made up from it."""
    label = published.explain("gmm", 1)
    published.ask(f"""update public.customers set "Spending Score" = {bad} where "CustomerID" = 1""")  # noqa: S608
    told = published.sentence("gmm", 1)
    assert told.startswith("The source no longer holds one row with valid values for this customer: spending_score ")
    assert published.explain("gmm", 1).segment_id == label.segment_id
    published.ask('delete from public.customers where "CustomerID" = 1')
    assert published.sentence("gmm", 1) == "The source no longer holds this customer."
    assert published.explain("gmm", 1).segment_id == label.segment_id


def test_fault_of_a_column_that_a_model_does_not_use_does_not_count(published: Published) -> None:
    """Another column may be invalid, or have gone from the table."""
    published.ask('update public.customers set "Age" = 999 where "CustomerID" = 1')
    assert published.explain("gmm", 1).explanation.pulls
    published.ask('alter table public.customers drop column "Age", drop column "Gender"')
    assert published.explain("gmm", 1).explanation.pulls


def test_customer_in_two_rows_is_not_explained_by_either(published: Published) -> None:
    """As a night takes neither."""
    published.ask("alter table public.customers drop constraint customers_pkey")
    published.ask('insert into public.customers select * from public.customers where "CustomerID" = 1')
    assert "stands in more than one row" in published.sentence("kmeans", 1)


def test_values_that_have_changed_are_called_so(published: Published) -> None:
    """Values that have changed so much that they speak against last night's segment are called by name."""
    before, segments = published.explain("kmeans", 100), published.reasons["kmeans"].segments
    other = next(place for place in range(100, 200) if segments[place] != segments[99])
    published.ask(
        'update public.customers as mine set "Annual Income (k$)" = other."Annual Income (k$)", '
        '"Spending Score" = other."Spending Score" from public.customers as other '
        'where mine."CustomerID" = 100 and other."CustomerID" = %(other)s',
        other=other + 1,
    )
    label = published.explain("kmeans", 100)
    assert label.segment_name == before.segment_name
    assert label.explanation.sentence == (
        f"The values have changed since 2026-11-22: today they are nearer to Group {segments[other]} than to "
        f"{before.segment_name}."
    )


def test_missing_value_is_filled(registry: Registry, configuration: Configuration) -> None:
    """A missing value counts as the number that the contract fills in."""
    published = publish(
        registry, with_columns(configuration, spending_score={"missing": 50.0}), range(1, CUSTOMERS + 1)
    )
    published.ask("""update public.customers set "Spending Score" = nullif('', '') where "CustomerID" = 1""")
    published.ask("""update public.customers set "Spending Score" = ' ' where "CustomerID" = 2""")
    for customer in (1, 2):
        pulls = published.explain("kmeans", customer).explanation.pulls
        assert {part.feature: part.value for part in pulls}["spending_score"] == 50.0


def test_text_in_the_formats_of_the_contract_is_read_as_a_night_does(
    registry: Registry, configuration: Configuration
) -> None:
    """A decimal comma is one."""
    contract = configuration.contract.model_copy(update={"formats": Formats(decimal=",")})
    published = publish(registry, configuration.model_copy(update={"contract": contract}), range(1, CUSTOMERS + 1))
    published.ask("""update public.customers set "Spending Score" = replace("Spending Score", '.', ',')""")
    told = published.explain("kmeans", 8).explanation
    assert told.sentence == published.reasons["kmeans"].sentences[7]
    assert {part.feature: part.value for part in told.pulls}["spending_score"] == people()[7, 1]


@pytest.mark.parametrize("key_type", ["text", "uuid"])
def test_keys_may_be_anything(
    empty_warehouse: Warehouse, configuration: Configuration, key_type: str, tmp_path: Path
) -> None:
    """Keys may be text, with whatever is in it and to the last space, or UUIDs."""
    changed = with_columns(configuration, customer_id={"type": key_type})
    migrate(empty_warehouse, changed.contract)
    number = "c'%s\"/?#--{} \n" if key_type == "text" else "00000000-0000-0000-0000-{:012d}"
    keys = [number.format(place) if key_type == "uuid" else f" {place}{number}" for place in range(CUSTOMERS)]
    published = publish(Registry(empty_warehouse, tmp_path / "store"), changed, keys, key_type=key_type)
    assert published.explain("kmeans", keys[7]).explanation.sentence == published.reasons["kmeans"].sentences[7]
    found = explain_customer(published.configuration, published.registry, customer_id=keys[7])
    assert found.customer_id == keys[7]
    if key_type == "text":
        with pytest.raises(DataError, match="keys are compared as they are written"):
            published.explain("kmeans", keys[7].strip())


def test_label_stands_where_the_version_cannot_be_read(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its files, or without a column that it needs, a version explains nothing, and says so."""
    (column,) = (name for name in COLUMNS if name != "annual_income")
    ignored = with_columns(published.configuration, **{column: {"role": "ignore"}})
    told = replace(published, configuration=ignored).sentence("gmm", 1)
    assert told.startswith("gmm version 1 was trained on spending_score, which customers.yaml no longer has")
    published.registry.store.rename(published.registry.store.with_name("elsewhere"))
    told = published.sentence("gmm", 1)
    assert told.startswith("The files of gmm version 1, which gave this label, cannot be read from the model store")
    assert str(published.registry.store) not in told


def test_label_stands_where_the_source_cannot_be_read(published: Published) -> None:
    """A table that is gone is a sentence, and so is a column."""
    published.ask('alter table public.customers drop column "Spending Score"')
    assert published.sentence("kmeans", 1).startswith("The source cannot be read: ")
    published.ask("drop table public.customers")
    assert "the table public.customers does not exist" in published.sentence("kmeans", 1)


def test_locked_source_is_not_waited_for(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks gets an error that may pass, and no answer that would be another one later."""
    monkeypatch.setattr(explained_customers, "LIMIT", TimeLimit(5, 0.2))
    started = time.monotonic()
    with (
        held(published.registry.warehouse.uri, "lock table public.customers in access exclusive mode"),
        pytest.raises(WarehouseError, match="lock timeout"),
    ):
        published.explain("kmeans", 1)
    assert time.monotonic() - started < 5


def test_names_are_those_of_the_publication(published: Published) -> None:
    """Names are those that were published, also where a person has changed them."""
    published.ask(
        "update segmentation.label_names set segment_name = 'Ours: 100 %%s {}' || segment_id where label_set in"
        " (select label_set from segmentation.run_models where model = 'gmm')"
    )
    label = published.explain("gmm", 50)
    first, second = published.reasons["gmm"].segments[49], published.reasons["gmm"].runners_up[49]
    named = (label.segment_name, label.explanation.runner_up_name)
    assert named == (f"Ours: 100 %s {{}}{first}", f"Ours: 100 %s {{}}{second}")
    assert label.segment_name in label.explanation.sentence


def test_only_segment_has_no_runner_up(registry: Registry, configuration: Configuration) -> None:
    """Without another segment there is nothing to hold against."""
    published = publish(registry, configuration, range(1, CUSTOMERS + 1))
    artifact = published.artifacts["kmeans"]
    one = replace(artifact, clusters=tuple(replace(each, segment_id=1) for each in artifact.clusters))
    name, digest = write_artifact(registry.store, one, version=2, estimator=None)
    published.ask(
        "update segmentation.model_versions set artifact = %(name)s, artifact_sha256 = %(digest)s"
        " where model = 'kmeans'",
        name=name,
        digest=digest,
    )
    published.ask("update segmentation.customer_labels set segment_id = 1")
    assert published.sentence("kmeans", 1) == "There is no other segment."


def test_label_stands_where_its_cluster_has_been_forgotten(registry: Registry, configuration: Configuration) -> None:
    """A density cluster whose only core customers were forgotten is no longer the version's."""
    published = publish(registry, configuration, range(1, CUSTOMERS + 1))
    artifact = published.artifacts["dbscan"]
    kept = artifact.parameters["core_labels"] != 0
    left = {name: values[kept] if name != "eps" else values for name, values in artifact.parameters.items()}
    name, digest = write_artifact(registry.store, replace(artifact, parameters=left), version=2, estimator=None)
    published.ask(
        "update segmentation.model_versions set artifact = %(name)s, artifact_sha256 = %(digest)s"
        " where model = 'dbscan'",
        name=name,
        digest=digest,
    )
    customer = int(np.flatnonzero(published.reasons["dbscan"].segments == 1)[0]) + 1
    assert "no longer has the cluster 0" in published.sentence("dbscan", customer)
