"""The gate's limits, decisions by hand, rollback, and what a promotion tells of the segments."""

from __future__ import annotations

import json
import re
import shutil
import threading
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from clustering.config import Gate
from clustering.errors import ArtifactError, ConfigurationError, NoChampionError, RunError
from clustering.segments.events import Event
from clustering.training import pruning
from clustering.training.preview import preview
from clustering.training.promotion import approve, change_champion, gate, judge, promote, roll_back
from clustering.training.pruning import prune
from clustering.versions.decisions import repeats_refusal
from clustering.versions.own_names import name_segment, reset_segment_name
from clustering.versions.registry import Registry
from tests.clustering.made import register

LIMITS = Gate()
MOVE = {"from_segment": 1, "to_segment": 2, "customers": 2, "share": 0.2, "from_name": "High", "to_name": "Low"}
GOOD = {
    "smallest_share": 0.1,
    "min_jaccard": 0.9,
    "silhouette": 0.5,
    "champion_silhouette": 0.5,
    "movement": 0.001,
    "moves": [MOVE],
    "price_of_stability": 1.0,
}


@pytest.fixture
def registry(warehouse, tmp_path):
    return Registry(warehouse, tmp_path / "store")


@pytest.fixture
def champion(registry, configuration):
    version = register(registry, configuration, min_jaccard=0.9)
    registry.promote(version, instead_of=None, reason="first", checks=(), events=[], decided_by="test")
    return registry.version(version.model_version_id)


def _rows(registry, statement):
    with closing(psycopg2.connect(registry.warehouse.uri)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _against(champion, registry, configuration, **changes):
    figures: dict[str, Any] = GOOD | {"champion_version_id": champion.model_version_id} | changes
    options = {name: figures.pop(name) for name in ("names", "structure") if name in figures}
    return register(registry, configuration, **options, **figures)


def _promote(registry, version, instead_of, events=()):
    registry.promote(version, instead_of=instead_of, reason="", checks=(), events=events, decided_by="test")
    return registry.version(version.model_version_id)


@pytest.mark.parametrize(
    ("figures", "passed", "said"),
    [
        ({}, True, "0.1% of customers would move, most from High to Low (limit 10%)"),
        ({"champion_silhouette": 0.519}, True, "silhouette 0.5000 against 0.5190 of version 1"),
        ({"champion_silhouette": 0.521}, False, "silhouette 0.5000 against 0.5210 of version 1"),
        ({"smallest_share": 0.009}, False, "the smallest segment holds 0.9% of the customers (limit 1.0%)"),
        ({"min_jaccard": 0.59}, False, "smallest stability of a segment 0.59 (limit 0.60)"),
        ({"min_jaccard": None}, True, "the stability of the segments is unknown"),
        ({"min_jaccard": 0.3, "structure": "none"}, True, "smallest stability of a segment 0.30"),
        ({"movement": 0.12}, False, "12.0% of customers would move, most from High to Low (limit 10%), and neither"),
        ({"movement": 0.12, "champion_silhouette": 0.47}, True, "which is worth it: the silhouette gains 0.030"),
        ({"movement": 0.12, "price_of_stability": 1.06}, True, "keeping the champion costs 1.060 times a refit"),
        ({"movement": 0.12, "price_of_stability": None}, False, "12.0% of customers would move"),
        ({"refusal": "no cluster structure"}, False, "no cluster structure"),
    ],
)
def test_limits(registry, configuration, champion, figures, passed, said):
    """Each limit by itself refuses, with the figure; beyond that of movement a gain may be worth it."""
    verdict = judge(_against(champion, registry, configuration, **figures), champion, LIMITS)
    assert verdict.passed is passed
    assert said in verdict.reason


@pytest.mark.parametrize("name", ["smallest_share", "silhouette"])
def test_candidate_without_a_figure_that_the_gate_needs_is_not_judged(registry, configuration, champion, name):
    """A row that another hand has written is not taken for a good one."""
    candidate = _against(champion, registry, configuration, **{name: None})
    with pytest.raises(RunError, match=f"kmeans version 2 has no {name} among its metrics.*retrain the model"):
        judge(candidate, champion, LIMITS)


def test_no_more_stability_is_asked_than_the_champion_has(registry, configuration):
    """A declared number of segments may be shaky; that it still is refuses nobody."""
    first = _promote(registry, register(registry, configuration, min_jaccard=0.4), None)
    assert judge(_against(first, registry, configuration, min_jaccard=0.38), first, LIMITS).passed
    assert not judge(_against(first, registry, configuration, min_jaccard=0.3), first, LIMITS).passed


def test_first_version_is_promoted_and_a_refused_structure_is_not(registry, configuration):
    """Without a champion the gate asks only whether the structure may be used."""
    refused = register(registry, configuration, refusal="no cluster structure was found")
    first = register(registry, configuration)
    decided = [
        gate(configuration, registry, model_version_id=v.model_version_id, decided_by="t") for v in (refused, first)
    ]
    assert [(one["decision"], one["reason"]) for one in decided] == [
        ("refused", "no cluster structure was found"),
        ("promoted", "the first version of the model"),
    ]


def test_same_cause_of_a_refusal_is_told_from_another(registry, configuration):
    """Other figures are no other cause; another sentence, other limits, or a promotion between are."""

    def repeats(version):
        gate(configuration, registry, model_version_id=version.model_version_id, decided_by="test")
        return repeats_refusal(registry.warehouse, model_version_id=version.model_version_id)

    refusals = ("no structure, 3 at the most (0.41)", "no structure, 12 at the most (1,000.5)", "too few customers")
    refused = [register(registry, configuration, refusal=one) for one in (*refusals, refusals[0])]
    assert [repeats(one) for one in refused] == [False, True, False, False]
    champion = _promote(registry, register(registry, configuration), None)
    shares = [_against(champion, registry, configuration, smallest_share=share) for share in (0.001, 0.002)]
    moved = _against(champion, registry, configuration, smallest_share=0.001, movement=0.9)
    assert [repeats(one) for one in (*shares, moved)] == [False, True, False]


def test_decision_keeps_every_figure(registry, configuration, champion):
    """The row of the decision holds the candidate's figures and each check with its limit."""
    candidate = _against(champion, registry, configuration)
    decided = gate(configuration, registry, model_version_id=candidate.model_version_id, decided_by="test")
    assert decided["decision"] == "promoted"
    [(metrics,)] = _rows(registry, "select metrics from segmentation.promotions where previous_version_id is not null")
    [(registered,)] = _rows(registry, "select metrics from segmentation.model_versions where version = 2")
    checks = metrics.pop("checks")
    assert metrics == registered
    assert metrics["movement"] == 0.001
    assert {check["name"]: check["passed"] for check in checks} == {
        "smallest_share": True,
        "min_jaccard": True,
        "silhouette": True,
        "movement": True,
    }
    with pytest.raises(RunError, match="decided on before"):
        gate(configuration, registry, model_version_id=candidate.model_version_id, decided_by="somebody else")


def test_candidate_that_was_compared_with_another_champion_is_not_judged(registry, configuration, champion):
    """Figures against a former champion say nothing about the present one."""
    late = _against(champion, registry, configuration)
    _promote(registry, _against(champion, registry, configuration), champion)
    with pytest.raises(RunError, match="was not compared with the present champion, version 3"):
        gate(configuration, registry, model_version_id=late.model_version_id, decided_by="test")


def test_columns_that_are_gone_leave_nothing_to_compare(registry, configuration, champion):
    """A champion that cannot score any more gives way, and the decision says so."""
    figures = {"champion_version_id": champion.model_version_id, "smallest_share": 0.1}
    candidate = register(registry, configuration, **figures)
    verdict = judge(candidate, champion, LIMITS)
    assert verdict.passed
    assert verdict.reason.startswith("version 1 cannot label these customers, so nothing could be compared")


@pytest.mark.parametrize(
    ("approved", "decision", "status"), [(True, "promoted", "champion"), (False, "refused", "refused")]
)
def test_a_held_candidate_waits_for_a_person(registry, configuration, champion, approved, decision, status):
    """Held is undecided; the person's word decides and is kept with the gate's figures."""
    candidate = _against(champion, registry, configuration)
    identity = candidate.model_version_id
    held = gate(configuration, registry, model_version_id=identity, decided_by="gate", hold=True)
    assert held["decision"] == "held"
    assert registry.version(identity).status == "candidate"
    text = preview(registry, held=[identity], address=lambda model, version: f"https://here/{model}/{version}")
    assert "[Side by side on the Segments page](https://here/kmeans/2)" in text
    assert "| kmeans | 2 | version 1 | 0.1% | 0.5000 (champion 0.5000) | 0.900 | 1.000 |" in text
    assert "| training customers | version 2, new | version 1, champion |" in text
    for name in registry.version(identity).segment_names.values():
        assert re.search(rf"^\| {name} \| [\d,]+ \([\d.]+%\) \| [\d,]+ \([\d.]+%\) \|$", text, re.MULTILINE)
    assert re.search(r"^\| \*silhouette\* \| 0\.500 \| ", text, re.MULTILINE)
    assert "**kmeans version 2: 0.1% of customers would move, most from High to Low**" in text
    said = approve(
        configuration, registry, model_version_id=identity, approved=approved, remark="why not", decided_by="ann"
    )
    assert said["decision"] == decision
    assert ": why not; the smallest segment" in said["reason"]
    assert registry.version(identity).status == status


@pytest.mark.parametrize("first", [True, False])
def test_candidate_of_doubtful_customers_is_held_whatever_its_figures(registry, configuration, request, first):
    """A person decides where a night of the same customers is held; the doubt is told, and kept with the decision."""
    doubt = "run 7 as of 2026-11-22 is held, so what this version was trained on may be wrong"
    if first:
        candidate = register(registry, configuration, doubt=doubt)
    else:
        candidate = _against(request.getfixturevalue("champion"), registry, configuration, doubt=doubt)
    identity = candidate.model_version_id
    held = gate(configuration, registry, model_version_id=identity, decided_by="gate")
    assert (held["decision"], held["reason"].startswith(f"{doubt}; ")) == ("held", True)
    assert f"- {doubt[:1].upper()}{doubt[1:]}." in preview(registry, held=[identity])
    said = approve(configuration, registry, model_version_id=identity, approved=True, remark=None, decided_by="ann")
    assert said["decision"] == "promoted"
    assert doubt in said["reason"]


def test_of_many_promotions_at_once_one_wins(registry, configuration, champion):
    """Eight gates promote eight candidates at the same moment: one is champion, seven are told to retrain."""
    candidates = [_against(champion, registry, configuration) for _ in range(8)]
    start, outcomes = threading.Barrier(8), []

    def decide(candidate):
        own = Registry(type(registry.warehouse)(registry.warehouse.uri), registry.store)
        start.wait()
        try:
            gate(configuration, own, model_version_id=candidate.model_version_id, decided_by="test")
            outcomes.append("won")
        except RunError as error:
            assert "retrain the model" in str(error)  # noqa: PT017
            outcomes.append("lost")

    threads = [threading.Thread(target=decide, args=[candidate]) for candidate in candidates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    statuses = _rows(registry, "select status, count(*) from segmentation.model_versions group by 1 order by 1")
    assert statuses == [("candidate", 7), ("champion", 1), ("retired", 1)]


def test_retried_gate_returns_its_own_decision(registry, configuration, champion):
    """A gate that was killed after it had decided finds its decision; anybody else is told that it was decided."""
    candidate = _against(champion, registry, configuration)
    first = gate(configuration, registry, model_version_id=candidate.model_version_id, decided_by="this run")
    again = gate(configuration, registry, model_version_id=candidate.model_version_id, decided_by="this run")
    assert again == first
    assert _rows(registry, "select count(*) from segmentation.promotions where decided_by = 'this run'") == [(1,)]
    with pytest.raises(RunError, match="decided on before"):
        gate(configuration, registry, model_version_id=candidate.model_version_id, decided_by="another run")


@pytest.mark.parametrize("approved", [True, False])
@pytest.mark.parametrize("promoted", [True, False])
def test_answer_to_what_was_decided_meanwhile_changes_nothing(registry, configuration, champion, approved, promoted):
    """Whoever decided first has; the same answer again, as of a task that is tried again, finds its own decision."""
    identity = _against(champion, registry, configuration).model_version_id
    asked = {"model_version_id": identity, "remark": None}
    first = approve(configuration, registry, approved=promoted, decided_by="Ada (Segments page)", **asked)
    status = "champion" if promoted else "refused"
    with pytest.raises(RunError, match=f"kmeans version 2 is {status}: it was decided on before; nothing was changed"):
        approve(configuration, registry, approved=approved, decided_by="Ann (retrain_models)", **asked)
    again = approve(configuration, registry, approved=promoted, decided_by="Ada (Segments page)", **asked)
    assert again == first
    assert registry.version(identity).status == status
    assert _rows(registry, "select count(*) from segmentation.promotions where decided_by like 'A%'") == [(1,)]


def test_approved_and_rejected_at_once_is_decided_once(registry, configuration, champion):
    """A candidate that one person approved is not refused by another; the champion stays champion."""
    candidate = _against(champion, registry, configuration)
    _promote(registry, candidate, champion)
    with pytest.raises(RunError, match="version 2 is champion: it was decided on before"):
        registry.refuse(candidate, instead_of=champion, reason="", checks=(), decided_by="test")
    assert registry.champions(["kmeans"])["kmeans"].version == 2


def test_rollback_goes_back_one_champion_at_a_time(registry, configuration, champion):
    """By default to the champion before, again to the one before that; a version can be named too."""
    second = _promote(registry, _against(champion, registry, configuration), champion)
    _promote(registry, _against(second, registry, configuration), second)
    assert roll_back(registry, model="kmeans", decided_by="ann")["version"] == 2
    assert roll_back(registry, model="kmeans", decided_by="ann")["version"] == 1
    with pytest.raises(RunError, match="version 1 is the first champion"):
        roll_back(registry, model="kmeans", decided_by="ann")
    assert roll_back(registry, model="kmeans", to_version=3, decided_by="ann")["version"] == 3
    assert change_champion(registry, order="KMeans 2", decided_by="ann")["decision"] == "rolled_back"
    assert change_champion(registry, order=" kmeans ", decided_by="ann")["version"] == 1
    rows = _rows(
        registry,
        "select decision, model_version_id, previous_version_id, decided_by from segmentation.promotions"
        " where decision = 'rolled_back' order by promotion_id",
    )
    assert rows[:2] == [("rolled_back", 2, 3, "ann"), ("rolled_back", 1, 2, "ann")]


def test_rollback_to_what_never_was_champion_is_refused(registry, configuration, champion):
    """There is no way back to a candidate, to nothing, or to a version that does not exist."""
    _against(champion, registry, configuration)
    with pytest.raises(RunError, match="version 2 is candidate, not a former champion"):
        roll_back(registry, model="kmeans", to_version=2, decided_by="ann")
    with pytest.raises(NoChampionError, match="gmm has no champion"):
        roll_back(registry, model="gmm", decided_by="ann")
    with pytest.raises(ArtifactError, match="kmeans has no version 9"):
        roll_back(registry, model="kmeans", to_version=9, decided_by="ann")
    with pytest.raises(ConfigurationError, match="is not an order"):
        change_champion(registry, order="kmeans three", decided_by="ann")


def test_rollback_to_a_damaged_artifact_changes_nothing(registry, configuration, champion):
    """The artifact is read before the champion changes."""
    second = _promote(registry, _against(champion, registry, configuration), champion)
    (registry.store / champion.artifact / "parameters.npz").write_bytes(b"changed")
    with pytest.raises(ArtifactError, match="SHA-256"):
        roll_back(registry, model="kmeans", decided_by="ann")
    assert registry.champions(["kmeans"])["kmeans"] == second


def test_a_person_overrules_the_gate(registry, configuration, champion):
    """A refused version can be promoted by hand while the champion is the one that it was compared with."""
    refused = _against(champion, registry, configuration, smallest_share=0.001)
    other = _against(champion, registry, configuration, smallest_share=0.001)
    for version in (refused, other):
        gate(configuration, registry, model_version_id=version.model_version_id, decided_by="gate")
    assert promote(registry, model="kmeans", version=2, decided_by="ann")["decision"] == "promoted"
    with pytest.raises(RunError, match="is the champion already"):
        promote(registry, model="kmeans", version=2, decided_by="ann")
    with pytest.raises(RunError, match="was not compared with the present champion, version 2"):
        promote(registry, model="kmeans", version=3, decided_by="ann")


def test_events_are_written_when_a_candidate_becomes_champion(registry, configuration, champion):
    """A refused candidate leaves none; a rollback tells what is there again and what is not."""
    events = [{"event": "birth", "segment_id": 6, "related_segment_ids": [1], "jaccard": 0.2, "description": "New."}]
    grown = {1: "Segment 0", 2: "Other", 6: "New"}
    refused = _against(champion, registry, configuration, events=events, names=grown, smallest_share=0.0)
    gate(configuration, registry, model_version_id=refused.model_version_id, decided_by="test")
    assert _rows(registry, "select * from segmentation.segment_events") == []
    second = _against(champion, registry, configuration, events=events, names=grown)
    gate(configuration, registry, model_version_id=second.model_version_id, decided_by="test")
    read = "select event, segment_id, related_segment_ids from segmentation.segment_events order by event_id"
    assert _rows(registry, read) == [("birth", 6, [1])]
    roll_back(registry, model="kmeans", decided_by="ann")
    assert _rows(registry, read)[1:] == [("birth", 3, []), ("death", 6, []), ("rename", 2, [])]


def test_a_dead_number_is_never_used_again(registry, configuration, champion):
    """A candidate that gives a new segment the number of a dead one cannot be promoted, not even by hand."""
    second = _promote(registry, _against(champion, registry, configuration, names={1: "A", 2: "B"}), champion)
    reusing = _against(second, registry, configuration, names={1: "A", 2: "B", 3: "C"})
    with pytest.raises(RunError, match=r"gives new segments the numbers \[3\]"):
        promote(registry, model="kmeans", version=reusing.version, decided_by="ann")
    assert registry.segment_ids("kmeans") == {1, 2, 3}


def test_analysts_words_are_kept(registry, configuration, champion):
    """A name is unique, leaves an event, hides later renames, and can be taken back."""
    name_segment(registry.warehouse, model="kmeans", segment_id=2, name="Sleepers", set_by="ann")
    name_segment(registry.warehouse, model="kmeans", segment_id=2, description="They doze.", set_by="bob")
    assert _rows(registry, "select segment_name, description, set_by from segmentation.segment_names") == [
        ("Sleepers", "They doze.", "bob")
    ]
    renames = [Event("rename", segment, (), None, "Renamed.") for segment in (1, 2)]
    _promote(registry, _against(champion, registry, configuration), champion, renames)
    assert _rows(registry, "select event, segment_id, description from segmentation.segment_events") == [
        ("rename", 2, "Segment 2, so far Segment 1, is now called Sleepers, by ann."),
        ("rename", 1, "Renamed."),
    ]
    with pytest.raises(ConfigurationError, match="segment 2 of kmeans is called 'Sleepers' already"):
        name_segment(registry.warehouse, model="kmeans", segment_id=1, name="Sleepers", set_by="ann")
    with pytest.raises(ConfigurationError, match=r"a segment's name has at most 200 characters, 'xxx.* has 6000"):
        name_segment(registry.warehouse, model="kmeans", segment_id=1, name="x" * 6_000, set_by="ann")
    with pytest.raises(ConfigurationError, match="has no segment 9; it has 1 Segment 0, 2 Sleepers, 3 Segment 2"):
        name_segment(registry.warehouse, model="kmeans", segment_id=9, name="Nobody", set_by="ann")
    with pytest.raises(ConfigurationError, match="give a name"):
        name_segment(registry.warehouse, model="kmeans", segment_id=1, set_by="ann")
    reset_segment_name(registry.warehouse, model="kmeans", segment_id=2, reset_by="Ada")
    with pytest.raises(ConfigurationError, match="of an analyst's"):
        reset_segment_name(registry.warehouse, model="kmeans", segment_id=2, reset_by="Ada")


def test_pruning_keeps_what_is_needed(registry, configuration):
    """The newest, the champion, the one to roll back to and those with labels keep artifacts; every row stays."""
    champions = [_promote(registry, register(registry, configuration), None)]
    for _ in range(3):
        champions.append(_promote(registry, _against(champions[-1], registry, configuration), champions[-1]))
    roll_back(registry, model="kmeans", to_version=3, decided_by="ann")
    for _ in range(3):
        _against(champions[2], registry, configuration)
    _rows_of_a_run(registry, champions[0])
    few = _keeping(configuration, 2)
    assert prune(few, registry) == {"kmeans": [4, 5]}
    assert prune(few, registry) == {}
    kept = sorted(int(path.name.split("-")[0]) for path in (registry.store / "kmeans").iterdir())
    assert kept == [1, 2, 3, 6, 7]
    assert len(_rows(registry, "select from segmentation.model_versions")) == 7
    with pytest.raises(ArtifactError, match="artifact of kmeans version 4 was pruned on"):
        roll_back(registry, model="kmeans", to_version=4, decided_by="ann")


def test_interrupted_pruning_is_finished_by_the_next(registry, configuration, champion):
    """A directory that an interrupted call left goes, although its row says that it is gone."""
    for _ in range(3):
        _against(champion, registry, configuration)
    left = registry.version(2)
    with registry.warehouse.transaction() as transaction:
        transaction.execute("registry/mark_pruned", model_version_id=left.model_version_id)
    assert prune(_keeping(configuration, 2), registry) == {}
    assert not (registry.store / left.artifact).exists()


def test_what_killed_trainings_left_is_swept_after_a_day(registry, configuration, champion, monkeypatch):
    """A draft, half a version and a whole one never registered go; what another warehouse keeps stays."""
    folder = registry.store / "kmeans"
    whole = folder / "7-0123456789ab"
    shutil.copytree(registry.store / champion.artifact, whole)
    foreign = folder / "8-0123456789ab"
    shutil.copytree(whole, foreign)
    record = json.loads((foreign / "meta.json").read_text()) | {"warehouse": "another"}
    (foreign / "meta.json").write_text(json.dumps(record))
    for name in (".draft-abc", "9-0123456789ab"):
        (folder / name).mkdir()
        (folder / name / "parameters.npz").touch()
    before = sorted(folder.iterdir())
    assert prune(configuration, registry) == {}
    assert sorted(folder.iterdir()) == before
    monkeypatch.setattr(pruning, "SETTLED", -pruning.SETTLED)
    assert prune(configuration, registry) == {}
    assert sorted(folder.iterdir()) == sorted([registry.store / champion.artifact, foreign])


@pytest.mark.parametrize(
    "name",
    ["../precious", "kmeans", ".", "", "{outside}", "kmeans/../../precious", "gmm/1-{digest}", "kmeans/{linked}"],
)
def test_nothing_but_the_versions_own_directory_is_ever_removed_or_read(
    registry, configuration, champion, tmp_path, name
):
    """Whatever the warehouse says where an artifact lies, pruning leaves all else alone and goes on with the others."""
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / "meta.json").write_text("{}")
    other = register(registry, configuration, "gmm")
    for _ in range(4):
        _against(champion, registry, configuration)
    linked = "2-0123456789ab"
    (registry.store / "kmeans" / linked).symlink_to(outside)
    written = name.format(outside=outside, digest=other.artifact[-12:], linked=linked)
    _execute(registry, "update segmentation.model_versions set artifact = %s where model_version_id = 3", written)
    with pytest.raises(ArtifactError, match=r"outside of the model store|SHA-256"):
        registry.load(registry.version(3))
    before = sorted(path.name for path in (registry.store / "kmeans").iterdir())
    third = registry.version(4).artifact
    assert prune(_keeping(configuration, 2), registry) == {"kmeans": [2, 3]}
    assert (outside / "meta.json").exists()
    assert registry.load(other)
    assert {*before} - {path.name for path in (registry.store / "kmeans").iterdir()} == {third.split("/")[1]}


def _execute(registry, statement, *values):
    with closing(psycopg2.connect(registry.warehouse.uri)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def _keeping(configuration, versions):
    models = {name: spec.model_copy(update={"keep_versions": versions}) for name, spec in configuration.models.items()}
    return configuration.model_copy(update={"models": models})


def _rows_of_a_run(registry, version):
    with closing(psycopg2.connect(registry.warehouse.uri)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into segmentation.scoring_runs (as_of, status, dry_run, requested_by, source, rows_read,"
            " rows_labelled, rows_rejected, contract_sha256)"
            " values ('2026-01-31', 'published', false, '', '', 0, 0, 0, repeat('0', 64)) returning run_id"
        )
        [run_id] = cursor.fetchone()
        cursor.execute(
            "insert into segmentation.run_models values (%s, %s, %s)", (run_id, version.model, version.model_version_id)
        )
