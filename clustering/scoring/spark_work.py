"""What a worker of Spark's does: score parts of files as a task of Airflow's would, and write what becomes of them.

It knows no database. The only thing that comes back of a part is where its files lie, and only from an attempt that
came to its end: Spark drops the rows of all others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version as release_of
from typing import TypeAlias

import pyarrow as pa

from clustering.config import Contract
from clustering.customers import as_keys
from clustering.errors import RunError
from clustering.lake.file_source import FilePart, files_of_parts
from clustering.lake.folders import open_folder
from clustering.scoring.batch_scoring import BatchScorer, ScoringVersion
from clustering.scoring.label_files import PartWriter, WrittenPart
from clustering.versions.artifacts import Artifact

SHARD = "id"  # what Spark calls the numbers of a range
WRITTEN = pa.schema([pa.field("shard", pa.int64()), pa.field("written", pa.string())])
Work: TypeAlias = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def release() -> str:
    """Return the release of this process."""
    return release_of("clustering")


@dataclass(frozen=True)
class PartWork:
    """A shard of a run: what to read, and which of its keys stand in several rows."""

    shard: int
    parts: Sequence[FilePart]
    repeated: Sequence[str]

    @property
    def name(self) -> str:
        """What its attempts are called: the shard, and a hash of what is read of which files as they were planned."""
        told = json.dumps([[part.to_document() for part in self.parts], list(self.repeated)])
        return f"{self.shard}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class SparkWork:
    """All that workers need; `folder` is where they write, `shards` are by their places in the job.

    `label_folders` are those of the versions whose labels stay files.
    """

    release: str
    contract: Contract
    as_of: date
    versions: Mapping[int, Artifact]
    shards: Sequence[PartWork]
    folder: str
    label_folders: Mapping[int, str]

    def function(self) -> Work:
        """Return what `mapInArrow` takes: places of shards in, where what became of them lies out."""

        def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for place in batch.column(SHARD).to_pylist():
                    done = self.score(self.shards[place])
                    yield pa.RecordBatch.from_pylist(
                        [{"shard": self.shards[place].shard, "written": done.to_text()}], schema=WRITTEN
                    )

        return work

    def score(self, work: PartWork) -> WrittenPart:
        """Label the customers of a shard into files; RunError where this worker has another release."""
        here = release()
        if here != self.release:
            raise RunError(f"a worker of Spark's has clustering {here}, and the run was planned by {self.release}")
        source = files_of_parts(self.contract, work.parts, as_of=self.as_of)
        repeated = as_keys(pa.array(work.repeated, pa.string()), self.contract) if work.repeated else None
        versions = [ScoringVersion.of(version, artifact) for version, artifact in self.versions.items()]
        scorer = BatchScorer(self.contract, versions, reading=source.reading, duplicated=repeated)
        folder = open_folder(self.folder, key="label_files")
        with PartWriter.of(folder, work.name, self.label_folders) as writer:
            for batch in source.batches():
                writer.append(scorer.score(batch))
            return writer.finish(scorer.summary())
