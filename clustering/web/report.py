"""The Segments page as one file to send around: nothing is fetched when it is opened."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup

from clustering.config import Configuration
from clustering.errors import ConfigurationError, DataError, PermanentError
from clustering.warehouse import Warehouse
from clustering.web.assets import assets
from clustering.web.drawings import drawing
from clustering.web.figures import customer_figure, movement_figure, night_figures
from clustering.web.templating import render
from clustering.web.views import Overview, read_models, read_overview

SCRIPTS, STYLES = ("theme.js",), ("page.css",)
ALT = {
    "sizes": "Lines: share of each segment over time; the table below holds the same values.",
    "customers": "Scatter plot of a sample of customers by two columns, by segment. The profiles hold the averages.",
    "movement": "Diagram of the customers who moved; the table holds the same values.",
    "rejected": "Bars: rejected rows by reason; the list beside it holds the same values.",
}


@dataclass(frozen=True)
class Chart:
    """A chart with what is to be known about it; `svg` is None where there is nothing to draw."""

    svg: Markup | None
    note: str | None
    rows: Sequence[Mapping[str, Any]]


def render_report(
    warehouse: Warehouse,
    configuration: Configuration,
    *,
    models: Sequence[str] | None = None,
    as_of: date | None = None,
) -> str:
    """Return one self-contained HTML file with the segments and charts of some models, by default all with a result.

    `as_of` is a published date, by default each model's latest. Raises ConfigurationError for an unknown model, and
    DataError when nothing was published.
    """
    for name in models or ():
        if name not in configuration.models:
            raise ConfigurationError(f"model {name!r} is not configured; there are {', '.join(configuration.models)}")
    overviews = _read(warehouse, configuration, models, as_of)
    if not overviews:
        when = f" as of {as_of}" if as_of else ""
        raise DataError(f"nothing was published{when}; run the DAG segment_customers first")
    return render(
        "report.html",
        assets=assets(),
        charts={overview.model.name: _charts(warehouse, configuration, overview) for overview in overviews},
        is_report=True,
        made_at=datetime.now(UTC),
        overviews=overviews,
        policy=_policy(),
        scripts={name: Markup(assets()[name].text) for name in SCRIPTS},  # noqa: S704 - our own files
        sources=_sources(overviews),
        styles={name: Markup(assets()[name].text) for name in STYLES},  # noqa: S704 - our own files
    )


def _read(
    warehouse: Warehouse, configuration: Configuration, models: Sequence[str] | None, as_of: date | None
) -> list[Overview]:
    day = as_of.isoformat() if as_of else None
    with warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
        names = models or [model.name for model in read_models(transaction, configuration)]
        read = [read_overview(transaction, configuration, model=name, as_of=day) for name in names]
    return [overview for overview in read if overview.night and not overview.asked_in_vain]


def _charts(warehouse: Warehouse, configuration: Configuration, overview: Overview) -> dict[str, Chart]:
    """Return the charts of a model by their names."""
    name, night = overview.model.name, overview.night
    if night is None:
        return {}
    found: dict[str, Mapping[str, Any]] = {
        chart: {"figure": figure} for chart, figure in night_figures(overview).items()
    }
    asked = (warehouse, configuration, name, night.run.as_of, (None, None))
    found["customers"] = _or_reason(customer_figure, *asked)
    if night.former:
        found["movement"] = _or_reason(movement_figure, warehouse, name, night.former, night.run.as_of)
    return {chart: _drawn(values, ALT[chart]) for chart, values in found.items()}


def _drawn(values: Mapping[str, Any], description: str) -> Chart:
    figure = values.get("figure")
    return Chart(
        svg=drawing(figure, description) if figure else None,
        note=values.get("note") or values.get("reason"),
        rows=values.get("rows", ()),
    )


def _sources(overviews: Sequence[Overview]) -> list[tuple[str, Overview]]:
    """Return each run once with the models that it labelled: its rejected rows are the same for all of them."""
    names: dict[int, list[str]] = {}
    firsts: dict[int, Overview] = {}
    for overview in overviews:
        if overview.night:
            names.setdefault(overview.night.run.run_id, []).append(overview.model.title)
            firsts.setdefault(overview.night.run.run_id, overview)
    return [(", ".join(titles), firsts[run_id]) for run_id, titles in names.items()]


def _or_reason(draw: Any, *arguments: Any) -> Mapping[str, Any]:
    try:
        return dict(draw(*arguments))
    except PermanentError as error:
        return {"reason": str(error)}


def _policy() -> str:
    """Return a content security policy that lets the file's own scripts and styles run and nothing else."""
    scripts, styles = (" ".join(_hash(assets()[name].text) for name in names) for names in (SCRIPTS, STYLES))
    return f"default-src 'none'; script-src {scripts}; style-src {styles}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
