"""A page as an answer, or why it cannot be shown."""

from __future__ import annotations

from collections.abc import Callable

from fastapi.responses import HTMLResponse
from sqlalchemy.exc import DBAPIError

from clustering.errors import ClusteringError, DataError
from clustering.web.assets import assets
from clustering.web.error_answers import RETRY, explain_and_log
from clustering.web.templating import render


def shown(page: Callable[[], str]) -> HTMLResponse:
    """Return a page: 404 where what is asked for does not exist, 503 where the fault is on our side."""
    try:
        return HTMLResponse(page())
    except DataError as error:
        return HTMLResponse(render("problem.html", assets=assets(), problem=str(error), passing=False), 404)
    except (ClusteringError, DBAPIError) as error:
        problem = render("problem.html", assets=assets(), problem=explain_and_log(error), passing=True)
        return HTMLResponse(problem, 503, RETRY)
