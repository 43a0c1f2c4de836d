"""The command that explains a customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from clustering.cli.options import Json, Models, open_session
from clustering.cli.output import tell

if TYPE_CHECKING:
    from clustering.config import Column
    from clustering.scoring.explained_customers import CustomerLabel, Pull

WITHOUT_FEATURE = "(no feature)"


def explain(
    customer_id: Annotated[str, typer.Argument(help="The customer's key")],
    model: Models = None,
    as_json: Json = False,
) -> None:
    """Say in which segments a customer is now, and why.

    Why there is said beside the next segment.
    """
    from clustering.scoring.explained_customers import explain_customer

    with open_session() as session:
        found = explain_customer(session.configuration, session.registry, customer_id=customer_id, models=model)
    columns = session.configuration.contract.columns
    said = "\n".join(line for label in found.labels for line in _lines(label, columns))
    tell(found.to_document(), said, as_json=as_json)


def _lines(label: CustomerLabel, columns: Mapping[str, Column]) -> Iterator[str]:
    yield (
        f"{label.model} version {label.version}, as of {label.as_of}: {label.segment_name} (segment "
        f"{label.segment_id}), confidence {label.confidence:.2f}"
    )
    yield f"  {label.explanation.sentence}"
    width = max((len(_name(part)) for part in label.explanation.pulls), default=0)
    for part in label.explanation.pulls:
        unit = columns[part.feature].unit if part.feature and part.feature in columns else ""
        number = f"{part.value:,.10g}" if isinstance(part.value, float) else part.value or ""
        value = f"{number} {unit}".strip()
        yield f"  {_name(part):{width}}  {value:>14}  {part.pull:>+10.3g}  {part.share:>+5.0%}"


def _name(part: Pull) -> str:
    return part.feature or WITHOUT_FEATURE
