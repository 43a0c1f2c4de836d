"""A version that was refused: its clusters on today's customers, why it was refused, and what would use it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from clustering.config import declare
from clustering.errors import TrainingError
from tests.continuum import load_continuum
from tests.faults.server import held
from tests.lakes import from_files, write_lake
from tests.projects import Project, retrain
from tests.web.examples import Visit

ROWS = 300


@pytest.fixture(scope="module")
def refused_once(copy_for_module: Callable[[Project], Project], migrated_once: Project) -> Callable[[str], Project]:
    """Return a function that trains a model of customers without groups, which is refused; not to be changed."""
    return cache(lambda model: _refuse(copy_for_module(migrated_once), model))


@pytest.fixture
def refused(
    copy_project: Callable[[Project], Project], refused_once: Callable[[str], Project], untrained: Project
) -> Callable[..., Project]:
    """Return a function that trains a model of customers without groups, which is refused."""

    def train(model: str, **columns: Any) -> Project:
        return _refuse(untrained, model, **columns) if columns else copy_project(refused_once(model))

    return train


def _refuse(project: Project, model: str, **columns: Any) -> Project:
    load_continuum(project, ROWS, **columns)
    assert {one["decision"] for one in retrain(project, model)} == {"refused"}
    return project


def shown(client: TestClient, path: str, **asked: Any) -> str:
    """Return a page's text, without what HTML has to escape."""
    answer = client.get(path, params=asked)
    assert answer.status_code == 200
    return html.unescape(answer.text)


@pytest.mark.parametrize("model", ["gmm", "dbscan"])
def test_first_refused_version_is_shown_alone(refused: Any, visit: Visit, model: str) -> None:
    """No champion, no night: the Segments page leads to picture, profile, criteria, words and declaration."""
    project = refused(model)
    client = visit(project)
    assert f"compare?model={model}&latter=1" in shown(client, "/page", model=model)
    page = shown(client, "/compare", model=model, latter=1)
    assert "Why it was refused" in page
    assert "Who would move" not in page
    assert "there was nothing to compare it with: none of its segments has come into use" in page
    assert "as version 1 was compared" not in page
    assert not re.search(r"Segment \d+ \(.*\) is ", page)
    assert page.count('<use href="#shape-') == ROWS
    assert f"{ROWS} of today's customers, chosen by a hash of their keys" in page
    assert 'class="heat"' in page
    assert "Ahead of customers without groups" in page
    assert "In plain words, of the clusters that came nearest:" in page
    assert re.search(r"(not found again|puts apart|look as much like clusters)", page)
    [(tried,)] = project.sql("select count(*) from segmentation.model_selection")
    assert f"All that was tried: {tried} candidate" in page
    assert "Promote version 1" in page
    assert "Promote version 1" not in shown(visit(project, may_change=False), "/compare", model=model)


def test_what_is_declared_uses_the_clusters(refused: Any, visit: Visit) -> None:
    """The declaration of the page, put into the model's file, makes the same clusters, and they are promoted."""
    project = refused("dbscan")
    [(metrics, sizes)] = project.sql("select metrics, clusters from segmentation.model_versions")
    keys = re.findall(r"<pre>(.*?)</pre>", shown(visit(project), "/compare", model="dbscan"), re.DOTALL)
    assert keys[0].splitlines() == metrics["declaration"].split(", ")
    models = dict(project.configuration.models)
    models["dbscan"] = declare(models["dbscan"], metrics["declaration"])
    declared = Project(project.warehouse, project.configuration.model_copy(update={"models": models}), project.registry)
    assert [one["decision"] for one in retrain(declared, "dbscan")] == ["promoted"]
    [(structure, again)] = project.sql("select structure, clusters from segmentation.model_versions where version = 2")
    assert structure == "none"
    assert len(again) == len(sizes)
    text = shown(visit(declared), "/compare", model="dbscan")
    assert "What its training has found" in text
    assert "<pre>" not in text


def test_version_of_an_older_release_has_its_declaration_too(refused: Any, visit: Visit) -> None:
    """It follows from the settings; where the file names another algorithm by now, its own stands before."""
    project = refused("gmm")
    [(declaration,)] = project.sql("select metrics ->> 'declaration' from segmentation.model_versions")
    project.sql("update segmentation.model_versions set metrics = metrics - 'declaration'")
    [lines] = re.findall(r"<pre>(.*?)</pre>", shown(visit(project), "/compare", model="gmm"), re.DOTALL)
    assert lines.replace("\n", ", ") == declaration
    models = {**project.configuration.models, "gmm": project.configuration.models["kmeans"]}
    other = Project(project.warehouse, project.configuration.model_copy(update={"models": models}), project.registry)
    page = shown(visit(other), "/compare", model="gmm")
    assert f"<pre>algorithm: gmm\n{lines}</pre>" in page
    assert "Criteria of training" not in page


def test_training_that_failed_leaves_nothing_to_show(untrained: Project, visit: Visit) -> None:
    """Nothing could be fitted, so there is no version: the page says where the reason stands."""
    load_continuum(untrained, ROWS, annual_income=np.full(ROWS, 50_000.0), spending_score=np.full(ROWS, 50.0))
    with pytest.raises(TrainingError, match="nothing can be told from it"):
        retrain(untrained, "dbscan")
    client = visit(untrained)
    assert "the log of its task <code>train</code>" in shown(client, "/page", model="dbscan")
    assert client.get("/compare", params={"model": "dbscan"}).status_code == 404


def test_unusable_customers_are_no_matter_of_settings(refused: Any, visit: Visit) -> None:
    """The column that has to be mended is named, and nothing is proposed to declare."""
    income = np.random.default_rng(1).uniform(10_000, 90_000, ROWS)
    income[7] = 1e12
    page = shown(visit(refused("dbscan", annual_income=income)), "/compare", model="dbscan")
    assert "100 % of the variance of annual_income comes from 1 of 300" in page
    assert "No declaration of a setting helps" in page
    assert "<pre>" not in page


def test_without_files_or_store_sizes_and_reasons_are_left(
    refused: Any, visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    """Files that retention has removed, or a store that is away, take the picture alone."""
    project = refused("gmm")
    away = project.registry.store.with_name("away")
    project.registry.store.rename(away)
    page = shown(visit(project), "/compare", model="gmm")
    assert "There is no picture: the model store cannot be read at this moment" in page
    assert str(project.registry.store) not in page
    away.rename(project.registry.store)
    project.sql("update segmentation.model_versions set artifact_pruned_at = now()")
    page = shown(visit(project), "/compare", model="gmm")
    assert "There is no picture" in page
    for words in ("Why it was refused", "All that was tried", "Sizes and quality", "To use such clusters all the same"):
        assert words in page
    assert "<use " not in page
    assert "Promote version 1" not in page


def test_model_that_left_the_configuration_is_a_sentence(refused: Any, visit: Visit) -> None:
    """Its page is gone with its file."""
    project = refused("gmm")
    models = {name: spec for name, spec in project.configuration.models.items() if name != "gmm"}
    left = Project(project.warehouse, project.configuration.model_copy(update={"models": models}), project.registry)
    answer = visit(left).get("/compare", params={"model": "gmm"})
    assert (answer.status_code, "is not configured" in answer.text) == (404, True)


def test_source_that_is_gone_or_locked_is_a_sentence(refused: Any, visit: Visit) -> None:
    """What the warehouse keeps of the training is shown whatever has become of the customers."""
    project = refused("gmm")
    client = visit(project)
    with held(project.warehouse.uri, "lock table customers in access exclusive mode"):
        page = shown(client, "/compare", model="gmm")
    assert "There is no picture: the warehouse is busy" in page
    project.sql("alter table customers rename to others")
    page = shown(client, "/compare", model="gmm")
    assert "There is no picture: the table public.customers does not exist" in page
    assert "Why it was refused" in page


def test_champion_stays_beside_a_refused_version(appointed_project: Project, visit: Visit) -> None:
    """The Segments page says which version is in use, and leads to both side by side."""
    appointed_project.night("2026-11-22", models=["gmm"])
    load_continuum(appointed_project, ROWS)
    assert [one["decision"] for one in retrain(appointed_project, "gmm")] == ["refused"]
    client = visit(appointed_project)
    page = shown(client, "/page", model="gmm")
    assert "version 1 stays in use" in page
    assert page.count("compare?model=gmm&latter=2") == 2
    both = shown(client, "/compare", model="gmm", latter=2)
    assert "Who would move" in both
    assert "The limits of the gate hold all the same" in both
    assert "no version is in use" not in page


def test_customers_in_files_are_drawn_too(refused: Any, visit: Visit, tmp_path: Path) -> None:
    """Without a night the first customers of the files are those of a training, as of a table."""
    project = refused("gmm")
    rows = [
        row[:5] for row in project.sql("select customer_id, age, gender, annual_income, spending_score from customers")
    ]
    names = ("customer_id", "age", "gender", "annual_income", "spending_score")
    columns = {name: [float(row[at]) if at > 2 else row[at] for row in rows] for at, name in enumerate(names)}
    lake = from_files(project, write_lake(tmp_path / "lake", pa.table(columns)))
    of_files, of_table = (shown(visit(one), "/compare", model="gmm") for one in (lake, project))
    drawing = re.compile(r"<use href[^>]*>")
    assert drawing.findall(of_files) == drawing.findall(of_table)
    assert len(drawing.findall(of_files)) == ROWS


def test_few_customers_of_a_cluster_are_not_averaged(refused: Any, visit: Visit) -> None:
    """What would tell of too few is left out, as a night leaves it out."""
    project = refused("dbscan")
    project.sql("delete from customers where customer_id > 60")
    page = shown(visit(project), "/compare", model="dbscan")
    assert "60 of today's customers" in page
    assert "fewer than 5 customers" in page


def test_categories_are_told_by_the_most_frequent(mixed_shop: Project, visit: Visit) -> None:
    """Of a version whose distances are made of categories, five columns of features in all."""
    retrain(mixed_shop, "kmeans")
    page = shown(visit(mixed_shop), "/compare", model="kmeans", latter=1)
    assert "<b>Channel:</b> mostly mobile app, " in page
    assert "What its training has found" in page
    assert "1,000 of today's customers" in page
