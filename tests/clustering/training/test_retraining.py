"""What a retraining makes of a champion: segments stay themselves, whatever becomes of it."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from clustering.errors import ArtifactError, DataError, StoreError
from clustering.training.build import build
from clustering.training.comparison import meet
from clustering.training.preview import preview
from clustering.training.promotion import approve, gate
from clustering.training.retraining import draw_sample, drop_sample, read_sample, train
from clustering.versions.artifacts import write_artifact
from clustering.versions.own_names import name_segment
from clustering.versions.registry import Registry
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


def test_store_that_cannot_be_written_is_said_before_the_training(project, registry, declared, tmp_path, monkeypatch):
    """One line that names the store, a disk without room included, and not after hours; nothing is registered."""
    in_the_way = tmp_path / "in the way"
    in_the_way.touch()
    drawn = draw_sample(project.warehouse, declared, models=["kmeans"], requested_by="test")
    monkeypatch.setattr("clustering.training.retraining.build", lambda *_, **__: pytest.fail("it was trained"))
    with pytest.raises(StoreError, match=f"{in_the_way}: no version of kmeans can be written there"):
        train(
            project.warehouse,
            declared,
            Registry(project.warehouse, in_the_way),
            model="kmeans",
            sample=drawn["sample"],
        )
    champion = registry.champions(["kmeans"])["kmeans"]
    with pytest.raises(StoreError, match="no version of kmeans can be written there"):
        write_artifact(in_the_way, registry.load(champion), version=2, estimator=None)
    assert project.sql("select count(*) from segmentation.model_versions where model = 'kmeans'") == [(1,)]


def test_sample_is_dropped_by_its_name_alone(project, declared):
    """What a task is handed is a name and no pattern: the samples of other retrainings stay."""
    drawn = [draw_sample(project.warehouse, declared, models=["kmeans"], requested_by="test") for _ in range(2)]
    for sample in ("sample_.*", ".*", drawn[0]["sample"]):
        drop_sample(project.warehouse, sample=sample)
    assert project.staged() == [drawn[1]["sample"]]
    for sample in ("sample_.*", ".*", "(", "source_1", drawn[0]["sample"]):
        with pytest.raises(DataError, match=f"^the sample {re.escape(sample)} is gone"):
            read_sample(project.warehouse, declared.contract, sample=sample, rows=10)


def test_estimator_is_registered_by_its_hash(registry):
    """The version's hash is that of meta.json, which holds those of all other files, the pickled one included."""
    version = registry.champions(["kmeans"])["kmeans"]
    folder = registry.store / version.artifact
    meta = json.loads((folder / "meta.json").read_bytes())
    assert meta["estimator_sha256"] == sha256((folder / "model.joblib").read_bytes()).hexdigest()
    assert version.artifact_sha256 == sha256((folder / "meta.json").read_bytes()).hexdigest()


@pytest.mark.parametrize(("gone", "found"), [(True, "could not be read"), (False, "are not what was registered")])
def test_unreadable_champion_holds_the_candidate_for_a_person(project, registry, declared, gone, found):
    """It is no missing champion: whatever the figures say, only a person promotes, and is told what is unknown."""
    champion = registry.champions(["kmeans"])["kmeans"]
    unreadable = champion if gone else replace(champion, artifact_sha256="0" * 64)
    if gone:
        shutil.rmtree(registry.store / champion.artifact)
    built, version = _retrain(registry, declared, five_groups(), unreadable)
    assert built.training.metrics.comparison is None
    decided = gate(declared, registry, model_version_id=version.model_version_id, decided_by="test")
    assert decided["decision"] == "held"
    assert f"the files of version 1, the champion, {found}: nothing was compared" in decided["reason"]
    assert "by their names alone" in preview(registry, held=[version.model_version_id])
    assert registry.champions(["kmeans"])["kmeans"] == champion
    approve(declared, registry, model_version_id=version.model_version_id, approved=True, remark=None, decided_by="ann")
    assert registry.champions(["kmeans"])["kmeans"].version == 2


def test_champion_on_a_store_that_is_not_mounted_is_tried_again(project, declared, tmp_path):
    """Who may retry gets a passing error, and no version is made; who may not gets a candidate that is held."""
    away = Registry(project.warehouse, tmp_path / "away")
    drawn = draw_sample(project.warehouse, declared, models=["kmeans"], requested_by="test")
    asked = {"model": "kmeans", "sample": drawn["sample"]}
    with pytest.raises(StoreError, match="cannot be read"):
        train(project.warehouse, declared, away, **asked, may_retry=True)
    assert project.sql("select max(version) from segmentation.model_versions where model = 'kmeans'") == [(1,)]
    version = train(project.warehouse, declared, away, **asked)
    decided = gate(declared, away, model_version_id=version["model_version_id"], decided_by="test")
    assert decided["decision"] == "held"


def test_pruned_champion_does_not_stop_the_retraining_that_replaces_it(project, registry, declared):
    """Its segments live on in the clusters that get their names, and the gate says that nothing was compared."""
    champion = registry.champions(["kmeans"])["kmeans"]
    pruned = replace(champion, artifact_pruned_at=datetime.now(UTC))
    built, version = _retrain(registry, declared, five_groups(), pruned)
    assert version.segment_names == champion.segment_names
    assert built.training.metrics.comparison is None
    decided = gate(declared, registry, model_version_id=version.model_version_id, decided_by="test")
    assert decided["decision"] == "promoted"
    assert "cannot label these customers" in decided["reason"]


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_gate_promotes_nothing_that_nights_cannot_read(project, registry, declared, tmp_path, damage):
    """The candidate is read, hash and all, before it takes the champion's place; otherwise it stays a candidate."""
    champion = registry.champions(["kmeans"])["kmeans"]
    _, version = _retrain(registry, declared, five_groups(), champion)
    files = registry.store / version.artifact
    if damage == "gone":
        files.rename(tmp_path / "away")
    else:
        (files / "parameters.npz").write_bytes(b"")
    with pytest.raises(StoreError if damage == "gone" else ArtifactError):
        gate(declared, registry, model_version_id=version.model_version_id, decided_by="test")
    assert registry.champions(["kmeans"])["kmeans"] == champion
    assert registry.version(version.model_version_id).status == "candidate"


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
        ("up to 200000 rows of public.customers with the smallest md5 of customer_id as text, the valid ones of them",)
    ]
