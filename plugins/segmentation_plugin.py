"""The API and the Segments page inside Airflow, under /segmentation, behind Airflow's log-in and DAG permissions.

Whoever may see the runs of `segment_customers` may read; whoever may trigger `cluster_customers` may post customers,
and look single ones up; whoever may trigger `retrain_models` may change champions and decide on
held nights.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from fastapi import HTTPException, Request

    from clustering.web import Access, Backend
    from clustering.web.backend import Open


class SegmentationPlugin(AirflowPlugin):
    """Mounts the API, and adds the Segments page to the navigation."""

    name = "segmentation"
    external_views = [  # noqa: RUF012 (as the base class declares it)
        {
            "name": "Segments",
            "href": "segmentation/page",
            "url_route": "segments",
            "destination": "nav",
            "nav_top_level": True,
            "icon": "segmentation/page/static/icon/segments.svg",
        }
    ]

    # Every process of Airflow loads plugins, but only the api-server asks for this.
    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        from clustering.web import create_app

        app = create_app(open_backend, airflow_access())
        return [{"app": app, "url_prefix": "/segmentation", "name": "Customer segmentation"}]


def airflow_access() -> Access:
    """Return the access that Airflow's auth manager decides on."""
    # Not part of Airflow's public interface: nothing else here may depend on it.
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag

    from clustering.web import Access
    from clustering.web.security import recognise

    return Access(
        reads=requires_access_dag("GET", DagAccessEntity.RUN, "segment_customers"),
        customers=requires_access_dag("POST", DagAccessEntity.RUN, "cluster_customers"),
        caller=recognise(
            get_user,
            name=lambda user: user.get_name(),
            require=requires_access_dag("POST", DagAccessEntity.RUN, "retrain_models"),
            looks_up=requires_access_dag("POST", DagAccessEntity.RUN, "cluster_customers"),
        ),
        log_in=log_in_address,
        is_stranger=is_stranger,
    )


def is_stranger(request: Request, error: HTTPException) -> bool:
    """Return whether somebody has no log-in, or a cookie that Airflow does not take any more: old, or of other keys."""
    by_cookie = "authorization" not in request.headers and bool(request.cookies)
    return error.status_code == 401 or (by_cookie and error.status_code == 403 and error.detail == "Invalid JWT token")


def log_in_address(request: Request) -> str:
    """Return the path of Airflow's log-in, which leads back to what was asked for."""
    # Paths alone: what stands before them may be another one to the browser than to this server.
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{request.base_url.path}api/v2/auth/login?{urlencode({'next': wanted})}"


def open_backend() -> Backend:
    """Return the backend on the warehouse of Airflow's connection; what fails is tried again by the next request."""
    return _following()()


@cache
def _following() -> Open:
    from clustering import web

    return web.Following(_url)


def _url() -> str:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    from clustering.warehouse import url_of_connection
    from clustering.warehouse.urls import CONNECTION

    try:
        connection = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        connection = None
    return url_of_connection(connection)
