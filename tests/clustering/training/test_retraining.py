"""What a retraining makes of a champion: segments stay themselves, whatever becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clustering.training.build import build
from clustering.training.comparison import meet
from clustering.training.promotion import gate
from clustering.training.retraining import draw_sample, train
from clustering.versions.own_names import name_segment
from tests.clustering.made import five_groups


@pytest.fixture
def declared(configuration):
    """Return a configuration whose K-Means has five segments, so that nothing is searched for."""
    spec = configuration.models["kmeans"].model_copy(update={"clusters": (5, 5), "n_init": 10})
    return configuration.model_copy(update={"models": {"kmeans": spec}})


@pytest.fixture
def registry(project):
    return project.registry


def _retrain(registry, configuration, customers, champion):
    built = build(
        "kmeans",
        configuration,
        customers,
        champion=meet(registry, champion, customers),
        taken=registry.segment_ids("kmeans"),
        sample_rule="all",
    )
    return built, registry.register(built.artifact, built.training, estimator=built.estimator)


def test_retrained_segments_are_the_champions(project, registry, declared):
    """Ids and names stay; what would move, and what it costs, is in the candidate's figures."""
    champion = registry.champions(["kmeans"])["kmeans"]
    built, version = _retrain(registry, declared, five_groups(), champion)
    assert version.segment_names == champion.segment_names
    assert built.training.metrics.comparison.movement < 0.02
    assert built.training.metrics.events == ()
    assert built.training.metrics.champion_version_id == champion.model_version_id
    assert version.metrics == built.training.metrics


def test_damaged_champion_does_not_stop_the_retraining_that_replaces_it(project, registry, declared):
    """Its segments live on in the clusters that get their names, and the gate says that nothing was compared."""
    champion = registry.champions(["kmeans"])["kmeans"]
    damaged = replace(champion, artifact="kmeans/gone")
    built, version = _retrain(registry, declared, five_groups(), damaged)
    assert version.segment_names == champion.segment_names
    assert built.training.metrics.comparison is None
    decided = gate(declared, registry, model_version_id=version.model_version_id, decided_by="test")
    assert decided["decision"] == "promoted"
    assert "cannot label these customers" in decided["reason"]


def test_changed_columns_are_compared_on_the_same_customers(project, registry, declared):
    """A model that now looks at the income alone: what would move is known, the price is not."""
    spec = declared.models["kmeans"].model_copy(update={"features": ("annual_income",), "clusters": (3, 3)})
    narrow = declared.model_copy(update={"models": {"kmeans": spec}})
    champion = registry.champions(["kmeans"])["kmeans"]
    built, version = _retrain(registry, narrow, five_groups(), champion)
    metrics = built.training.metrics
    assert metrics.comparison.movement > 0.1
    assert metrics.comparison.price_of_stability is None
    assert {event.event for event in metrics.events} == {"merge"}
    assert version.metrics == metrics
    assert len(version.segment_names) == 3


def test_analysts_words_survive_retraining_and_win_when_segments_are_published(project, declared):
    """What an analyst says of a segment is what BI reads, before and after a new version."""
    words = {"name": "Stars", "description": "Spend much.", "recommended_action": "Call them."}
    name_segment(project.warehouse, model="kmeans", segment_id=1, set_by="ann", **words)
    read = (
        "select segment_name, description, recommended_action from segmentation.current_segments"
        " where model = 'kmeans' and segment_id = 1"
    )
    project.night("2026-11-21", models=["kmeans"])
    assert project.sql(read) == [("Stars", "Spend much.", "Call them.")]
    drawn = draw_sample(project.warehouse, declared, models=["kmeans"], requested_by="test")
    version = train(project.warehouse, declared, project.registry, model="kmeans", sample=drawn["sample"])
    decided = gate(declared, project.registry, model_version_id=version["model_version_id"], decided_by="test")
    assert decided["decision"] == "promoted"
    project.night("2026-11-22", models=["kmeans"])
    assert project.sql(read) == [("Stars", "Spend much.", "Call them.")]
    assert project.sql("select sample_rule from segmentation.model_versions where version = 2") == [
        (
            "up to 200000 rows of public.customers with the smallest hashtextextended(customer_id::text, 0), "
            "the valid ones of them",
        )
    ]
