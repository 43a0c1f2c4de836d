"""What analysts call segments: their words survive retraining and win over the model's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date

from psycopg2 import errors
from sqlalchemy.exc import IntegrityError

from clustering.errors import ConfigurationError
from clustering.segments.events import Event
from clustering.versions.artifacts import ClusterSegment
from clustering.versions.version import read_champion
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.roles import act_as_writer

NAME_CHARACTERS = 200  # of a segment's name, as the column has it


@dataclass(frozen=True)
class OwnName:
    """An analyst's words for a segment; None leaves the model's."""

    model: str
    segment_id: int
    segment_name: str | None
    description: str | None
    recommended_action: str | None


def own_names(transaction: Transaction, models: Iterable[str]) -> dict[str, dict[int, OwnName]]:
    """Return the analysts' words by model and segment id."""
    found: dict[str, dict[int, OwnName]] = {model: {} for model in models}
    for own in transaction.typed_rows(OwnName, "names/own_names", models=list(found)):
        found[own.model][own.segment_id] = own
    return found


def put_on(clusters: Iterable[ClusterSegment], own: Mapping[int, OwnName]) -> list[ClusterSegment]:
    """Return the clusters with the analysts' words in place of the model's, where there are any."""
    return [
        _renamed(cluster, own[cluster.segment_id]) if cluster.segment_id in own else cluster for cluster in clusters
    ]


def name_segment(
    warehouse: Warehouse,
    *,
    model: str,
    segment_id: int,
    name: str | None = None,
    description: str | None = None,
    recommended_action: str | None = None,
    set_by: str,
) -> date | None:
    """Set an analyst's name, description or recommended action of a segment; None leaves it as it is.

    It holds at once, and for the nights to come. Returns the latest date, which shows it; None where that has no such
    segment, and the next night will be the first to show it. Raises ConfigurationError when the model's champion has no
    such segment, when another segment has the name, or when it is too long.
    """
    if not (name or description or recommended_action):
        raise ConfigurationError(f"{model} segment {segment_id}: give a name, a description or an action")
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        transaction.execute("registry/lock_model", model=model)
        champion, names = _present_names(transaction, model)
        _check(names, model, segment_id, name)
        try:
            transaction.execute(
                "names/set_name",
                model=model,
                segment_id=segment_id,
                segment_name=name,
                description=description,
                recommended_action=recommended_action,
                set_by=set_by,
            )
        except IntegrityError as error:
            if not isinstance(error.orig, errors.UniqueViolation):
                raise
            raise ConfigurationError(f"a former segment of {model} is called {name!r}; choose another name") from None
        if name and name != names[segment_id]:
            told = f"Segment {segment_id}, so far {names[segment_id]}, is now called {name}, by {set_by}."
            record_events(transaction, model, champion, [Event("rename", segment_id, (), None, told)])
        return _shown(transaction, model, segment_id)


def reset_segment_name(warehouse: Warehouse, *, model: str, segment_id: int, reset_by: str) -> date | None:
    """Give a segment back to the model's own naming; ConfigurationError when no analyst has named it.

    Returns as `name_segment`.
    """
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        transaction.execute("audit/set_actor", actor=reset_by)
        if not transaction.execute("names/delete_name", model=model, segment_id=segment_id):
            raise ConfigurationError(f"{model} segment {segment_id} has no name, description or action of an analyst's")
        return _shown(transaction, model, segment_id)


def record_events(transaction: Transaction, model: str, model_version_id: int, events: Iterable[Event]) -> None:
    """Write what happened to a model's segments."""
    for event in events:
        values = asdict(event) | {"related_segment_ids": list(event.related_segment_ids)}
        transaction.execute("registry/insert_event", model=model, model_version_id=model_version_id, **values)


def _shown(transaction: Transaction, model: str, segment_id: int) -> date | None:
    shown: date | None = transaction.scalar("names/shown", model=model, segment_id=segment_id)
    return shown


def _present_names(transaction: Transaction, model: str) -> tuple[int, dict[int, str]]:
    """Return the id of the champion and what its segments are called now."""
    champion = read_champion(transaction, model)
    if champion is None:
        raise ConfigurationError(
            f"{model} has no champion yet, and so no segments to name; run the DAG retrain_models first"
        )
    clusters = put_on(champion.clusters, own_names(transaction, [model])[model])
    return champion.model_version_id, {cluster.segment_id: cluster.segment_name for cluster in clusters}


def _check(names: Mapping[int, str], model: str, segment_id: int, name: str | None) -> None:
    if name and len(name) > NAME_CHARACTERS:
        raise ConfigurationError(
            f"a segment's name has at most {NAME_CHARACTERS} characters, {name[:30]!r}… has {len(name)}; put more into "
            "its description"
        )
    if segment_id not in names:
        listed = ", ".join(f"{one} {called}" for one, called in sorted(names.items()))
        raise ConfigurationError(f"the champion of {model} has no segment {segment_id}; it has {listed}")
    others = [one for one, called in names.items() if called == name and one != segment_id]
    if others:
        raise ConfigurationError(f"segment {others[0]} of {model} is called {name!r} already; choose another name")


def _renamed(cluster: ClusterSegment, own: OwnName) -> ClusterSegment:
    return replace(
        cluster,
        segment_name=own.segment_name or cluster.segment_name,
        description=own.description or cluster.description,
        recommended_action=own.recommended_action or cluster.recommended_action,
    )
