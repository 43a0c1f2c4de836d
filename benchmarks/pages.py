"""What the Segments page and the report cost: a million customers, three models and eight nights, made by SQL.

    python benchmarks/pages.py [--rows 1000000] [--nights 8] [--shards 16] [--times 5]

Every route is asked so many times in this process, without a network, on the embedded server with PostgreSQL's own
settings; the median counts, the first answer apart. The exit code is 1 where a route, or the report, takes longer than
the documents say.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import httpx
import psycopg2

from clustering import Warehouse, load_configuration, migrate
from clustering.config import PROJECT
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.web import Access, create_app, open_backend
from clustering.web.report import render_report
from setting import running_server
from views import VERSIONS, champions, fill

MOST_SECONDS, MOST_FOR_A_STEP = 0.5, 0.1
MOST_FOR_THE_REPORT, MOST_BYTES = 10.0, 1_500_000
REJECTED = """
insert into segmentation.rejected_customers (run_id, customer_id, reason, column_name, value)
select run_id, place::text, (array['missing_value', 'out_of_range'])[1 + place % 2], 'age', '-1'
from segmentation.scoring_runs, generate_series(1, {rows} / 50) as place
where as_of = (select max(as_of) from segmentation.scoring_runs);
insert into segmentation.night_checks (run_id, check_name, subject, value, description)
select run_id, 'distribution', 'column ' || place, 0.01, 'as usual'
from segmentation.scoring_runs, generate_series(1, 40) as place;
analyze segmentation.rejected_customers;
"""


async def everybody() -> None:
    """Let every caller through."""


def routes(days: list[str]) -> dict[str, float]:
    """Return the addresses that the page asks for, each with the seconds that it may take."""
    first, before, last = days[0], days[-2], days[-1]
    far = {f"/page/movement?model=kmeans&former={first}&latter={last}": MOST_SECONDS} if first != before else {}
    return {
        "/page?model=kmeans": MOST_SECONDS,
        f"/page?model=gmm&as_of={first}": MOST_SECONDS,
        "/page/charts?model=kmeans": MOST_SECONDS,
        f"/page/customers?model=kmeans&as_of={last}": MOST_SECONDS,
        f"/page/movement?model=kmeans&former={before}&latter={last}": MOST_FOR_A_STEP,
        **far,
        "/docs": MOST_SECONDS,
        "/health": MOST_SECONDS,
        "/models": MOST_SECONDS,
        "/models/kmeans": MOST_SECONDS,
        "/models/kmeans/health": MOST_SECONDS,
        "/segments": MOST_SECONDS,
        "/segments/kmeans/1": MOST_SECONDS,
        "/openapi.json": MOST_SECONDS,
    }


async def measure(url: str, asked: Mapping[str, float], *, times: int) -> bool:
    """Print what each route takes; return whether all are quick enough."""
    opened = open_backend(url)
    app = create_app(lambda: opened, Access(reads=everybody, customers=everybody))
    quick = True
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
        for path, most in asked.items():
            seconds = []
            for _ in range(times + 1):
                started = time.perf_counter()
                answer = await client.get(path)
                seconds.append(time.perf_counter() - started)
                answer.raise_for_status()
                if '"reason"' in answer.text and "/page/" in path:
                    raise RuntimeError(f"{path} has nothing to show: {answer.text[:300]}")
            middle = statistics.median(seconds[1:])
            quick = quick and middle <= most
            told = f"{1000 * middle:7.1f} ms of {1000 * most:3.0f}  first {1000 * seconds[0]:7.1f} ms"
            told += f"  slowest {1000 * max(seconds[1:]):7.1f} ms"
            print(f"{told}  {len(answer.content):8,} bytes  {path}", flush=True)
    return quick


def measure_report(warehouse: Warehouse) -> bool:
    """Print what the report takes; return whether it is quick and small enough."""
    started = time.perf_counter()
    size = len(render_report(warehouse, load_configuration(PROJECT / "models")).encode())
    seconds = time.perf_counter() - started
    print(
        f"{seconds:7.1f} s of at most {MOST_FOR_THE_REPORT:.0f}, {size:,} bytes of at most {MOST_BYTES:,}  the report"
    )
    return seconds <= MOST_FOR_THE_REPORT and size <= MOST_BYTES


def main() -> int:
    """Fill a warehouse, ask the page, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("rows", 1_000_000), ("nights", 8), ("shards", 16), ("times", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    if options.nights < 2:
        parser.error("movement needs two nights: --nights 2")
    with (
        tempfile.TemporaryDirectory(prefix="clustering-pages-") as folder,
        running_server(Path(folder) / "server", {"max_connections": "100"}) as server,
    ):
        os.environ |= {"CLUSTERING_CONFIG": str(PROJECT / "models"), "CLUSTERING_STORE": folder}
        url = server.ensure_database("warehouse")
        warehouse, contract = Warehouse(url), load_configuration(PROJECT / "models").contract
        migrate(warehouse, contract)
        load_customers(warehouse, contract, generate_customers(options.rows, seed=0, dirty_share=0))
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(VERSIONS)
            fill(cursor, champions(cursor), rows=options.rows, nights=options.nights, shards=options.shards)
            cursor.execute(REJECTED.format(rows=options.rows))
            cursor.execute("select as_of::text from segmentation.published_runs where model = 'kmeans' order by 1")
            days = [day for (day,) in cursor.fetchall()]
        print(f"{options.rows:,} customers, 3 models, {options.shards} shards, {options.nights} nights")
        quick = asyncio.run(measure(url, routes(days), times=options.times))
        return 0 if measure_report(warehouse) and quick else 1


if __name__ == "__main__":
    sys.exit(main())
