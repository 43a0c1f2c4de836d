"""Take customers out of labels that are files: each file that has one is written anew, and listed in place of it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs

from clustering.config import Contract
from clustering.errors import ClusteringError, RunError
from clustering.lake.folders import Folder
from clustering.scoring.customer_labels import stored_keys
from clustering.scoring.filed_labels import KEY, LabelFile, find_labels, groups, parquet_writer, remove_files, written
from clustering.scoring.label_locations import FiledSet, read_filed
from clustering.warehouse import Transaction

log = logging.getLogger(__name__)


@dataclass
class Rewriting:
    """What was written anew within a transaction: the files of before go once it is committed, or else those of now."""

    former: list[tuple[Folder, str]] = field(default_factory=list)
    latter: list[tuple[Folder, str]] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)
    runs: set[int] = field(default_factory=set)
    is_complete: bool = False  # from then on the transaction may have been committed, whatever is heard of it

    def commit(self) -> None:
        """Remove the files of before; RunError where one cannot be removed now."""
        for folder, path in self.former:
            try:
                remove_files(folder, [path])
            except ClusteringError as error:
                raise RunError(
                    f"the customer is forgotten but for the file {path} below {folder.name}, which nobody reads any "
                    f"more, and which could not be removed: {error}; the next retention removes it"
                ) from error

    def abort(self) -> None:
        """Remove what was written in vain, as far as it can be now; retention removes the rest."""
        for folder, path in self.latter:
            with suppress(ClusteringError):
                remove_files(folder, [path])


@contextmanager
def rewriting_files() -> Iterator[Rewriting]:
    """Yield what notes the files that are written anew; at the end those go that are not needed any more."""
    rewriting = Rewriting()
    try:
        yield rewriting
    except BaseException:
        if not rewriting.is_complete:
            rewriting.abort()
        raise
    rewriting.commit()


def remove_from_files(transaction: Transaction, contract: Contract, keys: Sequence[str], rewriting: Rewriting) -> None:
    """Take customers out of the labels of all runs that are files, and note it in `rewriting`.

    A file that was removed by hand has nobody. Raises SourceError where files cannot be read or written, or all are
    out of reach.
    """
    wanted = stored_keys(contract, keys)
    for row in transaction.rows("label_files/with_files"):
        for filed in read_filed(transaction, row.run_id):
            filed.require_reachable()
            folder, files = filed.folder, {file.path: file for file in _there(filed)}
            found = find_labels(folder, list(files.values()), wanted)
            for path in found:
                _rewrite(transaction, filed, files[path], wanted, rewriting)
            if found:
                rewriting.runs.add(row.run_id)
                rewriting.removed[f"files with labels of {filed.name}"] = sum(map(len, found.values()))


def _there(filed: FiledSet) -> list[LabelFile]:
    folder = filed.folder
    with folder.reading():
        found = folder.location.system.get_file_info([folder.location.path(file.path) for file in filed.files])
    gone = [file.path for file, now in zip(filed.files, found, strict=True) if now.type != fs.FileType.File]
    if gone:
        log.warning("the labels of %s are not whole: %s below %s are gone", filed.name, ", ".join(gone), folder.name)
    return [file for file in filed.files if file.path not in gone]


def _rewrite(
    transaction: Transaction, filed: FiledSet, file: LabelFile, wanted: pa.Array, rewriting: Rewriting
) -> None:
    """Write a file without some customers under another name, and list that one."""
    folder, path = filed.folder, f"{file.path.partition('-')[0]}-{secrets.token_hex(4)}.parquet"
    rewriting.latter.append((folder, path))
    rows, writer = 0, None
    with folder.writing(), folder.location.system.open_output_stream(folder.location.path(path)) as stream:
        for table in groups(folder, file):
            mask = pc.is_in(table.column(KEY), value_set=wanted.cast(table.schema.field(KEY).type))
            kept = table.filter(pc.invert(mask)).combine_chunks()
            for batch in map(written, kept.to_batches()):
                writer = writer or parquet_writer(stream, batch.schema)
                writer.write_table(pa.Table.from_batches([batch]))
                rows += batch.num_rows
        if writer is not None:
            writer.close()
        size = stream.tell()
    of = {"label_set": filed.label_set.label_set}
    if rows:
        transaction.execute("label_files/replace", **of, former_path=file.path, path=path, rows=rows, bytes=size)
    else:
        transaction.execute("label_files/unlist", **of, path=file.path)
        rewriting.former.append((folder, path))
    rewriting.former.append((folder, file.path))
    if find_labels(folder, [LabelFile(file.model_version_id, path, rows, size)] if rows else [], wanted):
        raise RunError(f"{path} below {folder.name} still has the customer; nothing was changed, try again")
