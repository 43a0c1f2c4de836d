"""What happens at once in a storm, each by luck of its own that a seed decides, and what has to hold all the while."""

from __future__ import annotations

import random
import socket
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg2

from clustering import ClusteringError, abandon_run, drop_expired
from tests.clustering.scoring.histories import FAULTS, SUMS
from tests.faults.processes import Worker, preload
from tests.faults.server import at_work, held, hit, session
from tests.faults.storm_work import (
    MODELS,
    back,
    configured,
    forget,
    night,
    promote,
    publish,
    rename,
    retention,
    retire,
    withdraw,
)
from tests.projects import Project
from tests.web.examples import REQUEST, SECRET

preload("tests.faults.storm_work")

DAYS = 8
LOCKED = ("segments", "published_runs", "segment_history", "customer_labels", "scoring_runs", "model_versions")
PATHS = ("/segments", "/models", "/models/kmeans", "/health", "/schema", "/page")
DRIFT = "update customers set spending_score = 101 - spending_score where customer_id %% 13 = %s"
PRESENT = "select customer_id from customers where customer_id is not null and customer_id %% 17 = %s limit 1"
LONGEST_ANSWER = 30.0  # seconds, on a machine that is busy with all of it
# What readers are shown: one run a model, nobody twice, and nobody missing but those who were forgotten since.
SHOWN = """
    select shown.model, count(*), count(distinct shown.customer_id), count(distinct shown.run_id),
        count(distinct shown.as_of), min(run.rows_labelled)
    from segmentation.current_customer_segments as shown
    join segmentation.scoring_runs as run on run.run_id = shown.run_id
    group by shown.model
"""
# A query that joins the pointer with labels, which no view does: at PostgreSQL's default level its partitions are
# chosen while it is planned, and the pointer is read later, by as long as planning waits for a lock.
AT_ONE_MOMENT = "set transaction isolation level repeatable read; "
# Labels that hold now, against the history; retention takes none of them.
CURRENT_AS_OF = """
    with label as (
        select current.model, label.customer_id, label.segment_id
        from segmentation.current_models as current
        join segmentation.customer_labels as label
            on label.run_id = current.run_id and label.model_version_id = current.model_version_id
    ),
    period as (
        select current.model, history.customer_id, history.segment_id
        from segmentation.current_models as current
        join segmentation.segment_history as history
            on history.model = current.model and history.valid_from <= current.as_of
            and (history.valid_to is null or history.valid_to > current.as_of)
    )
    (table label except all table period) union all (table period except all table label)
"""
CHAMPIONS = (
    "select model from segmentation.model_versions where status = 'champion' group by model having count(*) <> 1"
)
ALWAYS = {"history": FAULTS, "movement": SUMS, "labels": CURRENT_AS_OF, "champions": CHAMPIONS}


@dataclass
class Storm:
    """A storm on a project whose API answers at an address; `faults` is what must not have happened."""

    project: Project
    address: str
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    forgotten: set[int] = field(default_factory=set)
    asked: int = 0  # how often somebody has begun to forget a customer
    over: threading.Event = field(default_factory=threading.Event)
    is_forgetting: bool = False

    def rage(self, seconds: float) -> None:
        """Let everything happen at once for a time, once processes can be begun."""
        self._work(random.Random(self.seed), retention, killed=0)  # noqa: S311
        actors = [self._nights, self._nights, self._other_work, self._forgetting, self._locks, self._blows]
        actors += [self._readers, self._readers, self._invariants, self._requests, self._half_requests]
        with ThreadPoolExecutor(len(actors)) as pool:
            running = [pool.submit(self._act, actor, place) for place, actor in enumerate(actors)]
            self.over.wait(seconds)
            self.over.set()
            for one in running:
                one.result()

    def settle(self) -> None:
        """End what has died, run one night in peace, and drop what is too old."""
        self._abandon_all()
        project = configured(self.project)
        run_id = project.plan(str(datetime.now(UTC).date()), shards=2)["run_id"]
        for shard in range(2):
            project.score(run_id, shard)
        publish(project, run_id)
        for _ in range(5):
            if not drop_expired(project.warehouse, project.configuration)["left"]:
                return
            time.sleep(1)
        self.fault("retention leaves labels though nobody reads")

    def fault(self, told: str) -> None:
        """Keep what must not have happened, and end the storm."""
        self.faults.append(told)
        self.over.set()

    def _act(self, actor: Callable[[random.Random], None], place: int) -> None:
        luck = random.Random(f"{self.seed} {place}")  # noqa: S311
        while not self.over.is_set():
            try:
                actor(luck)
            except Exception:
                self.fault(f"{actor.__name__}: {traceback.format_exc()}")

    def _work(self, luck: random.Random, work: Callable[..., None], *, killed: float, **arguments: Any) -> str:
        """Do a piece of work in a process of its own, which may be killed amid it; return how it ended."""
        worker = Worker(work, self.project, **arguments)
        told = "killed"
        try:
            if luck.random() < killed:
                self.over.wait(luck.uniform(0, 2.5))
            else:
                told = worker.result()
        finally:
            # Not by its method: after thousands of processes, the exit code of one may be lost.
            worker.process.kill()
            worker.process.join()
        if told.startswith("ClusteringError: unexpected"):
            self.fault(f"{work.__name__} {arguments}: {told}")
        ended = told.split(":")[0] or "done"
        self.done[f"{work.__name__} {ended}"] += 1
        return ended

    def _nights(self, luck: random.Random) -> None:
        models = [model for model in MODELS if model != luck.choice((None, None, None, *MODELS))]
        while self.is_forgetting and not self.over.is_set():
            time.sleep(0.05)
        self._work(luck, night, killed=0.3, as_of=self._day(luck), models=models, shards=luck.randint(1, 3))
        with suppress(psycopg2.Error):  # a blow
            self.project.sql(DRIFT, luck.randrange(13))

    def _day(self, luck: random.Random) -> str:
        """Return one of the last days, a late one rather than an early one."""
        return str(datetime.now(UTC).date() - timedelta(days=min(luck.randrange(DAYS), luck.randrange(DAYS))))

    def _other_work(self, luck: random.Random) -> None:
        chosen = luck.choices([retention, promote, back, retire, withdraw, rename], [5, 2, 2, 1, 2, 1])[0]
        options: dict[str, Any] = {"model": luck.choice(MODELS)}
        if chosen is promote:
            options["later"] = luck.random() < 0.5
        elif chosen is rename:
            options["name"] = luck.choice(("Ada", "Grace"))
        elif chosen is withdraw:
            options = {"as_of": self._day(luck)}
        elif chosen is retention:
            options = {}
        self._work(luck, chosen, killed=0.2, **options)
        self.over.wait(luck.uniform(0, 1))

    def _forgetting(self, luck: random.Random) -> None:
        """Forget a customer, delete them at the source, and forget them again: what nights brought back in between."""
        self.over.wait(luck.uniform(1, 4))
        self.is_forgetting = True
        for key in [key for (key,) in self.project.sql(PRESENT, luck.randrange(17))]:
            if self._forget(luck, key):
                with suppress(psycopg2.Error):
                    self.project.sql("delete from customers where customer_id = %s", key)
                    if self._forget(luck, key):
                        self.forgotten.add(key)
        self.is_forgetting = False

    def _forget(self, luck: random.Random, key: int) -> bool:
        """Forget a customer as soon as no run is going on, and end those that seem to be dead; return whether it is."""
        for attempt in range(12):
            self.asked += 1
            ended = self._work(luck, forget, killed=0.1, key=key)
            if ended in ("done", "DataError"):  # which says that no row has the key
                return True
            if attempt % 4 == 3:
                self._abandon_all()
            if self.over.wait(0.3):
                return False
        return False

    def _abandon_all(self) -> None:
        for (run_id,) in self.project.sql(
            "select run_id from segmentation.scoring_runs where status in ('running', 'held')"
        ):
            with suppress(ClusteringError):  # a blow
                abandon_run(self.project.warehouse, run_id=run_id, note="seems to be dead")

    def _locks(self, luck: random.Random) -> None:
        """Hold a lock that nobody passes, or read in a transaction that stays open."""
        statement = (
            f"set local lock_timeout = '2s'; lock table segmentation.{luck.choice(LOCKED)} in access exclusive mode"
        )
        if reads := luck.random() < 0.5:
            statement = "select count(*) from segmentation.customer_segments"
        with suppress(psycopg2.Error), held(self.project.warehouse.uri, statement):
            self.over.wait(luck.uniform(0, 3 if reads else 1))
        self.over.wait(luck.uniform(0, 1))

    def _blows(self, luck: random.Random) -> None:
        """End a session that writes, or its statement, as an administrator does."""
        self.over.wait(luck.uniform(0.5, 4))
        with session(self.project.warehouse.uri) as cursor:
            hit(cursor, at_work(cursor, "writer")[:1], luck.choice(["terminate", "cancel"]))

    def _readers(self, luck: random.Random) -> None:
        started = time.monotonic()
        for model, labels, customers, runs, dates, labelled in self.project.sql(SHOWN):
            if not (labels == customers and runs == dates == 1 and labelled - self.asked <= labels <= labelled):
                self.fault(f"a reader of {model} saw {labels} labels of {customers} customers from {runs} runs")
        if (took := time.monotonic() - started) > LONGEST_ANSWER:
            self.fault(f"a reader waited {took:.0f} s")
        self.done["read"] += 1
        self.over.wait(luck.uniform(0, 0.3))

    def _invariants(self, luck: random.Random) -> None:
        for what, question in ALWAYS.items():
            if wrong := self.project.sql(AT_ONE_MOMENT + question):
                self.fault(f"{what}: {len(wrong)} rows, {wrong[:5]}")
        self.done["checked"] += 1
        self.over.wait(luck.uniform(0, 1))

    def _requests(self, luck: random.Random) -> None:
        with self.client() as client:
            started = time.monotonic()
            path = luck.choice(("/cluster", *PATHS))
            answer = client.post(path, json=REQUEST) if path == "/cluster" else client.get(path)
            took = time.monotonic() - started
        self.done[f"answered {answer.status_code}"] += 1
        if answer.status_code not in (200, 503) or took > LONGEST_ANSWER:
            self.fault(f"{path} answered {answer.status_code} after {took:.1f} s: {answer.text[:500]}")

    def client(self) -> httpx.Client:
        """Return a client of the API."""
        headers = {"Authorization": f"Bearer {SECRET}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=2 * LONGEST_ANSWER, trust_env=False)

    def _half_requests(self, luck: random.Random) -> None:
        """Send half of a request, or read half of an answer, and go away."""
        host, _, port = self.address.removeprefix("http://").partition(":")
        request = luck.choice((b"POST /cluster HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n{", b"GET /page HT"))
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=5) as half:
            half.sendall(request)
            self.over.wait(luck.uniform(0, 1))
        self.done["half a request"] += 1
