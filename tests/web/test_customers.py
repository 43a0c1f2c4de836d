"""One customer by key: labels, and why."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fastapi.testclient import TestClient

from clustering import Registry, Warehouse, migrate
from clustering.config import Configuration
from clustering.scoring.explained_customers import explain_customer
from clustering.web import Access, create_app
from tests.clustering.scoring.labelled import CUSTOMERS, publish, with_columns
from tests.projects import Project
from tests.web.examples import SECRET, backend_of

KEYS = (
    "a/b",
    "/",
    "//a",
    "a//",
    "c'%s\"?#&=+",
    " A ",
    "A",
    "a\n",
    "a",
    "\n",
    "ü\u2028",
    "%2F",
    "..",
    "a/../b",
    "{key}",
    "-1",
)


def test_customer_is_told_with_every_label_and_why(api: TestClient, unchanged: Project) -> None:
    """The labels are those that were published, the reasons those of the terminal."""
    published = unchanged.labels()
    key = published[0][2]
    answer = api.get(f"/customers/{key}")
    assert answer.status_code == 200
    assert [
        (one["model"], one["cluster_label"], one["segment_id"], one["segment_name"]) for one in answer.json()["labels"]
    ] == [(model, label, segment, name) for _, model, customer, label, segment, name, _ in published if customer == key]
    told = explain_customer(unchanged.configuration, unchanged.registry, customer_id=key)
    labels = [{name: value for name, value in one.items() if name != "since"} for one in answer.json()["labels"]]
    assert labels == json.loads(json.dumps(told.to_document()))["labels"]
    assert [one["model"] for one in answer.json()["history"]] == [one["model"] for one in labels]
    assert all(one["explanation"]["pulls"] for one in answer.json()["labels"])


@pytest.mark.parametrize("key", ["987654321", "one", "1/2", "%00", "1e3", "9" * 5000])
def test_unknown_customer_is_not_found(api: TestClient, key: str) -> None:
    """What nobody's key is, or no key at all, is said in a sentence."""
    answer = api.get(f"/customers/{key}")
    assert answer.status_code == 404
    assert "no customer with the key" in answer.json()["detail"] or "is no key of a customer" in answer.json()["detail"]


def test_parameter_is_refused(api: TestClient) -> None:
    """As by every other route."""
    assert api.get("/customers/1?model=kmeans").status_code == 422


def test_key_may_hold_any_characters(
    empty_warehouse: Warehouse,
    configuration: Configuration,
    tmp_path: Path,
    access: Access,
) -> None:
    """Slashes, quotes, spaces and line ends are the key's own, and keys that differ in them are different customers."""
    changed = with_columns(configuration, customer_id={"type": "text"})
    migrate(empty_warehouse, changed.contract)
    registry = Registry(empty_warehouse, tmp_path / "store")
    publish(registry, changed, [*KEYS, *map(str, range(len(KEYS), CUSTOMERS))], key_type="text")
    backend = backend_of(Project(empty_warehouse, changed, registry))
    app = create_app(lambda: backend, access)

    async def ask(*keys: str) -> list[httpx.Response]:
        # The other client decodes an address twice, which no server does.
        transport, headers = httpx.ASGITransport(app), {"Authorization": f"Bearer {SECRET}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as http:
            return [await http.get(f"/customers/{quote(key, safe='').replace('.', '%2E')}") for key in keys]

    answers = asyncio.run(ask(*KEYS))
    assert [(one.status_code, one.json().get("customer_id")) for one in answers] == [(200, key) for key in KEYS]
    assert [one.status_code for one in asyncio.run(ask("a\n\n", "A ", "b"))] == [404] * 3
