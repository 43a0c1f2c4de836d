"""Airflow's connection as people write it."""

from __future__ import annotations

import json
import logging

import pytest
from psycopg2.extensions import parse_dsn

from clustering.errors import ConfigurationError
from clustering.scoring.spark_servers import spark_server
from clustering.versions.object_store import ObjectStore
from tests.dags.nights import Night
from tests.object_stores import Bucket
from tests.odd_passwords import PASSWORDS, texts


@pytest.mark.parametrize("password", PASSWORDS)
def test_password_of_any_signs_reaches_the_tasks(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what Airflow itself cannot read, such as a raw `#` or `/`, is the password that was meant."""
    from segmentation_definitions import warehouse_url

    for text in texts(password, user="ann", host="db.example", database="shop"):
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{text}\n")
        read = parse_dsn(warehouse_url())
        assert (read["user"], read["password"], read["host"], read["dbname"]) == ("ann", password, "db.example", "shop")


def test_extras_of_the_provider_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A documented extra that only Airflow's hook needs is left out; options keep their spaces."""
    from segmentation_definitions import warehouse_url

    extra = {"cursor": "dictcursor", "iam": False, "options": "-c search_path=crm,public"}
    connection = {"conn_type": "postgres", "host": "db", "login": "ann", "schema": "shop", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))
    assert parse_dsn(warehouse_url())["options"] == extra["options"]
    monkeypatch.setenv(
        "AIRFLOW_CONN_WAREHOUSE", "postgres://ann@db/shop?options=-c+search_path%3Dcrm%2Cpublic&cursor=x"
    )
    assert parse_dsn(warehouse_url())["options"] == extra["options"]


@pytest.mark.parametrize(
    "connection",
    [
        "postgresql://ann:tulip#/spade @127.0.0.1:1/shop",
        "postgresql://ann:tulip%spade@127.0.0.1:1/shop?sslmod=require",
        "postgresql://ann:tulip/spade",
        '{"conn_type": "postgres", "password": "tulip spade", "host": "postgresql://ann:tulip@spade"}',
    ],
)
def test_task_that_cannot_connect_tells_no_part_of_the_password(
    night: Night,
    connection: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The logs of a night that has no warehouse name no word of the secret."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection)
    with caplog.at_level(logging.DEBUG, logger="clustering"):
        assert night.run("segment_customers").state == "failed"
    told = capfd.readouterr()
    text = told.out + told.err + caplog.text
    assert any(said in text for said in ("cannot be reached", "is not one of PostgreSQL", "libpq does not know"))
    assert [word for word in ("tulip", "spade") if word in text] == []


def test_model_store_is_opened_by_airflows_connection(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks write into the bucket of `CLUSTERING_STORE`; an empty variable leaves it to the machine's account."""
    from segmentation_definitions import open_session

    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgresql://ann@127.0.0.1:1/shop")
    with open_session() as session:
        session.registry.files.require_reachable()
        session.registry.files.require_writable("kmeans")
        assert session.registry.files.place == bucket.uri
    monkeypatch.setenv("AIRFLOW_CONN_MODEL_STORE", "")
    with open_session() as session:
        assert isinstance(session.registry.files, ObjectStore)
        assert session.registry.files.connect() is None


@pytest.mark.parametrize(
    "fields",
    [
        {"host": "spark.example", "port": 15002},
        {"host": "sc://spark.example", "login": "ann", "password": "a/b;c=d ü"},
        {"host": "spark.example", "port": 443, "password": "token", "extra": {"use_ssl": True}},
    ],
)
def test_spark_is_reached_as_the_provider_reaches_it(
    fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection of the type Spark Connect means the address that the hook of Airflow's provider makes of it."""
    from airflow.providers.apache.spark.hooks.spark_connect import SparkConnectHook

    from segmentation_definitions import connection_if_there

    monkeypatch.setenv("AIRFLOW_CONN_SPARK_CONNECT", json.dumps({"conn_type": "spark_connect", **fields}))
    assert spark_server(connection_if_there) == SparkConnectHook("spark_connect").get_connection_url()


def test_spark_of_the_environment_goes_before_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either is enough; a connection without a host, and none at all, are told."""
    from segmentation_definitions import connection_if_there

    monkeypatch.delenv("CLUSTERING_SPARK", raising=False)
    with pytest.raises(ConfigurationError, match="no Spark Connect server is named: set CLUSTERING_SPARK"):
        spark_server(connection_if_there)
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_CONNECT", '{"conn_type": "spark_connect", "password": "tulip"}')
    with pytest.raises(ConfigurationError, match="names no host") as told:
        spark_server(connection_if_there)
    assert "tulip" not in str(told.value)
    monkeypatch.setenv("CLUSTERING_SPARK", "sc://spark.example:15002/;token=rose")
    assert spark_server(connection_if_there) == "sc://spark.example:15002/;token=rose"
    monkeypatch.setenv("CLUSTERING_SPARK", "rose://spark.example")
    with pytest.raises(ConfigurationError, match="not of the form sc://host:15002") as told:
        spark_server(connection_if_there)
    assert "rose" not in str(told.value)
