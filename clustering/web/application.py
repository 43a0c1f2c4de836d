"""The app: routes, error answers, headers, and an OpenAPI document behind the log-in."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clustering.settings import ApiLimits
from clustering.warehouse import warehouse_url
from clustering.web import router
from clustering.web.backend import Following, Open
from clustering.web.error_answers import add_handlers
from clustering.web.page import make_page
from clustering.web.security import Access, token_access

TITLE = "Customer segmentation"
DESCRIPTION = "Labels for customers by the models in use, and what is known of models and segments."
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class SafeHeaders:
    """Adds to every answer what keeps browsers from storing it, or from taking it for something else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def create_app(backend: Open, access: Access) -> FastAPI:
    """Return the app on a backend, which is opened by the first request that needs it."""
    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.backend = backend
    app.add_middleware(SafeHeaders)
    add_handlers(app, log_in=access.log_in, is_stranger=access.is_stranger)
    app.include_router(router.customers, dependencies=[Depends(access.customers)])
    app.include_router(router.gets, dependencies=[Depends(access.reads)])
    app.include_router(make_page(backend, access))
    if access.open_routes:
        app.include_router(access.open_routes)
    return app


def standalone_app() -> FastAPI:
    """Return the app for a server of its own, configured by the environment.

    Raises ConfigurationError when there is no token, no warehouse or a wrong configuration.
    """
    access = token_access()
    ApiLimits.read()
    backend = Following(warehouse_url)
    backend()
    return create_app(backend, access)
