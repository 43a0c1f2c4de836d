"""What came nearest where a model finds no clusters that may be used, why it is not used, and what would use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from clustering.cli.label import Labelled, described
from clustering.cli.output import table, tables, tell, tell_beside
from clustering.config import ModelSpec
from clustering.errors import TrainingError

CRITERIA = ("criterion", "value", "limit", "holds")


def refuse(labelled: Labelled, model: str, spec: ModelSpec, *, as_json: bool) -> NoReturn:
    """Tell of clusters that must not be used: as JSON on stdout, or on stderr; then raise TrainingError."""
    result = labelled.result
    declaration = result.metrics.declaration
    figures = next((one.figures for one in result.candidates if one.chosen), {})
    criteria, fails = criteria_rows(spec, figures)
    if as_json:
        document = {**described(labelled, model), "refusal": result.refusal, "declaration": declaration}
        tell({**document, "criteria": criteria}, "", as_json=True)
    else:
        shown = [table("What came nearest, and is not used", labelled.clusters)]
        tell_beside(tables([*shown, table("Why it is not used", criteria, CRITERIA), *fails]))
    error = f"{model}: {result.refusal}"
    if declaration:
        error += f"; here: --declare '{declaration}', for good: in models/{model}.yaml"
    raise TrainingError(error)


def criteria_rows(spec: ModelSpec, figures: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Sequence[str]]:
    """Return each criterion with its value and limit in words, and what those mean that do not hold."""
    from clustering.training.criterion_limits import asked, criteria_of

    criteria = asked(criteria_of(spec), figures)
    rows = [
        {
            "criterion": one.title + (", standard errors" if one.over else ""),
            "value": one.said(figures),
            "limit": one.limit_in_words(figures),
            "holds": "not asked" if (holds := one.holds(figures)) is None else holds,
        }
        for one in criteria
    ]
    return rows, [one.fails for one in criteria if one.holds(figures) is False]
