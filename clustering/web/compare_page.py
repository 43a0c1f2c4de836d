"""Two versions side by side before one is promoted, with the buttons to promote and to reject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import AfterValidator, BaseModel, StrictInt, StrictStr, StringConstraints
from sqlalchemy.exc import DBAPIError

from clustering.errors import ClusteringError, DataError, RunError
from clustering.web.assets import assets
from clustering.web.backend import Open
from clustering.web.body import parse_body, read_body
from clustering.web.error_answers import RETRY, Refusal, explain
from clustering.web.held_nights import MOST, one_line
from clustering.web.own_page import COOKIE, page_token, require_change
from clustering.web.security import Access, Caller
from clustering.web.templating import render
from clustering.web.trainings import figures
from clustering.web.version_pairs import read_pair

Number = Annotated[int | None, Query(ge=1, lt=2**31)]


class Rejection(BaseModel):
    """A candidate that is not to become champion, and why."""

    model: StrictStr
    version: StrictInt
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST), AfterValidator(one_line)
    ]


def add_compare(router: APIRouter, backend: Open, access: Access, headers: dict[str, str]) -> None:
    """Add the comparison, and the route that a rejection is sent to."""

    @router.get("/compare")
    def compare(
        request: Request,
        model: Annotated[str | None, Query(max_length=200)] = None,
        former: Number = None,
        latter: Number = None,
        caller: Caller = Depends(access.caller),  # noqa: B008
    ) -> Response:
        """Show two versions of a model."""
        token = page_token(request)
        answer = _shown(backend, caller, token, (model or None, former, latter))
        answer.headers.update(headers)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")
        return answer

    @router.post("/page/rejection")
    def rejection(
        request: Request,
        body: Annotated[bytes, Depends(read_body)],
        caller: Caller = Depends(access.caller),  # noqa: B008
    ) -> Mapping[str, Any]:
        """Reject a candidate."""
        from clustering.training.promotion import approve

        require_change(request, caller, "reject a version")
        wanted, opened = parse_body(body, Rejection), backend()
        registry = opened.champions.registry
        try:
            candidate = registry.numbered(wanted.model, wanted.version)
            approve(
                opened.configuration,
                registry,
                model_version_id=candidate.model_version_id,
                approved=False,
                remark=wanted.reason,
                decided_by=caller.name,
            )
        except (ClusteringError, RunError) as error:
            raise Refusal(409, str(error)) from None
        return {"message": f"Version {wanted.version} of {wanted.model} was rejected; the champion stays."}


def _shown(
    backend: Open, caller: Caller, token: str, wanted: tuple[str | None, int | None, int | None]
) -> HTMLResponse:
    try:
        pair = read_pair(backend(), *wanted)
    except DataError as error:
        return HTMLResponse(render("problem.html", assets=assets(), problem=str(error)), 404)
    except (ClusteringError, DBAPIError) as error:
        return HTMLResponse(render("problem.html", assets=assets(), problem=explain(error)), 503, RETRY)
    versions = [one for one in (pair.former, pair.latter) if one]
    told = [figures(one.metrics) for one in versions]
    titles = dict.fromkeys(title for one in told for title in one if title != "Would move")
    text = render(
        "compare.html",
        assets=assets(),
        caller=caller,
        token=token,
        pair=pair,
        versions=versions,
        titles=list(titles),
        figures=told,
    )
    return HTMLResponse(text)
