"""The same schema over the same stores on Strawberry's view, as its documentation has it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from strawberry.asgi import GraphQL

from backends.federation import Federation
from backends.watching import HealthWatch
from gateway.context import create_context
from gateway.schema import create_schema
from gateway.server import forget_what_stays
from gateway.settings import load_settings
from resolvers.context import Context


def create() -> Starlette:
    """The application over ./memory.db."""
    settings = load_settings()
    federation = Federation(settings.federation)
    watch = HealthWatch(federation, settings.streams.status_seconds)

    class View(GraphQL[Context, None]):
        async def get_context(self, request: Any, response: Any) -> Context:
            return create_context(federation, watch, settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with federation:
            forget_what_stays()
            yield

    app = Starlette(lifespan=lifespan)
    app.mount("/graphql", View(create_schema()))
    return app
