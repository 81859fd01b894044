"""The application: the schema, the federation and the routes, put together."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from backends.federation import Federation
from gateway.errors import plain, unexpected
from gateway.explorer import static_files
from gateway.health import Ready, healthz, warn
from gateway.schema import create_schema, print_sdl
from gateway.sections import HttpSettings
from gateway.settings import Settings
from gateway.transports.accept import MULTIPART
from gateway.transports.asked import METHODS
from gateway.transports.endpoint import GraphQLEndpoint
from gateway.transports.openings import Openings
from gateway.transports.service import Service
from gateway.transports.sockets import SocketEndpoint

COMPRESSED_FROM = 1024
"""Bytes of an answer: fewer go in one packet anyway."""

ON_THREAD_FROM = 64 * 1024
"""Bytes that are compressed on a thread: fewer hold the event loop for less than a millisecond."""


def create_app(settings: Settings) -> Starlette:
    """The ASGI application.  Its lifespan opens the stores (`state.federation`) and closes them again; a
    server that is about to end tells the open streams (`state.openings`)."""
    schema = create_schema()
    sdl = print_sdl(schema)
    federation = Federation(settings.federation)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with federation:
            await warn(federation)
            yield

    async def schema_file(_: Request) -> Response:
        return Response(sdl, media_type="application/graphql; charset=utf-8")

    async def home(_: Request) -> Response:
        return RedirectResponse("/graphql")

    service = Service(schema, federation, settings)
    openings = Openings(settings.streams.connections)
    graphql = Route("/graphql", GraphQLEndpoint(service, openings, settings).__call__)
    graphql.methods = None  # any: the endpoint itself says which it takes
    app = Starlette(
        routes=[
            Route("/", home),
            graphql,
            WebSocketRoute("/graphql", SocketEndpoint(service, openings, settings).__call__),
            Mount("/assets", static_files()),
            Route("/schema.graphql", schema_file),
            Route("/healthz", healthz),
            Route("/readyz", Ready(federation).__call__),
        ],
        lifespan=lifespan,
        middleware=_middleware(settings.http),
        exception_handlers={HTTPException: _not_here, Exception: _unexpected},
    )
    app.state.federation = federation
    app.state.openings = openings
    return app


def _middleware(settings: HttpSettings) -> list[Middleware]:
    """What stands around every route, the outermost first."""
    chosen: list[Middleware] = []
    if settings.cors_origins:
        chosen.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=METHODS,
                allow_headers=("*",),
            )
        )
    if settings.compression == "gzip":
        chosen.append(
            Middleware(
                GZipMiddleware,
                minimum_size=COMPRESSED_FROM,
                compresslevel=1,  # 4 saves a tenth of the bytes more, for nearly twice the time
                thread_minimum_size=ON_THREAD_FROM,
                exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, MULTIPART),
            )
        )
    return chosen


async def _not_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}"
    shown = plain(message, "BAD_USER_INPUT")
    return _json_error(error.status_code, shown, dict(error.headers or {}))


async def _unexpected(_: Request, error: Exception) -> Response:
    return _json_error(500, unexpected(error))


def _json_error(
    status: int, error: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    return Response(msgspec.json.encode({"errors": [error]}), status, headers, "application/json")
