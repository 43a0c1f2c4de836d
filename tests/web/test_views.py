"""What the page knows of the configured models."""

from __future__ import annotations

from pathlib import Path

import pytest

from clustering import Configuration
from clustering.config import KMeansSpec
from clustering.training.build import build
from clustering.training.comparison import meet
from clustering.versions.registry import Registry
from clustering.warehouse import Warehouse
from clustering.web.views import METRICS, names_in_order, read_models
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


def test_every_figure_of_the_page_is_written_by_training(
    warehouse: Warehouse, configuration: Configuration, tmp_path: Path
) -> None:
    """A retraining beside a champion leaves all the figures that the page has a title for."""
    customers = five_groups()
    first = build("kmeans", configuration, customers, champion=None, sample_rule="all")
    registry = Registry(warehouse, tmp_path)
    version = registry.register(first.artifact, first.training, estimator=first.estimator)
    champion = meet(registry, version, customers)
    second = build("kmeans", configuration, customers, champion=champion, sample_rule="all")
    assert set(METRICS) <= set(second.training.metrics.to_document())
