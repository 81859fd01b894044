"""A federation's stores by their bare drivers, as its configuration names them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import make_url

from backends.federation import Federation
from benchmarks.by_hand.graph import GraphNodes, Neo4j
from benchmarks.by_hand.index import GraphIndex
from benchmarks.by_hand.postgres import Postgres, PostgresIndex
from benchmarks.by_hand.reads import Memory
from benchmarks.by_hand.sql import Tables
from benchmarks.by_hand.sqlite import Sqlite, SqliteIndex
from gateway.settings import Settings

POOL = 8
"""Connections to each store."""


class _Store(NamedTuple):
    """One store: who sends to it, and what it plays."""

    sender: Any
    nodes: Any
    index: Any


@asynccontextmanager
async def by_hand(federation: Federation, settings: Settings) -> AsyncGenerator[Memory]:
    """The memory of a federation that is open; each kind is searched in one store."""
    roles, rules = federation.config.roles, settings.search_rules
    async with AsyncExitStack() as stack:
        stores = {
            name: await _connected(store.options, settings.tenant, stack)
            for name, store in federation.config.stores.items()
        }
        yield Memory(
            texts=stores[roles.texts].nodes,
            graph=stores[roles.graph].nodes,
            indexes={kind: stores[name].index for kind, name in roles.vectors.items()},
            embed=federation.embedder.embed,
            weights=rules.weights,
            depth=rules.depth,
            sent=lambda: sum(store.sender.sent for store in stores.values()),
        )


async def _connected(options: Mapping[str, Any], tenant: str, stack: AsyncExitStack) -> _Store:
    if "path" in options:
        opened = Sqlite.connected(Path(options["path"]), tenant, pool=POOL)
        file = await stack.enter_async_context(opened)
        return _Store(file, Tables(file), SqliteIndex(file))
    if "user" in options:
        url, user, password = (options[name] for name in ("url", "user", "password"))
        server = await stack.enter_async_context(
            Neo4j.connected(url, user, password, tenant, pool=POOL)
        )
        return _Store(server, GraphNodes(server), await GraphIndex.over(server))
    dsn = make_url(options["url"]).set(drivername="postgresql")
    connected = Postgres.connected(dsn.render_as_string(hide_password=False), tenant, pool=POOL)
    database = await stack.enter_async_context(connected)
    return _Store(database, Tables(database), await PostgresIndex.over(database))
