"""The routes: labels for posted customers and of one who is known, and what is known of models and segments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.openapi.utils import get_openapi
from starlette.convertors import Convertor, register_url_convertor

from clustering.customers.json_schema import body_schema, example_record, record_schema
from clustering.customers.record_checks import Checked, check_records, describe_faults
from clustering.errors import DataError, did_you_mean
from clustering.monitoring.health import read_health
from clustering.scoring.customer_lives import look_up
from clustering.settings import ApiLimits
from clustering.web import reads, schemas
from clustering.web.backend import Backend, Open
from clustering.web.body import parse_request, read_body
from clustering.web.customer_schemas import Customer
from clustering.web.error_answers import ERRORS_LISTED, Answer, Refusal
from clustering.web.limits import OwnThreads

Model = Annotated[str, Path(description="A configured model, in upper or lower case.", examples=["KMeans"])]
Detail = Annotated[bool, Query(description="Also give segment, confidence, version and the reason of each customer.")]
Key = Annotated[str, Path(description="The customer's key as labels hold it, percent-encoded; never trimmed.")]
AsOf = Annotated[date | None, Query(description="A published date, by default the latest one.")]
SegmentId = Annotated[int, Path(ge=0, lt=2**31, description="The segment's number, stable across versions.")]
_ANYWHERE: dict[int | str, dict[str, Any]] = {
    401: {"model": schemas.Problem, "description": "Not logged in, or a wrong token."},
    403: {"model": schemas.Problem, "description": "Logged in, without the permission."},
    422: {"model": schemas.Problem, "description": "A parameter of another form."},
    503: {"model": schemas.Problem, "description": "The warehouse cannot be reached, or is busy; see Retry-After."},
}
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": schemas.Problem, "description": "There is no such thing."}}
_POSTED: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.ClusterAnswer, "description": "The clusters, in the order of the customers."},
    400: {"model": schemas.Problem, "description": "The body is not JSON."},
    404: {"model": schemas.Problem, "description": "The model is not configured; `models` lists those that are."},
    408: {"model": schemas.Problem, "description": "The body did not arrive in time."},
    409: {"model": schemas.Problem, "description": "The model has no champion yet."},
    413: {"model": schemas.Problem, "description": "Too many bytes or rows; the DAG cluster_customers takes more."},
    415: {"model": schemas.Problem, "description": "The body is not declared as application/json."},
    422: {"model": schemas.Problem, "description": "Rows that the contract does not allow, each with its faults."},
}


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse an address with a parameter that its route does not know, such as a misspelt one."""
    known = [field.alias for field in get_flat_dependant(request.scope["route"].dependant).query_params]
    for name in request.query_params:
        if name not in known:
            told = did_you_mean(name, known) if known else "; there are none"
            raise Refusal(422, f"{name[:100]!r} is no parameter of {request.method} {request.url.path}{told}")


class AnyKey(Convertor[str]):
    """A part of an address that is taken as it is: with slashes and line ends, at its end too."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        """Return the key."""
        return value

    def to_string(self, value: str) -> str:
        """Return the part of the address."""
        return value


register_url_convertor("customer_key", AnyKey())
_REFUSES = [Depends(refuse_unknown_parameters)]
customers = APIRouter(default_response_class=Answer, responses=_ANYWHERE, dependencies=_REFUSES, route_class=OwnThreads)
gets = APIRouter(default_response_class=Answer, responses=_ANYWHERE, dependencies=_REFUSES, route_class=OwnThreads)


def opened(request: Request) -> Backend:
    """Return the backend of the app that a request has reached; the first one opens it."""
    found: Open = request.app.state.backend
    return found()


@customers.post("/cluster", responses=_POSTED, summary="Label customers")
def cluster(request: Request, body: Annotated[bytes, Depends(read_body)], detail: Detail = False) -> Response:
    """Give each of the posted customers the cluster that the model's champion puts it in. Nothing is stored."""
    backend = opened(request)
    asked = parse_request(body)
    model = configured(backend, asked.model_of_choice)
    contract = backend.configuration.contract
    checked = _require_valid(check_records(asked.data, contract), rows=len(asked.data))
    scorer = backend.champions.scorer(model)
    checked = _require_valid(scorer.check_again(asked.data, checked, contract), rows=len(asked.data))
    return Answer({"clusters": scorer.label(checked.customers, checked.keys, detail=detail or asked.detail)})


def _require_valid(checked: Checked, *, rows: int) -> Checked:
    if checked.faults:
        faults = [fault.as_dict() for fault in checked.faults[:ERRORS_LISTED]]
        told = describe_faults(checked.faults, rows=rows)
        raise Refusal(422, told, errors=faults, errors_found=len(checked.faults))
    return checked


@customers.get(
    "/customers/{key:customer_key}",
    response_model=Customer,
    responses={404: {"model": schemas.Problem, "description": "No customer with this key was ever labelled."}},
    summary="Explain a customer",
)
def customer(request: Request, key: Key) -> Mapping[str, Any]:
    """Give a customer's segment by every model, since when and why, from the values in the source now, and the past."""
    backend = opened(request)
    try:
        return look_up(backend.configuration, backend.champions.registry, customer_id=key).to_document()
    except DataError as error:
        raise Refusal(404, str(error)) from None


@gets.get("/models", response_model=schemas.Models, summary="List the models")
def models(request: Request) -> Mapping[str, Any]:
    """List the configured models, each with its champion."""
    backend = opened(request)
    with backend.reading() as transaction:
        return {"models": reads.models(transaction, backend.configuration, list(backend.configuration.models))}


@gets.get("/models/{model}", response_model=schemas.ModelDetail, responses=_UNKNOWN, summary="Describe a model")
def model(request: Request, model: Model) -> Mapping[str, Any]:
    """Describe a configured model: its champion, its latest versions and the decisions on them."""
    backend = opened(request)
    name = configured(backend, model)
    with backend.reading() as transaction:
        return reads.model_detail(transaction, backend.configuration, name)


@gets.get("/models/{model}/health", response_model=schemas.ModelHealth, responses=_UNKNOWN, summary="Judge a night")
def model_health(request: Request, model: Model, as_of: AsOf = None) -> Mapping[str, Any]:
    """Say whether the segments of a model can be relied on: fresh, complete, drifted, trusted, and each segment."""
    backend = opened(request)
    name = configured(backend, model)
    with backend.reading() as transaction:
        found = read_health(transaction, name, as_of).to_document()
    if as_of and found["as_of"] != as_of.isoformat():
        raise Refusal(404, f"nothing was published for {name} on {as_of}")
    return found


@gets.get("/segments", response_model=schemas.Segments, summary="List the segments")
def segments(request: Request) -> Mapping[str, Any]:
    """List the segments of every model as of its latest published date."""
    backend = opened(request)
    with backend.reading() as transaction:
        listed = reads.segments(transaction, list(backend.configuration.models))
    return {"segments": listed, "units": reads.units(backend.configuration.contract)}


@gets.get(
    "/segments/{model}/{segment}",
    response_model=schemas.SegmentDetail,
    responses=_UNKNOWN,
    summary="Describe a segment",
)
def segment(request: Request, model: Model, segment: SegmentId) -> Mapping[str, Any]:
    """Describe a current segment of a model, with its size over time."""
    backend = opened(request)
    name = configured(backend, model)
    with backend.reading() as transaction:
        found = reads.segment_detail(transaction, name, segment)
    if found is None:
        raise Refusal(404, f"{name} has no current segment {segment}; GET /segments lists those that there are")
    return found


@gets.get("/schema", summary="Describe a customer")
def schema(request: Request) -> Mapping[str, Any]:
    """Give the JSON Schema of a customer as `POST /cluster` takes it, from the source contract."""
    contract = opened(request).configuration.contract
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Customer",
        **record_schema(contract),
        "examples": [example_record(contract)],
    }


@gets.get("/health", response_model=schemas.Health, summary="Say whether all is well")
def health(request: Request) -> Mapping[str, Any]:
    """Say whether the warehouse can be reached and which versions label customers."""
    backend = opened(request)
    versions = backend.champions.versions()
    numbers = {name: versions[name].version if name in versions else None for name in backend.configuration.models}
    return {"status": "ok" if versions else "no champions", "champions": numbers}


@gets.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> Response:
    """Describe the API, with the body that the contract asks for."""
    return Answer(describe(request, opened(request)))


def describe(request: Request, backend: Backend) -> dict[str, Any]:
    """Return the OpenAPI document of the app that a request has reached, made once for a configuration."""
    app: FastAPI = request.app
    made_for = backend.configuration, str(request.scope.get("root_path") or "/"), ApiLimits.read().rows
    known: tuple[Any, dict[str, Any]] | None = getattr(app.state, "described", None)
    if known is None or known[0] != made_for:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=[{"url": made_for[1]}],
        )
        known = app.state.described = made_for, _with_body(document, backend)
    return known[1]


def configured(backend: Backend, model: str) -> str:
    """Return the name of a configured model; Refusal 404, with the list, when there is none of this name."""
    models = backend.configuration.models
    name = model.casefold()
    if name not in models:
        raise Refusal(
            404, f"model {model[:100]!r} is not configured; there are {', '.join(models)}", models=list(models)
        )
    return name


def _with_body(document: dict[str, Any], backend: Backend) -> dict[str, Any]:
    contract = backend.configuration.contract
    models = list(backend.configuration.models)
    properties = body_schema(contract, models, most_rows=ApiLimits.read().rows)
    del properties["data"]["maxItems"]  # beyond it the answer is 413, which is no question of form
    required = list(properties)
    properties["detail"] = {"type": "boolean", "description": "The same as the parameter `detail`."}
    body = {"type": "object", "required": required, "properties": properties, "additionalProperties": False}
    example = {"model_of_choice": models[0], "data": [example_record(contract)]}
    document["paths"]["/cluster"]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": body, "example": example}},
    }
    return document
