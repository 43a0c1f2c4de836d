"""What every algorithm has to do, from its first proposal to forgetting a customer; Ward stands for the next one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from fastapi.testclient import TestClient
from sklearn.metrics import adjusted_rand_score

import clustering.algorithms
import clustering.config.models
from clustering.algorithms import Algorithm, algorithm, algorithm_names, register
from clustering.config import Configuration, load_configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.features import Scaling
from clustering.privacy.forgetting import forget
from clustering.segments.explanations import NOBODY, explain
from clustering.training.null_model import NOISES, NullModel
from clustering.training.stability import Clusters, bootstrap_jaccard
from clustering.versions.artifacts import Artifact, ClusterSegment
from clustering.versions.registry import Registry
from clustering.versions.version import Version
from clustering.warehouse import Warehouse
from clustering.web import Access, create_app
from clustering.web.report import render_report
from clustering.web.security import Caller
from tests.clustering.made import five_groups
from tests.paths import CONFIGURATION
from tests.projects import Project, retrain
from tests.ward import Ward
from tests.web.examples import backend_of

CUSTOMERS = 1_200
# Fewer candidates, so that a training takes a second.
QUICK: dict[str, dict[str, Any]] = {
    "kmeans": {"clusters": [4, 6], "n_init": 10},
    "gmm": {"components": [4, 6], "covariance_types": ["full"], "n_init": 2},
}
WARD = "ward"


@pytest.fixture(params=[*algorithm_names(), WARD])
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of an algorithm; Ward is registered for the test alone."""
    if request.param == WARD:
        for module in (clustering.algorithms, clustering.config.models):
            monkeypatch.setattr(module, "_registered", dict(module._registered))
        register(Ward())
    return str(request.param)


@pytest.fixture
def models(name: str, tmp_path: Path) -> Configuration:
    """Return a configuration whose only model, Tried out, has the algorithm."""
    (tmp_path / "models").mkdir()
    shutil.copy(CONFIGURATION / "segments.yaml", tmp_path / "models")
    contract = yaml.safe_load((CONFIGURATION / "customers.yaml").read_text(encoding="utf-8"))
    (tmp_path / "models" / "customers.yaml").write_text(yaml.safe_dump({**contract, "default_model": None}))
    model = {"algorithm": name, "features": ["annual_income", "spending_score"], **QUICK.get(name, {})}
    (tmp_path / "models" / "tried_out.yaml").write_text(yaml.safe_dump(model), encoding="utf-8")
    return load_configuration(tmp_path / "models")


@pytest.fixture
def project(warehouse: Warehouse, models: Configuration, tmp_path: Path) -> Project:
    """Return a project with customers and without versions."""
    load_customers(warehouse, models.contract, generate_customers(CUSTOMERS, seed=1))
    return Project(warehouse, models, Registry(warehouse, tmp_path / "store"))


def features() -> np.ndarray:
    """Return standardised features (n, 2) of five groups."""
    rows = np.column_stack([column.to_numpy() for column in five_groups(400).columns])
    return np.ascontiguousarray((rows - rows.mean(axis=0)) / rows.std(axis=0))


def champion(project: Project) -> tuple[Version, Artifact]:
    """Return the champion and its artifact."""
    version = project.registry.champions(["tried_out"])["tried_out"]
    return version, project.registry.load(version)


def published_customer(project: Project, artifact: Artifact) -> int:
    """Return a customer of the latest night, whose values are in the artifact where it holds those of customers."""
    personal = algorithm(artifact.algorithm).personal
    known = project.sql(
        "select customer_id, annual_income, spending_score from public.customers"
        " join segmentation.current_customer_segments using (customer_id)"
    )
    if not personal:
        return int(known[0][0])
    values = np.array([[float(value) for value in row[1:]] for row in known])
    points = artifact.scaling.invert(artifact.parameters[personal[0]])
    distances = np.abs(values[:, np.newaxis] - points[np.newaxis]).max(axis=2).min(axis=1)
    return int(known[int(distances.argmin())][0])


def test_fits_and_assigns(name: str, models: Configuration) -> None:
    """What is proposed can be fitted, the assigner gives the training rows their labels, and replicates are alike."""
    one, spec, rows = algorithm(name), models.models["tried_out"], features()
    settings = one.propose(rows, spec)[0]
    fitted = one.fit(rows, one.for_share(settings, 1.0), spec)
    assert fitted.labels.dtype == np.int32
    assert fitted.labels.tolist() == one.assigner(fitted.parameters)(rows).labels.tolist()
    assert fitted.labels.min() >= (-1 if spec.has_noise else 0)
    assert one.doubts(fitted, spec) == []
    clusters = Clusters(rows, fitted.labels, int(fitted.labels.max()) + 1, settings, spec)
    assert bootstrap_jaccard(clusters, [1, 2]).mean() > 0.5


def test_a_sample_does_not_depend_on_those_beside_it(name: str, models: Configuration) -> None:
    """Whether it is refitted alone or among others, its labels and statistics are the same to the last bit."""
    one, spec, rows = algorithm(name), models.models["tried_out"], features()
    settings = one.propose(rows, spec)[0]
    drawn = np.random.default_rng(0).integers(0, len(rows), (7, len(rows)))
    seeds = list(range(7))
    together = one.refits(rows, drawn, settings, spec, seeds=seeds)
    statistics = one.statistics_of(rows[drawn], settings, spec, seeds=seeds)
    assert len(together) == 7
    for place in seeds:
        beside = [slice(place, place + 1), slice(place, None)]
        for part in beside:
            (labels, *_) = one.refits(rows, drawn[part], settings, spec, seeds=seeds[part])
            assert labels is not None
            assert labels.tobytes() == np.asarray(together[place]).tobytes()
            alone = one.statistics_of(rows[drawn[part]], settings, spec, seeds=seeds[part])
            assert {key: values[0] for key, values in alone.items()} == {
                key: values[place] for key, values in statistics.items()
            }


def test_a_refit_is_a_fit_to_the_drawn_rows(name: str, models: Configuration) -> None:
    """The labels agree with those of fitting the drawn rows one by one, but for some customers at the rim."""
    one, spec, rows = algorithm(name), models.models["tried_out"], features()
    settings = one.propose(rows, spec)[1]  # five clusters, where their number is proposed
    drawn = np.random.default_rng(1).integers(0, len(rows), (5, len(rows)))
    refitted = one.refits(rows, drawn, settings, spec, seeds=range(5))
    one_by_one = Algorithm.refits(one, rows, drawn, settings, spec, seeds=range(5))
    for sample, found, expected in zip(drawn, refitted, one_by_one, strict=True):
        assert expected is not None
        assert found is not None
        assert adjusted_rand_score(expected[sample], found[sample]) > 0.9


def test_is_compared_with_noise(name: str, models: Configuration) -> None:
    """Of customers and of noise there are statistics that have a limit, if not all of them with all settings."""
    one, spec, rows = algorithm(name), models.models["tried_out"], features()
    settings = one.propose(rows, spec)[0]
    for noise in NOISES:
        limited = {statistic for statistic, against in one.least_errors if against == noise}
        if limited:
            found = one.statistics_of(NullModel(rows).draw(noise, seeds=[1, 2]), settings, spec, seeds=[1, 2])
            assert found.keys() & limited
            assert all(np.isfinite(found[statistic]).all() for statistic in found.keys() & limited)


def test_explanations_add_up(name: str, models: Configuration) -> None:
    """Pulls and constant are the difference of two costs, of which the customer's own segment has the smaller one."""
    one, spec, rows = algorithm(name), models.models["tried_out"], features()
    fitted = one.fit(rows, one.propose(rows, spec)[0], spec)
    found = explain(version_of(name, fitted.parameters), rows)
    costs = {
        each.cluster_label + 1: each.terms(rows).sum(axis=1) + each.constant
        for each in one.attractions(fitted.parameters)
    }
    assert found.segments.tolist() == (fitted.labels + 1).tolist()
    assert NOBODY not in found.runners_up.tolist()
    own, other = (
        np.array([costs[segment][row] for row, segment in enumerate(segments)])
        for segments in (found.segments.tolist(), found.runners_up.tolist())
    )
    np.testing.assert_allclose(found.pulls.sum(axis=1) + found.constant, other - own, rtol=1e-9, atol=1e-9)
    assert own.tolist() == pytest.approx(np.min(list(costs.values()), axis=0).tolist())


def version_of(name: str, parameters: Any) -> Artifact:
    """Return a version with a segment for every cluster."""
    labels = [each.cluster_label for each in algorithm(name).attractions(parameters)]
    clusters = tuple(ClusterSegment(label, label + 1, f"Segment {label + 1}", "", "", 1) for label in labels)
    scaling = Scaling(("annual_income", "spending_score"), ("none", "none"), np.zeros(2), np.ones(2))
    return Artifact("tried_out", name, scaling, {}, clusters, parameters)


def test_serves_from_training_to_forgetting(name: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained twice, labelled, shown, reported, and without the values of a customer who is forgotten."""
    (first,) = retrain(project)
    assert first["decision"] == "promoted", first["reason"]
    (second,) = retrain(project)
    assert second["decision"] in ("promoted", "held"), second["reason"]
    metrics = project.sql("select metrics from segmentation.model_versions where version = 2")[0][0]
    assert metrics["movement"] == 0.0
    has_cost = type(algorithm(name)).cost is not Algorithm.cost
    assert metrics["price_of_stability"] == (pytest.approx(1.0) if has_cost else None)
    project.night("2026-11-21")
    assert len(project.labels()) > 0.8 * CUSTOMERS
    look(project, monkeypatch)
    forget_somebody(project)
    project.night("2026-11-22")
    look(project, monkeypatch)


def look(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open the page and its charts, and write the report; all of them name the model and its segments."""
    monkeypatch.setenv("CLUSTERING_STORE", str(project.registry.store))
    names = [segment for (segment,) in project.sql("select segment_name from segmentation.current_segments")]
    backend = backend_of(project)
    access = Access(reads=anybody, customers=anybody, caller=lambda: Caller("Ada", may_change=True))
    with TestClient(create_app(lambda: backend, access)) as client:
        page = client.get("/page", params={"model": "tried_out"})
        charts = client.get("/page/charts", params={"model": "tried_out"})
    assert (page.status_code, charts.status_code) == (200, 200)
    report = render_report(project.warehouse, project.configuration)
    for text in (page.text, report):
        assert "Tried out" in text
        assert all(segment in text for segment in names)


def anybody() -> None:
    """Let everybody through."""


def forget_somebody(project: Project) -> None:
    """Forget a customer; versions that hold the values of customers lose theirs, and can still be loaded."""
    version, before = champion(project)
    customer = published_customer(project, before)
    personal = algorithm(before.algorithm).personal
    report = forget(
        project.warehouse, project.configuration, project.registry, customer_id=customer, requested_by="Ada"
    )
    assert report["removed"]["segmentation.customer_labels"] == 1
    assert [point["outcome"] for point in report["core_points"]] == ["dropped"] * (2 if personal else 0)
    after = champion(project)[1]
    for array, values in before.parameters.items():
        assert len(np.atleast_1d(after.parameters[array])) == len(np.atleast_1d(values)) - (array in personal)
    assert project.registry.version(version.model_version_id).status == "champion"
    project.sql("delete from public.customers where customer_id = %s", customer)


def test_registration_of_another_algorithm_is_undone() -> None:
    """Tests that register an algorithm leave none behind, in models' files neither."""
    assert WARD not in algorithm_names()
    assert WARD not in clustering.config.models._registered
