"""Where a job of Spark's writes labels on their way, below `label_files`: one folder a run, which goes with the job.

What a killed task has left there belongs to nobody, and has customers in it.
"""

from __future__ import annotations

from pyarrow import fs

from clustering.config import Contract
from clustering.errors import ConfigurationError
from clustering.lake.folders import Folder, open_folder
from clustering.scoring.label_files import remove
from clustering.warehouse import Transaction, Warehouse

_BEGINNING = "run_"


def root_folder(contract: Contract) -> Folder:
    """Return the folder in which jobs have theirs; ConfigurationError where the contract names none."""
    if contract.origin.label_files is None:
        raise ConfigurationError("source.label_files in customers.yaml names no folder for labels on their way")
    return open_folder(contract.origin.label_files, key="label_files")


def job_folder(transaction: Transaction, root: Folder, run_id: int) -> Folder:
    """Return the folder of a run, which no other warehouse's run of this number has."""
    return root.below(_name(run_id, transaction.rows("scoring/job", run_id=run_id)[0].mark))


def sweep_jobs(warehouse: Warehouse, contract: Contract) -> None:
    """Remove what jobs have left of runs that are not going on; SourceError where it cannot be reached."""
    if contract.origin.label_files is None:
        return
    root = root_folder(contract)
    left = _runs(root)
    with warehouse.transaction(read_only=True) as transaction:
        ours = {run_id: transaction.row("scoring/job", run_id=run_id) for run_id in set(left.values())}
    for name, run_id in left.items():
        job = ours[run_id]
        if job is not None and not job.is_going_on and name == _name(run_id, job.mark):
            remove(root.below(name))


def _runs(root: Folder) -> dict[str, int]:
    """Return the names of the folders of jobs, with the numbers of their runs in some warehouse."""
    selector = fs.FileSelector(root.location.base, allow_not_found=True)
    with root.writing():
        names = [one.base_name for one in root.location.system.get_file_info(selector)]
    numbers = {name: name.removeprefix(_BEGINNING).partition("_")[0] for name in names if name.startswith(_BEGINNING)}
    return {name: int(number) for name, number in numbers.items() if number.isdecimal()}


def _name(run_id: int, mark: str) -> str:
    return f"{_BEGINNING}{run_id}_{mark}"
