"""What the page knows of the configured models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import FunctionLoader, UndefinedError

from clustering import Configuration
from clustering.config import KMeansSpec
from clustering.training.build import build
from clustering.training.comparison import meet
from clustering.versions.metrics import Metrics
from clustering.versions.registry import Registry
from clustering.warehouse import Warehouse
from clustering.web import reads
from clustering.web.assets import assets
from clustering.web.templating import TEMPLATES, environment
from clustering.web.trainings import action, figures, read_versions
from clustering.web.views import names_in_order, read_models, read_overview
from tests.clustering.made import five_groups
from tests.projects import Project


@pytest.fixture
def several(configuration: Configuration) -> Configuration:
    """Return a configuration with a second model of K-Means, and one of an algorithm that nobody knows."""
    kmeans = configuration.models["kmeans"]
    unknown = KMeansSpec.model_construct(**dict(kmeans) | {"algorithm": "ward", "title": None})
    more = {"four": kmeans.model_copy(update={"title": None}), "a_tree": unknown}
    return configuration.model_copy(update={"models": {**configuration.models, **more}})


def test_models_follow_their_algorithms_then_their_names(several: Configuration) -> None:
    """K-Means comes first, then the mixture, then DBSCAN; an algorithm that is not known comes last."""
    assert names_in_order(several) == ["four", "kmeans", "gmm", "dbscan", "a_tree"]


def test_titles_are_those_of_the_files(several: Configuration, unchanged: Project) -> None:
    """A model has the title of its file, or else one made from its name; only some have published a night."""
    with unchanged.warehouse.transaction(read_only=True) as transaction:
        models = read_models(transaction, several)
    assert [(model.title, model.latest is not None) for model in models] == [
        ("Four", False),
        ("K-Means", True),
        ("Gaussian mixture", True),
        ("DBSCAN", True),
        ("A tree", False),
    ]


@pytest.fixture
def retrained(warehouse: Warehouse, configuration: Configuration, tmp_path: Path) -> Warehouse:
    """Return a warehouse with two versions of a model, of which the second was compared with the first."""
    customers, registry = five_groups(), Registry(warehouse, tmp_path)
    champion = None
    for _ in range(2):
        built = build("kmeans", configuration, customers, champion=champion, sample_rule="all")
        version = registry.register(built.artifact, built.training, estimator=built.estimator)
        if champion is None:
            registry.promote(version, instead_of=None, reason="", checks=(), events=(), decided_by="test")
        champion = meet(registry, version, customers)
    return warehouse


def test_every_figure_of_the_page_is_written_by_training(retrained: Warehouse) -> None:
    """A retraining beside a champion leaves a value for all the titles of the page; outliers are not looked for."""
    with retrained.transaction(read_only=True) as transaction:
        second, first = read_versions(transaction, "kmeans", at_most=2)
    compared = figures(second.metrics)
    assert list(compared) == [
        "Clusters",
        "Silhouette",
        "Prediction strength",
        "Least stability",
        "Would move",
    ]
    assert set(compared) - set(figures(first.metrics)) == {"Would move"}
    assert figures(replace(second.metrics, noise_share=0.04))["Outliers"] == "4.0%"
    assert (action(first, first), action(second, first)) == (None, "promote")


def test_every_figure_of_the_api_has_a_name(retrained: Warehouse, configuration: Configuration) -> None:
    """The answer has the keys of the database, and each is a name of the figures but those of noise, which vary."""
    with retrained.transaction(read_only=True) as transaction:
        answer = reads.model_detail(transaction, configuration, "kmeans")
    documents = [version["metrics"] for version in [*answer["versions"], answer["champion"]]]
    for document in documents:
        metrics = Metrics.from_document(document)
        assert json.loads(json.dumps(metrics.to_document())) == document
        assert all("_over_" in name for name in metrics.others)
    assert len(documents) == 3


def test_template_that_asks_for_an_unknown_figure_fails(retrained: Warehouse, configuration: Configuration) -> None:
    """A name that no figure has is an error of the page, and no value that never appears."""
    with retrained.transaction(read_only=True) as transaction:
        overview = read_overview(transaction, configuration, model="kmeans", as_of=None)
    shown = {"overview": overview, "model": overview.model, "is_report": True, "id": "", "level": 2, "assets": assets()}
    templates = environment()

    def wrong(name: str) -> str:
        text = (TEMPLATES / name).read_text(encoding="utf-8")
        return text.replace("version.metrics.verdict", "version.metrics.sentence")

    sections = templates.get_template("sections.html").render(shown)
    assert all(str(training.version.metrics.verdict) in sections for training in overview.versions)
    mistaken = templates.overlay(loader=FunctionLoader(wrong))
    with pytest.raises(UndefinedError, match="has no attribute 'sentence'"):
        mistaken.get_template("sections.html").render(shown)
