"""Work for Spark that goes wrong in its workers, once a shard."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from clustering import Registry, Warehouse, load_configuration, score_shard
from clustering.config import CustomerSource
from clustering.scoring import spark_shards
from clustering.scoring.label_files import WrittenPart
from clustering.scoring.spark_work import PartWork, SparkWork
from tests.paths import CONFIGURATION


@dataclass(frozen=True)
class FaultyWork(SparkWork):
    """Does its work, and notes each attempt as a file below `marks`, whose content is the process."""

    marks: str = ""

    def score(self, work: PartWork) -> WrittenPart:
        """Score a part; what is written before it goes wrong has its record."""
        number = len(self.attempts(work.shard))
        Path(self.marks, f"{work.shard}.{number}.{os.getpid()}").touch()
        written = super().score(work)
        if number == 0:
            self.spoil(work)
        return written

    def attempts(self, shard: int) -> list[int]:
        """Return the processes that have begun a shard."""
        return [int(one.name.split(".")[2]) for one in sorted(Path(self.marks).glob(f"{shard}.*"))]

    def spoil(self, work: PartWork) -> None:
        """Go wrong."""


@dataclass(frozen=True)
class FailingWork(FaultyWork):
    """Fails after the first attempt of each third shard has written everything."""

    def spoil(self, work: PartWork) -> None:
        """Fail as a machine does that is full."""
        if work.shard % 3 == 0:
            raise OSError("no room is left")


@dataclass(frozen=True)
class SlowWork(FaultyWork):
    """Is slow with the first attempt of one shard, after it has written everything."""

    seconds: float = 0
    slow: int = 0

    def spoil(self, work: PartWork) -> None:
        """Take long to tell."""
        if work.shard == self.slow:
            time.sleep(self.seconds)


def score_slowly(
    warehouse: Warehouse,
    store: Path,
    *,
    run_id: int,
    remote: str,
    source: Mapping[str, Any],
    faults: Mapping[str, Any],
) -> None:
    """Submit a job of which one shard takes long; what a process does that will be killed."""
    os.environ["CLUSTERING_SPARK"] = remote
    vars(spark_shards)["SparkWork"] = partial(SlowWork, **faults)
    loaded = load_configuration(CONFIGURATION)
    contract = loaded.contract.model_copy(update={"table": None, "source": CustomerSource(**source)})
    configuration = loaded.model_copy(update={"contract": contract})
    score_shard(warehouse, configuration, Registry(warehouse, store), run_id=run_id, shard=0)
