"""A reverse-ETL client of others follows the changes by their number, while it and the nights are killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sqlalchemy.engine import make_url

from clustering import Configuration, Registry, Warehouse, migrate
from clustering.config import PROJECT
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.appointing import appoint
from tests.faults.processes import Worker, publish
from tests.faults.server import FragileServer
from tests.projects import Project

CLIENT = os.environ.get("DRT") or shutil.which("drt")
MODELS = ("gmm", "kmeans")
CUSTOMERS = 4_000
FIRST = date(2026, 9, 1)
LONGEST = 1.0  # seconds from one blow to the next
MOVE = (
    "update customers set spending_score = 1 + (spending_score::int + %s) %% 99"
    " where hashtext(customer_id::text) %% 17 = %s and spending_score between 1 and 100"
)
LEAVE = "delete from customers where hashtext(customer_id::text) %% 400 = %s"
COLUMNS = ("change_id", "kind", "model", "customer_id", "to_segment_id", "cause")
FEED = """
    select change_id, kind, model, customer_id, to_segment_id, cause
    from segmentation.segment_changes
    order by change_id
"""
PROFILE = """
warehouse: {{type: postgres, host: "{host}", port: {port}, dbname: "{database}", user: "{user}"}}
"""
AUDIENCE = "{name: audience, version: '1', profile: warehouse}\n"
SYNC = PROJECT / "examples" / "drt.yml"


@dataclass
class Receiver:
    """What a mail tool has been sent, in the order in which it came."""

    port: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def kept(self) -> list[tuple[Any, ...]]:
        """Return each change once, by its number, where it came first."""
        first = {row["change_id"]: row for row in reversed(self.rows)}
        numbers = dict.fromkeys(row["change_id"] for row in self.rows)
        return [tuple(first[number][name] for name in COLUMNS) for number in numbers]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on this machine for changes."""
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.rows.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield received
        server.shutdown()
        thread.join()


@pytest.fixture
def project(server: FragileServer, configuration: Configuration, tmp_path: Path) -> Iterator[Project]:
    """Return a warehouse with two models, before its first night."""
    name = server.create()
    warehouse = Warehouse(server.url(name))
    migrate(warehouse, configuration.contract)
    made = Project(warehouse, configuration, Registry(warehouse, tmp_path / "store"))
    for model in MODELS:
        appoint(made, model)
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=2))
    yield made
    server.drop(name)


class Client:
    """The client, run again and again in a folder of its own, as by a scheduler."""

    def __init__(self, folder: Path, login: str, port: int) -> None:
        self.folder, self.home = folder / "audience", folder / "home"
        (self.folder / "syncs").mkdir(parents=True)
        (self.home / ".drt").mkdir(parents=True)
        url = make_url(login)
        place = {"host": url.query["host"], "port": url.port or 5432, "database": url.database, "user": url.username}
        (self.home / ".drt" / "profiles.yml").write_text(PROFILE.format(**place))
        (self.folder / "drt_project.yml").write_text(AUDIENCE)
        sync = yaml.safe_load(SYNC.read_text(encoding="utf-8"))
        sync["destination"]["url"] = f"http://127.0.0.1:{port}/changes"
        sync["sync"] |= {"batch_size": 5, "rate_limit": {"requests_per_second": 100_000}}  # many requests, soon
        (self.folder / "syncs" / "changes.yml").write_text(yaml.safe_dump(sync))
        self.outcomes: list[int] = []
        self._running: subprocess.Popen[bytes] | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._again)

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def run(self) -> int:
        """Follow the changes to the last one there is, and return how it ended."""
        with (self.folder / "log").open("ab") as log:
            environment = {**os.environ, "HOME": str(self.home)}
            command = [str(CLIENT), "run"]
            self._running = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
            return self._running.wait()

    def kill(self) -> None:
        """End what runs now by SIGKILL."""
        if self._running is not None:
            self._running.kill()

    def _again(self) -> None:
        while not self._is_over.is_set():
            self.outcomes.append(self.run())


@pytest.mark.slow
@pytest.mark.skipif(CLIENT is None, reason="drt is not on the path, and DRT names none: no client of others is tried")
@pytest.mark.parametrize(
    ("nights", "kills"), [(4, 6), pytest.param(30, 20, marks=[pytest.mark.soak, pytest.mark.timeout(3000)])]
)
def test_every_change_arrives_once_by_its_number_and_in_order(
    project: Project, create_login: Callable[..., str], tmp_path: Path, nights: int, kills: int
) -> None:
    """Two models are published side by side, SIGKILL ends publishing and the client at random: nothing is missed."""
    chance = np.random.default_rng(nights)
    login = create_login(project.warehouse, "in role segmentation_reader")
    struck = np.array_split([("client", *MODELS)[number % 3] for number in range(kills)], nights)
    with receiving() as received:
        with Client(tmp_path, login, received.port) as client:
            for number, victims in enumerate(struck):
                runs = _scored(project, FIRST + timedelta(days=number), number)
                _publish(project, runs, client, [str(one) for one in victims], chance)
        assert set(client.outcomes) <= {0, -signal.SIGKILL}, (tmp_path / "audience" / "log").read_text()[-3000:]
        assert client.run() == 0
    told = project.sql(FEED)
    assert received.kept() == told
    assert len([row for row in told if row[1] == "change"]) > 50 * (nights - 1)
    assert {row[2] for row in told} == set(MODELS)
    assert client.outcomes.count(-signal.SIGKILL) >= kills // 4


def _scored(project: Project, day: date, number: int) -> dict[str, int]:
    """Move customers, and return a run of the date for each model that waits to be published."""
    if number:
        project.sql(MOVE, 20 + number, number % 17)
        project.sql(LEAVE, number)
    runs = {}
    for model in MODELS:
        planned = project.plan(day.isoformat(), models=[model], shards=1)
        project.score(planned["run_id"])
        runs[model] = planned["run_id"]
    return runs


def _publish(project: Project, runs: dict[str, int], client: Client, victims: list[str], chance: Any) -> None:
    """Publish both runs side by side, kill the client and who publishes, and publish what has not come to its end."""
    workers = {model: Worker(publish, project, run_id=run) for model, run in runs.items()}
    for victim in victims:
        time.sleep(chance.uniform(0, LONGEST))
        if victim == "client":
            client.kill()
        else:
            workers[victim].kill()
    for model in set(runs) - set(victims):
        assert workers[model].result() == ""
        workers[model].kill()
    for model in set(runs) & set(victims):
        project.publish(runs[model])
