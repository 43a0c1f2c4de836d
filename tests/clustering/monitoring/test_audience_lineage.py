"""What catalogues of data are told of an audience that is sent: the tables it is read from, and whence its columns."""

from __future__ import annotations

import pytest

from clustering import audience_dataset, describe_audience
from clustering.config import CustomerSource
from clustering.monitoring.lineage import Dataset, Lineage
from clustering.storage.named_connections import NamedConnection
from tests.audiences import sending
from tests.projects import Project

FOLDER = NamedConnection("fs", extra_dejson={"path": "/mnt/drop"})
KEYS = {"aws_access_key_id": "ann", "region_name": "eu-west-1"}
STORE = NamedConnection("aws", password="sesame", extra_dejson={**KEYS, "uri": "s3://bucket/mail"})  # noqa: S106
DATABASE = NamedConnection("postgres", host="crm", login="ann", password="sesame", schema="sales")  # noqa: S106
OTHER = NamedConnection("sqlite", host="/mnt/crm.db")


def told(project: Project) -> Lineage:
    """Return what is told of the audience `shown`."""
    written = ("file", "/mnt/shown")
    return describe_audience(project.warehouse, project.configuration, audience="shown", written=written)


def made_of(dataset: Dataset) -> dict[str, tuple[str | None, list[str]]]:
    """Return of each column the table and the columns that it comes from."""
    return {one.name: (one.table and one.table.partition(".")[2], list(one.origins)) for one in dataset.columns}


def test_labels_names_source_and_suppression_list_are_read(project: Project) -> None:
    """Each column is followed to the one that it is, with its type and comment."""
    project.sql("create table public.unwanted (customer_id bigint)")
    columns = ["customer_id", "segment_name", "confidence", "annual_income"]
    listed = {"suppressed": {"table": "public.unwanted", "column": "customer_id"}}
    found = told(sending(project, columns=columns, consent=listed, rows="changes"))
    names = [one.name.partition(".")[2] for one in found.inputs]
    labels, segments = "segmentation.customer_labels", "segmentation.label_names"
    assert names == ["public.customers", "public.unwanted", labels, segments]
    (sent,) = found.published
    assert (sent.namespace, sent.name, sent.kind) == ("file", "/mnt/shown", "FILE")
    assert made_of(sent) == {
        "change": (None, []),
        "customer_id": (labels, ["customer_id"]),
        "segment_name": (segments, ["segment_name"]),
        "confidence": (labels, ["confidence"]),
        "annual_income": ("public.customers", ["annual_income"]),
    }
    types = {one.name: one.data_type for one in sent.columns}
    assert (types["confidence"], types["annual_income"]) == ("real", "double precision")
    assert {one.name: one for one in sent.columns}["segment_name"].description


def test_labels_alone_read_no_source_and_a_query_tells_no_columns(project: Project) -> None:
    """Of a query, the tables are read, and nobody says which column of theirs is sent."""
    alone = told(sending(project, columns=["customer_id", "model", "as_of"], path=None, table="crm.shown"))
    assert [one.name.partition(".")[2] for one in alone.inputs] == ["segmentation.customer_labels"]
    (sent,) = alone.published
    assert sent.kind == "TABLE"
    assert [one.name for one in sent.columns] == ["audience", "customer_id", "model", "as_of"]
    asked = project.with_contract(table=None, source=CustomerSource(query="select * from customers"))
    queried = told(sending(asked, columns=["customer_id", "annual_income"]))
    assert [one.name.partition(".")[2] for one in queried.inputs] == [
        "public.customers",
        "segmentation.customer_labels",
    ]
    assert made_of(queried.published[0])["annual_income"] == (None, [])


def test_columns_of_several_models_are_those_of_labels(project: Project) -> None:
    """They are called after the model where they are sent."""
    columns = ["customer_id", "kmeans.segment_id", "gmm.segment_name"]
    several = sending(project, model=None, models={"kmeans": None, "gmm": None}, columns=columns)
    assert made_of(told(several).published[0]) == {
        "customer_id": ("segmentation.customer_labels", ["customer_id"]),
        "kmeans_segment_id": ("segmentation.customer_labels", ["segment_id"]),
        "gmm_segment_name": ("segmentation.label_names", ["segment_name"]),
    }


@pytest.mark.parametrize(
    ("connection", "settings", "expected"),
    [
        (FOLDER, {}, ("file", "/mnt/drop/shown/{as_of}.csv")),
        (STORE, {}, ("s3://bucket", "mail/shown/{as_of}.csv")),
        (DATABASE, {"path": None, "table": "crm.shown"}, ("postgres://crm:5432", "sales.crm.shown")),
        (DATABASE, {"path": None, "table": "shown"}, ("postgres://crm:5432", "sales.public.shown")),
        (OTHER, {"path": None, "table": "shown"}, ("sqlite", "/mnt/crm.db.shown")),
    ],
)
def test_place_is_named_as_catalogues_name_it(
    project: Project, connection: NamedConnection, settings: dict[str, str | None], expected: tuple[str, str]
) -> None:
    """Once for all dates, and without a login."""
    sent = sending(project, **settings)
    assert audience_dataset(sent.configuration, "shown", connections=lambda _: connection) == expected
