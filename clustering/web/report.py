"""The Segments page as one file to send around: nothing is fetched when it is opened."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup

from clustering.config import Configuration
from clustering.errors import ConfigurationError, DataError, PermanentError
from clustering.warehouse import Warehouse
from clustering.web.assets import assets
from clustering.web.figures import customer_figure, movement_figure, night_figures
from clustering.web.templating import embedded, render
from clustering.web.views import Overview, read_models, read_overview

SCRIPTS, STYLES = ("theme.js", "plotly.min.js", "charts.js", "report.js"), ("page.css", "plotly.css")


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
    figures: dict[str, Any] = {}
    for overview in overviews:
        figures |= _figures(warehouse, configuration, overview)
    return render(
        "report.html",
        assets=assets(),
        figures=embedded(figures),
        is_report=True,
        made_at=datetime.now(UTC),
        overviews=overviews,
        policy=_policy(),
        scripts={name: Markup(assets()[name].text) for name in SCRIPTS},  # noqa: S704 - our own files
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


def _figures(warehouse: Warehouse, configuration: Configuration, overview: Overview) -> dict[str, Any]:
    """Return what the charts of a model are drawn from, by the chart's name."""
    name, night = overview.model.name, overview.night
    if night is None:
        return {}
    as_of = night.run.as_of
    found: dict[str, Any] = {chart: {"figure": figure} for chart, figure in night_figures(overview).items()}
    found["customers"] = _or_reason(customer_figure, warehouse, configuration, name, as_of, (None, None))
    if night.former:
        found["movement"] = _or_reason(movement_figure, warehouse, name, night.former, as_of)
    return {f"{name}-{chart}": values for chart, values in found.items()}


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
