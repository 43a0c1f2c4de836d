"""The Segments page: HTML that stands without scripts, figures for its charts as JSON, and changes of champion."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, StrictInt, StrictStr

from clustering.errors import ArtifactError, PermanentError, RunError
from clustering.web.api_docs import operations
from clustering.web.assets import assets
from clustering.web.backend import Backend, Open
from clustering.web.body import parse_body, read_body
from clustering.web.compare_page import add_compare
from clustering.web.customer_page import add_customer
from clustering.web.error_answers import Answer, Refusal
from clustering.web.figures import customer_figure, movement_figure, night_figures
from clustering.web.held_nights import add_held_nights
from clustering.web.limits import OwnThreads
from clustering.web.own_page import keep_token, page_token, require_change
from clustering.web.router import describe
from clustering.web.security import Access, Caller
from clustering.web.segment_page import add_segment
from clustering.web.shown_pages import shown
from clustering.web.templating import render
from clustering.web.views import choose_model, read_models, read_overview

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}
FOREVER, FOR_A_DAY = "private, max-age=31536000, immutable", "private, max-age=86400"
ICON = "icon"  # in place of a digest, for the address that Airflow's navigation knows

Text = Annotated[str | None, Query(max_length=200)]


class Change(BaseModel):
    """A version to make champion, and the champion that the caller has seen; None: there was none."""

    model: StrictStr
    version: StrictInt
    champion: StrictInt | None


def make_page(backend: Open, access: Access) -> APIRouter:
    """Return the routes of the page on a backend, each behind the access that it needs."""
    router = APIRouter(dependencies=[Depends(access.reads)], include_in_schema=False, route_class=OwnThreads)
    _add_page(router, backend, access)
    _add_figures(router, backend)
    add_customer(router, backend, access, HEADERS)
    add_segment(router, backend, access, HEADERS)
    add_compare(router, backend, access, HEADERS)
    _add_changes(router, backend, access)
    add_held_nights(router, backend, access)
    return router


def _add_page(router: APIRouter, backend: Open, access: Access) -> None:
    @router.get("/page")
    def page(
        request: Request,
        model: Text = None,
        as_of: Text = None,
        caller: Caller = Depends(access.caller),  # noqa: B008
    ) -> Response:
        """Show the segments of a model on a date."""
        token = page_token(request)
        answer = shown(lambda: _text(backend(), caller, token, model=model or None, as_of=as_of or None))
        answer.headers.update(HEADERS)
        keep_token(request, answer, token)
        return answer

    @router.get("/docs")
    def docs(request: Request, caller: Caller = Depends(access.caller)) -> Response:  # noqa: B008
        """Show the API to people."""
        document = describe(request, backend())
        listed, told = operations(document), document["info"]["description"]
        text = render("docs.html", assets=assets(), caller=caller, description=told, operations=listed)
        return HTMLResponse(text, headers=HEADERS)

    @router.get("/page/static/{digest}/{name}")
    async def static(request: Request, digest: str, name: str) -> Response:
        """Give a script, a style sheet or a picture of the page."""
        takes_gzip = re.search(r"\bgzip\b", request.headers.get("accept-encoding", "")) is not None
        return await run_in_threadpool(_static, digest, name, takes_gzip=takes_gzip)


def _static(digest: str, name: str, *, takes_gzip: bool) -> Response:
    asset = assets().get(name)
    if asset is None or digest not in (asset.digest, ICON):
        raise HTTPException(404, "there is no such file; reload the page")
    headers = {"Cache-Control": FOR_A_DAY if digest == ICON else FOREVER, "Vary": "Accept-Encoding", **HEADERS}
    if not takes_gzip:
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})


def _text(opened: Backend, caller: Caller, token: str, *, model: str | None, as_of: str | None) -> str:
    with opened.reading() as transaction:
        overview = read_overview(transaction, opened.configuration, model=model, as_of=as_of)
    columns = opened.configuration.contract.averaged
    return render(
        "page.html", assets=assets(), caller=caller, columns=columns, overview=overview, token=token, is_report=False
    )


def _add_figures(router: APIRouter, backend: Open) -> None:
    @router.get("/page/charts")
    def of_night(model: Text = None, as_of: Text = None) -> Response:
        """Give the charts of a night, from aggregated tables."""
        opened = backend()
        with opened.reading() as transaction:
            overview = read_overview(transaction, opened.configuration, model=model, as_of=as_of)
        return Answer(night_figures(overview))

    @router.get("/page/customers")
    def of_customers(as_of: date, model: Text = None, x: Text = None, y: Text = None) -> Response:
        """Give a sample of customers by two columns."""
        opened = backend()
        name = _configured(opened, model)
        return _or_reason(lambda: customer_figure(opened.warehouse, opened.configuration, name, as_of, (x, y)))

    @router.get("/page/movement")
    def of_movement(former: date, latter: date, model: Text = None) -> Response:
        """Give who moved between two dates."""
        opened = backend()
        name = _configured(opened, model)
        return _or_reason(lambda: movement_figure(opened.warehouse, name, former, latter))


def _add_changes(router: APIRouter, backend: Open, access: Access) -> None:
    @router.post("/page/champion")
    def champion(
        request: Request,
        body: Annotated[bytes, Depends(read_body)],
        caller: Caller = Depends(access.caller),  # noqa: B008
    ) -> Mapping[str, Any]:
        """Promote a version, or roll back to it."""
        require_change(request, caller, "change champions")
        change, opened = parse_body(body, Change), backend()
        return change_champion(opened, _configured(opened, change.model), change, decided_by=caller.name)


def change_champion(opened: Backend, model: str, change: Change, *, decided_by: str) -> dict[str, str]:
    """Make a version the champion and say so; Refusal 409 when it cannot be, or the champion is not the one seen."""
    from clustering.training.promotion import promote  # loads scikit-learn

    registry = opened.champions.registry
    present = registry.champions([model]).get(model)
    if (present.version if present else None) != change.champion:
        raise Refusal(409, f"{model} has another champion by now; reload the page and look again")
    try:
        decided = promote(registry, model=model, version=change.version, decided_by=decided_by)
    except (RunError, ArtifactError) as error:
        raise Refusal(409, str(error)) from None
    did = "rolled back to" if decided["decision"] == "rolled_back" else "promoted to"
    return {"message": f"{model} was {did} version {change.version}. The next night scores with it."}


def _or_reason(answer: Callable[[], dict[str, Any]]) -> Response:
    """Answer, or say in a sentence for the page why there is nothing to draw."""
    try:
        return Answer(answer())
    except PermanentError as error:
        return Answer({"reason": str(error)})


def _configured(opened: Backend, model: str | None) -> str:
    with opened.reading() as transaction:
        return choose_model(read_models(transaction, opened.configuration), model).name
