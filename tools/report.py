"""Show on a terminal what is in the warehouse after a night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from customers import connect

SHOWN = ("model", "segment_id", "segment_name", "customers", "share", "averages_empty_because")  # and the averages
MOST_AVERAGES = 5
LABELS = """
select model, cluster_label, count(*) as customers
from segmentation.current_customer_segments group by 1, 2 order by 1, 2
"""
REJECTED = """
select reason, column_name as column, count(*) as rows, min(value) as example
from segmentation.rejected_customers where run_id in (select run_id from segmentation.current_models)
group by 1, 2 order by 3 desc, 1, 2
"""
CHAMPIONS = """
select model, version, structure, round((metrics ->> 'silhouette')::numeric, 4) as silhouette, artifact
from segmentation.model_versions where status = 'champion' order by model
"""


def show_results(console: Console, uri: str, store: Path | str, features: Sequence[str]) -> None:
    """Print the segments, the labels per model, the rejected rows and where the artifacts are.

    Of many averages those of the `features` alone are shown, which is what a terminal has room for.
    """
    with connect(uri) as cursor:
        cursor.execute("select * from segmentation.current_segments order by model, segment_id")
        columns = [column.name for column in cursor.description]
        segments = cursor.fetchall()
        cursor.execute(LABELS)
        labels = cursor.fetchall()
        cursor.execute(REJECTED)
        rejected = cursor.fetchall()
        cursor.execute(CHAMPIONS)
        champions = cursor.fetchall()
    averages = [name for name in columns if name.startswith("avg_")]
    if len(averages) > MOST_AVERAGES:
        averages = [f"avg_{name}" for name in features]
    shown = [place for place, name in enumerate(columns) if name in SHOWN or name in averages]
    dates = " and ".join(sorted({str(row[columns.index("as_of")]) for row in segments}))
    _print(console, f"Segments as of {dates}", [columns[place] for place in shown],
           ([row[place] for place in shown] for row in segments))  # fmt: skip
    _print(console, "Customers per label (-1: noise)", ("model", "customers", "per label"), _per_model(labels))
    _print(console, "Rejected rows", ("reason", "column", "rows", "example"), rejected)
    _print(console, "Champions", ("model", "version", "structure", "silhouette", "artifact"), champions)
    console.print(f"Artifacts: {store}", markup=False, highlight=False, soft_wrap=True)


def _per_model(labels: Iterable[tuple[str, int, int]]) -> Iterable[tuple[str, int, str]]:
    models: dict[str, dict[int, int]] = {}
    for model, label, customers in labels:
        models.setdefault(model, {})[label] = customers
    for model, counts in models.items():
        yield model, sum(counts.values()), ", ".join(f"{label}: {count:,}" for label, count in counts.items())


def _print(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="")
    rows = list(rows)
    for place, column in enumerate(columns):
        numeric = any(not isinstance(row[place], str | None) for row in rows)
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*map(_text, row))
    console.print(table if rows else f"[bold]{title}[/]: none")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str("" if value is None else value)
