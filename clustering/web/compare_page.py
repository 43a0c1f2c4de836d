"""Two versions side by side before one is promoted, or one that was refused alone, with the buttons to decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request, Response
from markupsafe import Markup
from pydantic import BaseModel, Field, StrictInt, StrictStr

from clustering.config import Column
from clustering.errors import ClusteringError
from clustering.web.assets import assets
from clustering.web.backend import Backend, Open
from clustering.web.body import parse_body, read_body
from clustering.web.charts import points, words
from clustering.web.drawings import drawing
from clustering.web.error_answers import Refusal
from clustering.web.held_nights import Reason
from clustering.web.own_page import keep_token, page_token, require_change
from clustering.web.security import Access, Caller
from clustering.web.shown_pages import shown
from clustering.web.templating import render
from clustering.web.trainings import figures
from clustering.web.version_pairs import read_pair
from clustering.web.version_samples import SampledVersion

Number: TypeAlias = Annotated[int | None, Field(ge=1, lt=2**31)]
Text: TypeAlias = Annotated[str | None, Field(max_length=200)]


class Wanted(BaseModel):
    """The versions that the address asks for, and the columns to draw customers by."""

    model: Text = None
    former: Number = None
    latter: Number = None
    x: Text = None
    y: Text = None


class Rejection(BaseModel):
    """A candidate that is not to become champion, and why."""

    model: StrictStr
    version: StrictInt
    reason: Reason


def add_compare(router: APIRouter, backend: Open, access: Access, headers: dict[str, str]) -> None:
    """Add the comparison, and the route that a rejection is sent to."""

    @router.get("/compare")
    def compare(
        request: Request,
        wanted: Annotated[Wanted, Query()],
        caller: Caller = Depends(access.caller),  # noqa: B008
    ) -> Response:
        """Show two versions of a model, or one that there is no other beside."""
        token = page_token(request)
        answer = shown(lambda: _text(backend(), caller, token, wanted))
        answer.headers.update(headers)
        keep_token(request, answer, token)
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
            if candidate.status != "candidate":  # by the same person too, whose other reason would be lost
                raise Refusal(409, f"version {wanted.version} of {wanted.model} was decided on before")
            approve(
                opened.configuration,
                registry,
                model_version_id=candidate.model_version_id,
                approved=False,
                remark=wanted.reason,
                decided_by=caller.name,
            )
        except ClusteringError as error:
            raise Refusal(409, str(error)) from None
        return {"message": f"Version {wanted.version} of {wanted.model} was rejected; the champion stays."}


def _text(opened: Backend, caller: Caller, token: str, wanted: Wanted) -> str:
    pair = read_pair(opened, wanted.model or None, wanted.former, wanted.latter, (wanted.x, wanted.y))
    versions = [one for one in (pair.former, pair.latter) if one]
    told = [figures(one.metrics) for one in versions]
    titles = dict.fromkeys(title for one in told for title in one if title != "Would move")
    columns = opened.configuration.contract.columns
    return render(
        "compare.html",
        assets=assets(),
        caller=caller,
        token=token,
        pair=pair,
        versions=versions,
        titles=list(titles),
        figures=told,
        columns=opened.configuration.contract.averaged,
        picture=pair.sampled and picture(pair.sampled, columns),
    )


def picture(sampled: SampledVersion, columns: Mapping[str, Column]) -> Markup:
    """Return sampled customers in the colours of their segments, as a drawing that needs no script."""
    names = {one.segment_id: one.segment_name for one in sampled.segments}
    x, y = map(words, sampled.points.columns)
    return drawing(points(sampled.points, names, columns), f"Today's customers by {x} and {y}, coloured by segment")
