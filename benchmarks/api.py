"""What `POST /cluster` costs beside a bare FastAPI endpoint that validates the same customers and echoes them.

Both apps run in this process, are called one after the other in turn without a network between, and answer the same
body. Run it where a champion is: `WAREHOUSE_URL`, `CLUSTERING_STORE` and `CLUSTERING_CONFIG` name it.

    python benchmarks/api.py [--customers 1000] [--requests 200]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from clustering.demo.generator import generate_customers
from clustering.warehouse import warehouse_url
from clustering.web import Access, create_app, open_backend

WARM_UP = 20


class Customer(BaseModel):
    """A customer of the default contract."""

    customer_id: int
    age: int
    gender: str | None = None
    annual_income: float
    spending_score: float


class Request(BaseModel):
    """The body of `POST /cluster`."""

    model_of_choice: str
    data: list[Customer]


async def everybody() -> None:
    """Let every caller through."""


def bare_app() -> FastAPI:
    """Return an app that validates a request and echoes it."""
    app = FastAPI()

    @app.post("/cluster")
    def echo(request: Request) -> Request:
        return request

    return app


def segmentation_app() -> FastAPI:
    """Return our app on the warehouse of the environment, open to everybody."""
    opened = open_backend(warehouse_url())
    return create_app(lambda: opened, Access(reads=everybody, customers=everybody))


async def measure(body: bytes, requests: int) -> dict[str, list[float]]:
    """Return the seconds of every request to each app, taken in turn."""
    seconds: dict[str, list[float]] = {"bare": [], "segmentation": []}
    apps = {"bare": bare_app(), "segmentation": segmentation_app()}
    clients = {
        name: httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") for name, app in apps.items()
    }
    for turn in range(WARM_UP + requests):
        for name, client in clients.items():
            started = time.perf_counter()
            answer = await client.post("/cluster", content=body, headers={"Content-Type": "application/json"})
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - started)
            answer.raise_for_status()
    for client in clients.values():
        await client.aclose()
    return seconds


def make_body(model: str, customers: int) -> bytes:
    """Return a request for so many customers, all of them valid."""
    rows: list[dict[str, Any]] = generate_customers(customers, seed=0, dirty_share=0).to_pylist()
    return json.dumps({"model_of_choice": model, "data": rows}).encode()


def main() -> None:
    """Print the medians and their ratio for every model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=200)
    arguments = parser.parse_args()
    for model in ("KMeans", "GMM", "DBSCAN"):
        seconds = asyncio.run(measure(make_body(model, arguments.customers), arguments.requests))
        bare, ours = (1000 * statistics.median(seconds[name]) for name in ("bare", "segmentation"))
        print(f"{model}: {ours:.2f} ms, bare {bare:.2f} ms, ratio {ours / bare:.2f}")


if __name__ == "__main__":
    main()
