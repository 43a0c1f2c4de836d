"""What became of a run, in one line."""

from __future__ import annotations

from typing import Any

from clustering.customers import filled_in
from clustering.errors import RunError
from clustering.scoring.filled_values import read_filled
from clustering.warehouse import Transaction, Warehouse


def summarise_run(warehouse: Warehouse, *, run_id: int) -> dict[str, Any]:
    """Return what became of a run: `as_of`, its `status`, the `models` that hold by it, and `line`, which says it.

    The line has the rows that were labelled and rejected, the values that were filled in, and by model how many
    customers have another segment than on the published date before, joined and left; or why nothing was published.
    Raises RunError when there is no such run.
    """
    with warehouse.transaction(read_only=True) as transaction:
        run = transaction.row("checks/summary", run_id=run_id)
        if run is None:
            raise RunError(f"there is no run {run_id} in this warehouse")
        published = run.status == "published"
        moved = _moved(transaction, run_id) if published else ""
        filled = read_filled(transaction, run_id)
    models = list(run.models) if published else []
    read, labelled, rejected = run.rows_read or 0, run.rows_labelled or 0, run.rows_rejected or 0
    counted = f"{labelled:,} of {read:,} customers labelled, {rejected:,} rejected{filled_in(filled)}"
    if published:
        line = f"{', '.join(models)} published: {counted}; {moved}"
    elif run.status == "dry_run":
        line = f"dry run, nothing published: {counted}"
    else:
        line = f"{run.status}, nothing published" + (f": {run.note}" if run.note else "")
    return {"run_id": run_id, "as_of": str(run.as_of), "status": run.status, "models": models, "line": line}


def _moved(transaction: Transaction, run_id: int) -> str:
    rows = transaction.rows("checks/moved", run_id=run_id)
    told = [
        f"{row.model} {row.moved:,} moved, {row.joined:,} joined, {row.gone:,} left since {row.previous_as_of}"
        for row in rows
    ]
    return "; ".join(told) or "no published date before it to compare with"
