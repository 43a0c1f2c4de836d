"""Whether an audience names models and columns that there are, and none that is protected."""

from __future__ import annotations

from collections.abc import Mapping

from clustering.config.contract import Contract
from clustering.config.declared_exports import LABEL_COLUMNS, Audience
from clustering.config.models import ModelSpec
from clustering.errors import ConfigurationError


def check_audience(place: str, audience: Audience, contract: Contract, models: Mapping[str, ModelSpec]) -> None:
    """Raise ConfigurationError for a model or a column that is not there, and for a protected column."""
    for key, names in (("model", [audience.model] if audience.model else []), ("models", audience.models or ())):
        for model in names:
            if model not in models:
                raise ConfigurationError(f"{place}.{key}: {model!r} is not configured; there are {', '.join(models)}")
    consent = [audience.consent.column] if audience.consent.column else []
    for key, columns in (("columns", audience.columns), ("consent.column", consent)):
        for column in columns:
            if key == "columns" and (column in LABEL_COLUMNS or "." in column):
                continue
            of_labels = f", and of labels {', '.join(LABEL_COLUMNS)}" if key == "columns" else ""
            _check_sent(f"{place}.{key}", column, contract, of_labels)


def _check_sent(place: str, column: str, contract: Contract, of_labels: str) -> None:
    allowed = [name for name, one in contract.columns.items() if one.role not in ("key", "protected")]
    if column in contract.columns and contract.columns[column].role == "protected":
        raise ConfigurationError(f"{place}: column {column!r} is protected, and protected columns never leave")
    if column not in allowed:
        raise ConfigurationError(
            f"{place}: column {column!r} is not in customers.yaml: declare it there, with the role ignore or profile; "
            f"there are {', '.join(allowed)}{of_labels}"
        )
    if contract.orders is not None and column not in contract.used:
        raise ConfigurationError(f"{place}: column {column!r} is ignored, and declared orders have only what is used")
