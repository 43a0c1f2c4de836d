"""Where labels lie that stay Parquet files: listed by the attempt that won a shard, proven, and removed.

The warehouse lists the files that count, in the transaction that claims their shard. Whatever else lies in a folder is
of an attempt that came to nothing, and goes with retention.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pyarrow import fs

from clustering.config import Contract
from clustering.errors import RunError, SourceError
from clustering.lake.folders import Folder, open_folder
from clustering.scoring.filed_labels import LabelFile, require_rows, require_whole
from clustering.scoring.label_files import remove
from clustering.scoring.label_sets import LabelSet, read_label_sets
from clustering.scoring.manifest import ScoredShard
from clustering.versions.version import Version
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.roles import act_as_writer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FiledSet:
    """A label set whose labels are files."""

    label_set: LabelSet
    files: Sequence[LabelFile]

    @property
    def folder(self) -> Folder:
        """The folder of the files."""
        return open_folder(self.label_set.folder or "", key="label_files")

    @property
    def run_folder(self) -> Folder:
        """The folder of the run, in which each model has its own."""
        return open_folder((self.label_set.folder or "").rpartition("/")[0], key="label_files")

    @property
    def name(self) -> str:
        """Whose labels they are, where people are told of it."""
        one = self.label_set
        return f"{one.model} as of {one.as_of} (run {one.run_id})"

    def require_whole(self) -> None:
        """Raise RunError where a file is gone or another one."""
        require_whole(self.folder, self.files, of=self.name)

    @property
    def is_reachable(self) -> bool:
        """Whether the folder of the run is there, or others are beside it: then what is gone was removed.

        Where nothing is, the place may not be mounted, and all may be there again tomorrow.
        """
        run = self.run_folder.location
        with self.run_folder.reading():
            if run.system.get_file_info(run.base).type == fs.FileType.Directory:
                return True
            beside = fs.FileSelector(run.base.rpartition("/")[0], allow_not_found=True)
            return bool(run.system.get_file_info(beside))

    def require_reachable(self) -> None:
        """Raise SourceError where files are listed and nothing is there of them."""
        if self.files and not self.is_reachable:
            raise SourceError(
                f"the labels of {self.name} are out of reach: {self.run_folder.name} is not there, and nothing is "
                "beside it; mount it, or make an empty folder of this name where it was removed for good"
            )


def new_folders(contract: Contract, run_id: int, models: Collection[str]) -> dict[str, str | None]:
    """Return by model where a run's labels are to lie, a folder that no other run has; None for tables."""
    if contract.origin.labels == "tables":
        return dict.fromkeys(models)
    root = open_folder(contract.origin.label_files or "", key="label_files")
    # Another warehouse may have a run of this number there.
    run = root.below(f"labels_{run_id}_{secrets.token_hex(4)}")
    return {model: run.below(model).location.uri for model in models}


def folders_of(label_sets: Mapping[int, LabelSet]) -> dict[int, str]:
    """Return by version where labels lie that are files."""
    return {version: one.folder for version, one in label_sets.items() if one.folder is not None}


def list_files(
    transaction: Transaction, label_sets: Mapping[int, LabelSet], files: Sequence[LabelFile], *, shard: int
) -> None:
    """List what the attempt has written that wins a shard."""
    records = [
        {
            "label_set": label_sets[file.model_version_id].label_set,
            "path": file.path,
            "shard": shard,
            "rows": file.rows,
            "bytes": file.bytes,
        }
        for file in files
    ]
    transaction.insert("label_files/list", records)


def read_filed(transaction: Transaction, run_id: int, *, models: Collection[str] | None = None) -> list[FiledSet]:
    """Return the label sets of a run, or of some of its models, whose labels are files."""
    return [
        FiledSet(one, transaction.typed_rows(LabelFile, "label_files/listed", label_set=one.label_set))
        for one in read_label_sets(transaction, run_id).values()
        if one.folder is not None and (models is None or one.model in models)
    ]


def prove_files(warehouse: Warehouse, run_id: int) -> None:
    """Read the footers of a run's files; RunError where one is gone or has other rows than were counted."""
    with warehouse.transaction(read_only=True) as transaction:
        filed = read_filed(transaction, run_id)
    for one in filed:
        require_rows(one.folder, one.files, of=one.name)


def prove_listed(
    transaction: Transaction, run_id: int, versions: Sequence[Version], shards: Sequence[ScoredShard]
) -> list[Version]:
    """Return the versions whose labels are files; RunError where a shard has listed other rows than it counted."""
    folders = folders_of(read_label_sets(transaction, run_id))
    filed = [version for version in versions if version.model_version_id in folders]
    if not filed:
        return []
    rows = transaction.rows("label_files/shards_rows", run_id=run_id)
    listed = {(row.model_version_id, row.shard): row.rows for row in rows}
    for version in filed:
        for shard in shards:
            found = listed.get((version.model_version_id, shard.attempt.shard), 0)
            if found != shard.rows_labelled:
                raise RunError(
                    f"run {run_id} cannot be published: shard {shard.attempt.shard} has labelled {shard.rows_labelled} "
                    f"rows by {version.model}, and its files have {found}; start a new run"
                )
    return filed


def drop_listed(transaction: Transaction, run_id: int) -> None:
    """Let the files of a run that ends without publishing count no more; retention removes them."""
    transaction.execute("label_files/forget_run", run_id=run_id)


def drop_files(transaction: Transaction, run_id: int) -> None:
    """Remove the labels of a run that are files; SourceError where they cannot be reached."""
    filed = read_filed(transaction, run_id)
    for one in filed:
        one.require_reachable()
    for one in filed[:1]:
        remove(one.run_folder)
    transaction.execute("label_files/forget_run", run_id=run_id)


def sweep_files(warehouse: Warehouse) -> None:
    """Remove files that do not count: of runs that came to nothing, and of attempts that did.

    Nobody is forgotten meanwhile, whose labels are written anew in files that are not listed yet. Raises SourceError
    where files cannot be reached.
    """
    with warehouse.transaction(read_only=True) as transaction:
        runs = [row for row in transaction.rows("label_files/with_files") if not row.is_going_on]
    for run in runs:
        with warehouse.transaction() as transaction:
            act_as_writer(transaction)
            transaction.execute("source/hold_off_forgetting")
            filed = read_filed(transaction, run.run_id)
            if run.is_kept:
                _remove_unlisted(filed)
            elif filed[0].is_reachable:  # or else what it has left there would never be found again
                drop_files(transaction, run.run_id)
                transaction.execute("label_files/leave", run_id=run.run_id)


def _remove_unlisted(filed: Sequence[FiledSet]) -> None:
    """Remove from the folder of a run what its label sets do not list, such as files of models that left the run."""
    folder = filed[0].run_folder
    listed = {folder.location.path(one.label_set.model, file.path) for one in filed for file in one.files}
    with folder.writing():
        selector = fs.FileSelector(folder.location.base, allow_not_found=True, recursive=True)
        found = [file for file in folder.location.system.get_file_info(selector) if file.type == fs.FileType.File]
        others = [file.path for file in found if file.path not in listed]
        for path in others:
            folder.location.system.delete_file(path)
    if others:
        log.info("%s files of attempts that came to nothing removed from %s", len(others), folder.name)
