"""The stores behind the memory."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry
from strawberry import UNSET

from backends.federation import StoreHealth
from backends.records import Health
from resolvers.arguments import listed
from resolvers.context import Info
from resolvers.errors import InputError
from resolvers.scalars import described

described(
    Health,
    name="StoreStatus",
    description="How a store is now.",
    values={
        "UP": "It answers.",
        "DEGRADED": "It answers, but lacks something that it should have.",
        "DOWN": "It does not answer.",
    },
)


@strawberry.type(description="A store, as it is when asked.")
class Store:
    name: str = strawberry.field(description="Its name in the configuration.")
    engine: str = strawberry.field(description="What it is, such as sqlite.")
    roles: list[str] = strawberry.field(
        description="What it plays: texts, graph, keywords, vectors; a search role of some kinds as keywords.chunk."
    )
    status: Health = strawberry.field(description="Whether it answers.")
    latency_ms: float | None = strawberry.field(
        description="How long its answer took, in milliseconds; null if there was none."
    )
    message: str | None = strawberry.field(description="What is wrong with it.")


@strawberry.type
class StoreRoot:
    @strawberry.field(description="Every store, asked now.")
    async def stores(self, info: Info) -> list[Store]:
        return [_store(each) for each in await info.context.loaders.health()]


@strawberry.type
class StoreSubscriptions:
    @strawberry.subscription(
        description=(
            "Every store as it is, and from then on each whose status or message is another: "
            "they are asked at intervals while somebody subscribes."
        )
    )
    async def store_status_changed(
        self,
        info: Info,
        names: Annotated[
            list[str] | None,
            strawberry.argument(description="Only these stores; all unless given."),
        ] = UNSET,
    ) -> AsyncGenerator[Store]:
        wanted = listed(names)
        known = info.context.loaders.stores
        if unknown := [name for name in wanted or () if name not in known]:
            raise InputError(
                f"names: there is no store {unknown[0]!r:.80}; there are {', '.join(known)}"
            )
        async with aclosing(info.context.watch.changes()) as changes:
            async for health in changes:
                if wanted is None or health.name in wanted:
                    yield _store(health)


def _store(health: StoreHealth) -> Store:
    return Store(
        name=health.name,
        engine=health.engine,
        roles=health.roles,
        status=health.health,
        latency_ms=None if health.latency is None else health.latency * 1_000,
        message=health.message,
    )
