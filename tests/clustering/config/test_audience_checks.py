"""Audiences name what there is, and nothing that is protected."""

from __future__ import annotations

from typing import Any

import pytest

from clustering.config import Audience, Configuration
from clustering.config.audience_checks import check_audience
from clustering.errors import ConfigurationError

SENT = {"columns": ["customer_id"], "destination": "drop", "path": "shown.csv", "consent": {"waived": "a test"}}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": "kmean"}, "here.model: 'kmean' is not configured; there are "),
        ({"models": {"kmeans": None, "kmean": None}}, "here.models: 'kmean' is not configured; there are "),
        (
            {"columns": ["customer_id", "ages"]},
            "columns: column 'ages' is not in customers.yaml: declare it there",
        ),
        (
            {"consent": {"column": "ages"}},
            "here.consent.column: column 'ages' is not in customers.yaml: declare",
        ),
    ],
)
def test_what_is_not_there_is_refused_by_its_key(
    configuration: Configuration, settings: dict[str, Any], told: str
) -> None:
    """The message says what there is."""
    contract, models = configuration.contract, configuration.models
    both = {"models": {"kmeans": None, "gmm": None}, "columns": ["customer_id", "kmeans.segment_name"]}
    check_audience("here", Audience.model_validate(SENT | both), contract, models)
    with pytest.raises(ConfigurationError, match=told):
        check_audience("here", Audience.model_validate(SENT | settings), contract, models)
