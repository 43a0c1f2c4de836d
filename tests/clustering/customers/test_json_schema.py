"""The JSON Schema of what may be posted says what the contract says."""

from __future__ import annotations

import re
import time
from typing import Any

import jsonschema
import pytest

from clustering.config import PROJECT, Column, Configuration, load_configuration
from clustering.customers.json_schema import NUMERAL, allowed, body_schema, example_record, record_schema
from clustering.customers.record_checks import check_records


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"type": "integer", "range": [0, 120]}, "a whole number from 0 to 120"),
        ({"type": "number", "range": [0.5, None]}, "a number, 0.5 or more"),
        ({"type": "number", "range": [None, 3], "missing": 1.0}, "a number, 3 or less, or nothing"),
        ({"type": "bigint"}, "a whole number"),
        ({"type": "text", "missing": "allow"}, "a text, or nothing"),
        ({"type": "date"}, "a date such as 2026-01-31"),
    ],
)
def test_limits_are_told_in_words(column: dict[str, Any], words: str) -> None:
    """What is allowed is told as a person would."""
    assert allowed(Column.model_validate({"role": "profile", "missing": "reject", **column})) == words


@pytest.mark.parametrize("directory", ["models", "examples/online_retail"])
def test_example_is_valid(directory: str) -> None:
    """The example of every configuration is allowed by its schema and by its contract."""
    contract = load_configuration(PROJECT / directory).contract
    schema = record_schema(contract)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(example_record(contract), schema)
    assert check_records([example_record(contract)], contract).faults == []


@pytest.mark.parametrize(
    "change",
    [
        {"age": -1},
        {"age": 121},
        {"age": 25.5},
        {"age": True},
        {"age": None},
        {"age": ""},
        {"age": "old"},
        {"age": []},
        {"annual_income": "1,000"},
        {"spending_score": 0.5},
        {"gender": {}},
        {"customer_id": None},
    ],
)
def test_schema_refuses_what_the_contract_refuses(configuration: Configuration, change: dict[str, Any]) -> None:
    """A value that the schema refuses is one that the contract refuses."""
    record = {**example_record(configuration.contract), **change}
    assert not jsonschema.Draft202012Validator(record_schema(configuration.contract)).is_valid(record)
    assert check_records([record], configuration.contract).faults


@pytest.mark.parametrize("text", ["9" * 200_000 + "x", " " * 200_000 + "x", "9" * 200_000 + "." + "9" * 200_000 + "e"])
def test_long_text_is_refused_at_once(text: str) -> None:
    """The pattern of a number never goes over the same digits twice."""
    started = time.monotonic()
    assert not re.search(NUMERAL, text)
    assert time.monotonic() - started < 1


def test_models_are_named_in_any_case(configuration: Configuration) -> None:
    """The schema of the model takes its name in upper and lower case, and no other."""
    model = body_schema(configuration.contract, ["kmeans_4", "gmm"], most_rows=1)["model_of_choice"]
    validator = jsonschema.Draft202012Validator(model)
    assert [
        name for name in ("KMeans_4", "kmeans_4", "GMM", "kmeansx4", "gm", "gmm2", "", 1) if validator.is_valid(name)
    ] == [
        "KMeans_4",
        "kmeans_4",
        "GMM",
    ]
