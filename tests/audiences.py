"""Audiences that are sent into folders, and who is noted as sent, whether labels tell it or lists."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

from clustering.config import Audience, Exports
from clustering.exports.exporting import export_audience
from clustering.privacy.rekeying import rekey
from clustering.storage.named_connections import NamedConnection
from tests.projects import Project

DATES = ("2026-11-20", "2026-11-21")
WAIVED = {"waived": "the shop's own mail"}
NOTED = """
select told.audience, told.destination, told.customer_id
from (
    select listed.audience, listed.destination, one.customer_id
    from segmentation.export_recipients as listed cross join unnest(listed.customer_ids) as one (customer_id)
    where not listed.is_left_out
    union
    select attempt.audience, attempt.destination, label.customer_id
    from segmentation.exports as attempt join segmentation.customer_labels as label using (label_set)
    where label.confidence >= attempt.min_confidence
        and (attempt.segments is null or label.segment_id = any(attempt.segments))
        and not exists (
            select
            from segmentation.export_recipients as listed
            where listed.export_id = attempt.export_id and listed.is_left_out
                and label.customer_id = any(listed.customer_ids)
        )
) as told
"""


def sending(project: Project, **settings: Any) -> Project:
    """Return the project with one audience, `shown`."""
    declared = {
        "model": "kmeans",
        "columns": ["customer_id", "segment_name", "confidence"],
        "destination": "drop",
        "path": "shown/{as_of}.csv",
        "consent": WAIVED,
    }
    exports = Exports(destinations=("drop",), audiences={"shown": Audience(**(declared | settings))})
    return replace(project, configuration=project.configuration.model_copy(update={"exports": exports}))


def send(project: Project, folder: Path, **options: Any) -> dict[str, Any]:
    """Send the audience into a folder."""
    given = NamedConnection("fs", extra_dejson={"path": str(folder)})
    return export_audience(
        project.warehouse,
        project.configuration,
        audience="shown",
        connections=lambda _: given,
        requested_by="Ada",
        **options,
    )


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def noted(project: Project, *customers: int) -> int:
    """Return how many customers are noted as sent, of all or of some."""
    chosen = "where customer_id = any(%s)" if customers else ""
    given = [list(customers)] if customers else []
    ((found,),) = project.sql(f"select count(*) from ({NOTED}) as noted {chosen}", *given)  # noqa: S608
    return int(found)


def give_keys(project: Project, folder: Path, *pairs: tuple[int, int]) -> None:
    """Give customers other keys, in the source too."""
    lines = "".join(f"{old},{new}\n" for old, new in pairs)
    (path := folder / "keys.csv").write_text(f"old,new\n{lines}", encoding="utf-8")
    rekey(project.warehouse, project.configuration, path=path, requested_by="Ada")
    for old, new in pairs:
        project.sql("update customers set customer_id = %s where customer_id = %s", new, old)
