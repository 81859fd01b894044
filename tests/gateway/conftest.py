"""The odd memory and the PEPs in every federation that there is: one file, one server, all servers."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from rich.console import Console

from backends.federation import Federation
from backends.ingest.reader import sources
from backends.records import Scope
from gateway.app import create_app
from gateway.loading import load
from gateway.settings import load_settings
from tests.contract.conftest import Places
from tests.servers import postgres
from tests.support import DATA, SHARED, Gateway, asking, running

Config = Callable[[Places, bool], Awaitable[str]]
"""Makes the empty stores of a federation; gives its gateway.toml.  A large memory may be spread so that it
is quick to load."""


async def embedded(places: Places, large: bool) -> str:
    return f"""
        [stores.embedded]
        kind = "sql"
        path = "{places.folder}/memory.db"
        """


async def postgres_alone(places: Places, large: bool) -> str:
    return f"""
        [stores.postgres]
        kind = "sql"
        url = "{await places.database()}"
        """


async def every_server(places: Places, large: bool) -> str:
    """Texts and their words in PostgreSQL, the graph and its words in Neo4j, vectors in Qdrant (those of
    chunks in a file where there are many: Qdrant's local mode is slow), a cache in Redis."""
    graph = places.server("neo4j_server")
    chunks = "local" if large else "qdrant"
    return f"""
        [stores.postgres]
        kind = "sql"
        url = "{await places.database()}"
        [stores.graph]
        kind = "neo4j"
        url = "{graph.url}"
        user = "{graph.user}"
        password = "{graph.password}"
        [stores.qdrant]
        kind = "qdrant"
        url = ":memory:"
        [stores.local]
        kind = "sql"
        path = "{places.folder}/vectors.db"
        [stores.cache]
        kind = "redis"
        url = "{places.server("redis_server")}"
        prefix = "{uuid4().hex}"
        [roles]
        texts = "postgres"
        graph = "graph"
        cache = "cache"
        [roles.keywords]
        document = "postgres"
        chunk = "postgres"
        entity = "graph"
        fact = "graph"
        episode = "graph"
        [roles.vectors]
        document = "qdrant"
        chunk = "{chunks}"
        entity = "qdrant"
        fact = "qdrant"
        episode = "graph"
        """


FEDERATIONS: dict[str, Config] = {
    "embedded": embedded,
    "postgres": postgres_alone,
    "federation": every_server,
}


@pytest.fixture(scope="session", params=FEDERATIONS)
def federation_config(request: pytest.FixtureRequest) -> Config:
    """One of the federations."""
    return FEDERATIONS[request.param]


@pytest.fixture(scope="session")
async def odd_anywhere(
    federation_config: Config, request: pytest.FixtureRequest, tmp_path_factory: Any
) -> AsyncGenerator[Gateway]:
    """The small memory of everything odd, in each federation."""
    folder = tmp_path_factory.mktemp("odd")
    async with serving(federation_config, request, folder, DATA / "odd", large=False) as gateway:
        yield gateway


@pytest.fixture(scope="session")
async def peps_anywhere(
    federation_config: Config,
    peps_file: Path,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Gateway]:
    """The memory of the Python Enhancement Proposals, in each federation."""
    if federation_config is embedded:
        async with running(peps_file) as gateway:
            yield gateway
        return
    folder = tmp_path_factory.mktemp("peps")
    async with serving(federation_config, request, folder, SHARED / "peps", large=True) as gateway:
        yield gateway


@asynccontextmanager
async def serving(
    config: Config, request: pytest.FixtureRequest, folder: Path, memory: Path, *, large: bool
) -> AsyncGenerator[Gateway]:
    """A gateway over a federation of its own, filled while it serves."""
    async with AsyncExitStack() as stack:
        toml = folder / "gateway.toml"
        places = Places(request, folder, stack)
        toml.write_text(await config(places, large))
        settings = load_settings(config=toml, tenant=f"test-{uuid4().hex}")
        app = create_app(settings)
        await stack.enter_async_context(app.router.lifespan_context(app))
        federation: Federation = app.state.federation
        for name, store in federation.stores.items():
            await store.migrate(federation.needs_of(name))
        async with AsyncExitStack() as loading:
            for database in places.databases if large else ():
                await loading.enter_async_context(postgres.indexed_afterwards(database, "hnsw"))
            scope, quiet = Scope(settings.tenant), Console(quiet=True)
            report = await load(federation, scope, sources([str(memory)]), console=quiet)
        assert report.rejected == []
        yield await stack.enter_async_context(asking(app))
