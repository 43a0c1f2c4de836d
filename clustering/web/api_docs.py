"""The API for people: its OpenAPI document as a page that asks no other host."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A parameter, or a field of a body or an answer."""

    name: str
    kind: str
    description: str
    required: bool


@dataclass(frozen=True)
class Operation:
    """A route as the page shows it; `example` is a body in JSON, `answer` what 200 means with its fields."""

    method: str
    path: str
    summary: str
    description: str
    parameters: Sequence[Entry]
    body: Sequence[Entry]
    example: str | None
    answer: Sequence[Entry]
    refusals: Mapping[str, str]


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return the routes of an OpenAPI document, in its order."""
    return [
        _operation(document, method, path, found)
        for path, methods in document["paths"].items()
        for method, found in methods.items()
    ]


def _operation(document: Mapping[str, Any], method: str, path: str, found: Mapping[str, Any]) -> Operation:
    content = found.get("requestBody", {}).get("content", {}).get("application/json", {})
    answers = dict(found["responses"])
    good = answers.pop("200", {})
    schema = good.get("content", {}).get("application/json", {}).get("schema", {})
    return Operation(
        method=method.upper(),
        path=path,
        summary=found.get("summary", path),
        description=found.get("description", ""),
        parameters=[
            Entry(one["name"], _kind(one["schema"]), one.get("description", ""), one.get("required", False))
            for one in found.get("parameters", [])
        ],
        body=list(_fields(document, content.get("schema", {}))),
        example=json.dumps(content["example"], indent=2, ensure_ascii=False) if "example" in content else None,
        answer=list(_fields(document, schema)),
        refusals={status: answer.get("description", "") for status, answer in sorted(answers.items())},
    )


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield the fields of an object, those of objects within it under their path."""
    yield from _within(document, schema, before="", seen=())


def _within(
    document: Mapping[str, Any], schema: Mapping[str, Any], *, before: str, seen: Sequence[str]
) -> Iterator[Entry]:
    for name in _references(schema):
        if name not in seen:
            found = document["components"]["schemas"][name]
            yield from _within(document, found, before=before, seen=[*seen, name])
    for name, field in schema.get("properties", {}).items():
        path = f"{before}{name}"
        yield Entry(path, _kind(field), field.get("description", ""), name in schema.get("required", []))
        inner = field.get("items", field)
        deeper = f"{path}[]." if "items" in field else f"{path}."
        yield from _within(document, inner, before=deeper, seen=seen)


def _references(schema: Mapping[str, Any]) -> Iterator[str]:
    for one in [schema, *schema.get("anyOf", [])]:
        if "$ref" in one:
            yield one["$ref"].rpartition("/")[2]


def _kind(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "$ref" in schema:
        return "object"
    kind = schema.get("type", "anything")
    kinds = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"list of {_kind(schema['items'])}" if kinds == "array" and "items" in schema else kinds
