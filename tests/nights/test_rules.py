"""What the nights publish besides labels: rules, stability and structure, and reasons for every customer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clustering import explain_customer
from clustering.scoring.publication import segment_rows
from clustering.segments.profiles import ClusterProfile
from clustering.segments.stability_bands import stability_band
from clustering.versions.artifacts import ClusterSegment
from tests.projects import Project

SEGMENTS = """
select model, segment_id, rule, rule_sql, rule_coverage, rule_precision, rule_fidelity, structure
from segmentation.current_segments
"""
STABILITY = """
select model, segment_id, stability, stability_band, (version.metrics ->> 'min_jaccard')::double precision
from segmentation.current_segments as segment
join segmentation.model_versions as version using (model_version_id, model)
"""
SELECTED = """
select count(*), count(*) filter (where segment_id = %s)
from segmentation.current_customer_segments as current
join public.customers using (customer_id)
where current.model = %s and ({rule})
"""


def test_published_rules(project: Project) -> None:
    """Every segment has a rule that selects its customers out of the source, about as well as it says."""
    project.night()
    rows = project.sql(SEGMENTS)
    assert {model for model, *_ in rows} == {"dbscan", "gmm", "kmeans"}
    for model, segment_id, words, rule, coverage, precision, fidelity, structure in rows:
        assert 0.7 < fidelity <= 1
        assert structure in ("structured", "none")
        if segment_id == 0:
            assert (words, rule, coverage, precision) == ("far from every group", None, None, None)
            continue
        assert words.startswith("approximately: ") == (min(coverage, precision, fidelity) < 0.9)
        ((selected, hits),) = project.sql(SELECTED.format(rule=rule), segment_id, model)
        ((customers,),) = project.sql(
            "select customers from segmentation.current_segments where model = %s and segment_id = %s",
            model,
            segment_id,
        )
        assert hits / customers == pytest.approx(coverage, abs=0.02)
        assert hits / selected == pytest.approx(precision, abs=0.02)


def test_reasons_of_a_night(project: Project) -> None:
    """Every labelled customer has reasons, by every model."""
    project.night()
    customers = project.sql(
        "select distinct customer_id from segmentation.current_customer_segments where customer_id % 100 = 0"
    )
    assert len(customers) > 20
    told = [explain_customer(project.configuration, project.registry, customer_id=key) for (key,) in customers]
    for label in (label for one in told for label in one.labels):
        explanation = label.explanation
        assert label.model in ("dbscan", "gmm", "kmeans")
        assert explanation.runner_up_name != label.segment_name
        assert sum(part.feature is not None for part in explanation.pulls) == 2
        assert " rather than " in explanation.sentence
    assert {label.model for one in told for label in one.labels} == {"dbscan", "gmm", "kmeans"}


def test_published_stability(project: Project) -> None:
    """Every segment but the outliers says how stable it is; the least stable is the version's figure."""
    project.night()
    least: dict[str, float] = {}
    smallest: dict[str, float] = {}
    for model, segment_id, stability, band, figure in project.sql(STABILITY):
        assert (stability is None) == (band is None) == (segment_id == 0)
        if segment_id:
            assert stability_band(stability) == band
            least[model] = min(least.get(model, 1.0), stability)
            smallest[model] = figure
    assert set(least) == {"dbscan", "gmm", "kmeans"}
    assert least == smallest


def test_stability_of_a_segment() -> None:
    """Of the clusters of one segment the least stable counts; what was not measured stays unknown."""
    first = ClusterSegment(0, 1, "A", "", "", 10, stability=0.9)
    clusters = [
        first,
        replace(first, cluster_label=1, stability=0.7),
        replace(first, cluster_label=2, segment_id=2, stability=None),
    ]
    profiles = {label: ClusterProfile(5, {}) for label in range(3)}
    rows = segment_rows(clusters, profiles)
    assert [(row["stability"], row["stability_band"]) for row in rows] == [(0.7, "pattern"), (None, None)]
