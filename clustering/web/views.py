"""What the Segments page shows, read from aggregated tables alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from clustering.algorithms import algorithm_names
from clustering.config import Configuration
from clustering.errors import DataError
from clustering.monitoring.health import ModelHealth, read_health
from clustering.monitoring.held_runs import HeldNight, read_held
from clustering.scoring.filled_values import read_filled
from clustering.warehouse import Row, Transaction
from clustering.web.heat_map import Column, heat_map
from clustering.web.night_rows import (
    ColumnProfile,
    MostFrequent,
    NightRun,
    OverallAverage,
    RejectedRows,
    SegmentSize,
    read_night_run,
)
from clustering.web.trainings import ListedVersion, Training, action, figures, read_versions

DATES_LISTED = 400
DATES_DRAWN = 180
VERSIONS_LISTED = 20
EVENTS_LISTED = 20

REASONS = {
    "missing_key": "The row has no key.",
    "duplicate_key": "Several rows have the same key; all of them are left out.",
    "missing_value": "A value that the contract needs is missing.",
    "wrong_type": "A value is of another type than the contract says.",
    "not_convertible": "A value is too large, a key too long, or no such date exists.",
    "not_finite": "A number is infinite or not a number.",
    "out_of_range": "A value lies outside of the contract's range.",
}


@dataclass(frozen=True)
class Model:
    """A configured model, with its latest published date if it has one."""

    name: str
    title: str
    latest: date | None


@dataclass(frozen=True)
class Night:
    """What was published for a model and a date."""

    run: NightRun
    former: date | None
    segments: Sequence[Row]
    columns: Sequence[Column]
    categories: Sequence[MostFrequent]
    rejected: Sequence[RejectedRows]
    filled: Mapping[str, int]  # labelled customers without a value, for which another stood, by column
    sizes: Sequence[SegmentSize]
    catalogue: Collection[str] = ()

    @property
    def dates_drawn(self) -> list[date]:
        """The dates that sizes are known of, newest first."""
        return sorted({size.as_of for size in self.sizes}, reverse=True)

    @property
    def sizes_by_segment(self) -> list[list[SegmentSize]]:
        """The sizes of each segment, newest first."""
        return [list(sizes)[::-1] for _, sizes in groupby(self.sizes, key=lambda size: size.segment_id)]


@dataclass(frozen=True)
class Overview:
    """All that the page shows of a model; `night` is None while nothing was published."""

    models: Sequence[Model]
    model: Model
    dates: Sequence[date]
    asked_in_vain: str | None
    night: Night | None
    versions: Sequence[Training]
    champion: ListedVersion | None
    decisions: Sequence[Row]
    events: Sequence[Row]
    health: ModelHealth
    held: Sequence[HeldNight]

    @property
    def refused(self) -> ListedVersion | None:
        """The last training, where it was refused."""
        newest = self.versions[0].version if self.versions else None
        return newest if newest is not None and newest.status == "refused" else None


def read_overview(
    transaction: Transaction, configuration: Configuration, *, model: str | None, as_of: str | None
) -> Overview:
    """Return what there is of a model on a date; by default of the first model with a night, on its latest date."""
    models = read_models(transaction, configuration)
    chosen = choose_model(models, model)
    dates = [row.as_of for row in transaction.rows("page/dates", model=chosen.name, at_most=DATES_LISTED)]
    shown, in_vain = _choose_date(dates, as_of)
    versions = read_versions(transaction, chosen.name, at_most=VERSIONS_LISTED)
    champion = next((version for version in versions if version.status == "champion"), None)
    return Overview(
        models=models,
        model=chosen,
        dates=dates,
        asked_in_vain=in_vain,
        night=read_night(transaction, configuration, chosen.name, dates, shown) if shown else None,
        versions=[Training(version, figures(version.metrics), action(version, champion)) for version in versions],
        champion=champion,
        decisions=transaction.rows("web/decisions", model=chosen.name, at_most=VERSIONS_LISTED),
        events=transaction.rows("page/events", model=chosen.name, at_most=EVENTS_LISTED),
        health=read_health(transaction, chosen.name, shown),
        held=read_held(transaction),
    )


def read_models(transaction: Transaction, configuration: Configuration) -> list[Model]:
    """Return the configured models, those first that people know best."""
    names = names_in_order(configuration)
    latest = {row.model: row.latest for row in transaction.rows("page/nights", models=names)}
    return [Model(name, configuration.title(name), latest.get(name)) for name in names]


def names_in_order(configuration: Configuration) -> list[str]:
    """Return the names of the configured models in the order of their algorithms, then by name."""
    order = {algorithm: place for place, algorithm in enumerate(algorithm_names())}
    models = configuration.models
    return sorted(models, key=lambda name: (order.get(models[name].algorithm, len(order)), name))


def choose_model(models: Sequence[Model], name: str | None) -> Model:
    """Return the model of this name, in upper or lower case; DataError when none is configured under it."""
    if name is None:
        return next((model for model in models if model.latest), models[0])
    found = [model for model in models if model.name == name.casefold()]
    if not found:
        raise DataError(
            f"model {name[:100]!r} is not configured; there are {', '.join(model.name for model in models)}"
        )
    return found[0]


def _choose_date(dates: Sequence[date], asked: str | None) -> tuple[date | None, str | None]:
    """Return the date to show, and what was asked for if that was not published."""
    latest = dates[0] if dates else None
    if not asked:
        return latest, None
    found = next((day for day in dates if day.isoformat() == asked), None)
    return (found, None) if found else (latest, asked[:30])


def read_night(
    transaction: Transaction, configuration: Configuration, model: str, dates: Sequence[date], as_of: date
) -> Night | None:
    """Return what was published for a date; `dates` are the published ones, newest first."""
    run = read_night_run(transaction, model, as_of)
    if run is None:
        return None
    former = next((day for day in dates if day < as_of), None)
    segments = transaction.rows("page/segments", model=model, as_of=as_of, former=former)
    profiles = transaction.typed_rows(ColumnProfile, "page/profiles", model=model, as_of=as_of)
    overall = transaction.typed_rows(OverallAverage, "page/overall_averages", model=model, as_of=as_of)
    drawn = [day for day in dates if day <= as_of][:DATES_DRAWN] + [day for day in dates if day > as_of][-DATES_DRAWN:]
    return Night(
        run=run,
        former=former,
        segments=segments,
        columns=heat_map(configuration, segments, profiles, overall),
        categories=transaction.typed_rows(MostFrequent, "page/categories", model=model, as_of=as_of),
        rejected=transaction.typed_rows(RejectedRows, "page/rejected", run_id=run.run_id),
        filled=read_filled(transaction, run.run_id),
        sizes=transaction.typed_rows(SegmentSize, "page/sizes", model=model, since=min(drawn)),
        catalogue={segment.name for segment in configuration.segments.segments},
    )
