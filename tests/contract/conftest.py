"""The adapters under contract, each with the roles that it plays.

To put another adapter under contract, add a row to `ADAPTERS`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backends.records import Kind, Needs, Scope, VectorSpace
from backends.registry import create
from backends.roles import (
    Cache,
    Chunks,
    Documents,
    Entities,
    Episodes,
    Facts,
    Keywords,
    Mentions,
    Store,
    Vectors,
)
from tests.contract.samples import new_scope
from tests.servers import postgres, qdrant
from tests.servers.process import given

STORING = ("documents", "chunks", "entities", "facts", "mentions", "episodes")
SPACE = VectorSpace("model", 4)
"""That of the vectors in `test_vectors`."""


class Places:
    """Where stores can be: servers, started when they are first asked for, and what is made on them for
    one store and removed after it."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.databases: list[str] = []
        """The PostgreSQL databases that were made."""
        self._request = request
        self._stack = stack

    def server(self, fixture: str) -> Any:
        """What a fixture of `tests.servers.fixtures` gives."""
        return self._request.getfixturevalue(fixture)

    async def database(self) -> str:
        """The URL of an empty PostgreSQL database."""
        made = await self._stack.enter_async_context(postgres.database(self.server("postgres")))
        self.databases.append(made)
        return made

    async def collections(self) -> str:
        """A prefix that no collection of the Qdrant server has."""
        return await self._stack.enter_async_context(
            qdrant.collections(self.server("qdrant_server"))
        )


Options = Callable[[Places], Awaitable[Mapping[str, object]]]


class Adapter(msgspec.Struct, frozen=True):
    """A kind of store with the options of an empty one, and the roles that it plays.

    `atomic` says whether its engine writes a batch together or not at all.
    """

    kind: str
    options: Options
    roles: frozenset[str]
    atomic: bool = True


async def in_file(places: Places) -> Mapping[str, object]:
    return {"url": f"sqlite+aiosqlite:///{places.folder}/memory.db", "upgrade": True}


async def in_postgres(places: Places) -> Mapping[str, object]:
    return {"url": await places.database()}


async def behind_pgbouncer(places: Places) -> Mapping[str, object]:
    url = postgres.same_database(places.server("pgbouncer"), await places.database())
    return {"url": url, "prepared_statements": False}


async def in_local_qdrant(places: Places) -> Mapping[str, object]:
    return {"url": ":memory:"}


async def in_qdrant(places: Places) -> Mapping[str, object]:
    return {"url": places.server("qdrant_server"), "prefix": await places.collections()}


async def in_qdrant_without_grpc(places: Places) -> Mapping[str, object]:
    return {**await in_qdrant(places), "prefer_grpc": False}


async def in_neo4j(places: Places) -> Mapping[str, object]:
    return msgspec.structs.asdict(places.server("neo4j_server"))


async def in_redis(places: Places) -> Mapping[str, object]:
    # Time limits of a test machine: those of the default let a busy one lose its cache for a second.
    patient = {"call_timeout": 10.0, "connect_timeout": 10.0, "pool_timeout": 10.0}
    return {"url": places.server("redis_server"), **patient}


async def in_memory(places: Places) -> Mapping[str, object]:
    return {}


GRAPH = frozenset(("entities", "facts", "mentions", "episodes"))
SEARCH = frozenset(("keywords", "vectors"))
ALL_ROLES = GRAPH | SEARCH | {"documents", "chunks"}
VECTORS = frozenset(("vectors",))
CACHE = frozenset(("cache",))

ADAPTERS: dict[str, Adapter] = {
    "sqlite": Adapter("sql", in_file, ALL_ROLES),
    "postgres": Adapter("sql", in_postgres, ALL_ROLES),
    "pgbouncer": Adapter("sql", behind_pgbouncer, ALL_ROLES),
    "qdrant": Adapter("qdrant", in_local_qdrant, VECTORS, atomic=False),
    "neo4j": Adapter("neo4j", in_neo4j, GRAPH | SEARCH),
    "redis": Adapter("redis", in_redis, CACHE, atomic=False),
    "memory": Adapter("memory", in_memory, CACHE, atomic=False),
}
if given(qdrant.VARIABLE) is not None:
    ADAPTERS["qdrant-server"] = Adapter("qdrant", in_qdrant, VECTORS, atomic=False)
    ADAPTERS["qdrant-server-rest"] = Adapter(
        "qdrant", in_qdrant_without_grpc, VECTORS, atomic=False
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about a role that an adapter does not play, or a promise that it does not make."""
    beside = [item for item in items if not _applies(item)]
    config.hook.pytest_deselected(items=beside)
    items[:] = [item for item in items if _applies(item)]


def _applies(item: pytest.Item) -> bool:
    given = getattr(item, "callspec", None)
    if given is None or "adapter" not in given.params:
        return True
    adapter = ADAPTERS[given.params["adapter"]]
    named = {
        given.params[name].partition(".")[0]
        for name in ("role", "holder", "call")
        if name in given.params
    }
    needed = (named | set(getattr(item, "fixturenames", ()))) & (ALL_ROLES | CACHE)
    marked = {name for mark in item.iter_markers("usefixtures") for name in mark.args}
    return (
        needed <= adapter.roles
        and (adapter.atomic or "atomic" not in marked)
        and (adapter.roles != CACHE or "storing" not in marked)
    )


@pytest.fixture(scope="session", params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """One of the adapters."""
    return ADAPTERS[request.param]


Opening = Callable[[str], Any]
"""Opens a store of this name, as an async context manager."""


@pytest.fixture(scope="session")
def opening(
    adapter: Adapter, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Opening:
    """How to open an empty store of the adapter, ready for whatever it can play."""

    @asynccontextmanager
    async def opened(name: str) -> AsyncGenerator[Store]:
        async with AsyncExitStack() as stack:
            places = Places(request, tmp_path_factory.mktemp(name), stack)
            store = create(adapter.kind, name, await adapter.options(places))
            await store.open()
            stack.push_async_callback(store.close)
            await store.migrate(needs_of(store))
            yield store

    return opened


@pytest.fixture(scope="session")
async def store(opening: Opening) -> AsyncGenerator[Store]:
    """A store of the adapter, open."""
    async with opening("tested") as store:
        yield store


@pytest.fixture(scope="session")
async def closed(opening: Opening) -> Store:
    """A store of the adapter that was open and is closed."""
    async with opening("closed") as store:
        await store.ping()
    return store


def needs_of(store: Store) -> Needs:
    """Everything that a store can play."""
    roles = frozenset(role for role in STORING if getattr(store, role, None) is not None)
    keywords, vectors = (
        frozenset(Kind if getattr(store, role, None) is not None else ())
        for role in ("keywords", "vectors")
    )
    return Needs(roles=roles, keywords=keywords, vectors=vectors, space=SPACE)


@pytest.fixture
def scope() -> Scope:
    """A tenant of the test's own."""
    return new_scope()


def played(store: Store, role: str) -> Any:
    """A role that the store's row says it plays."""
    found = getattr(store, role, None)
    assert found is not None, f"{store.engine} does not play {role}"
    return found


@pytest.fixture(scope="session")
def documents(store: Store) -> Documents:
    return played(store, "documents")


@pytest.fixture(scope="session")
def chunks(store: Store) -> Chunks:
    return played(store, "chunks")


@pytest.fixture(scope="session")
def entities(store: Store) -> Entities:
    return played(store, "entities")


@pytest.fixture(scope="session")
def facts(store: Store) -> Facts:
    return played(store, "facts")


@pytest.fixture(scope="session")
def mentions(store: Store) -> Mentions:
    return played(store, "mentions")


@pytest.fixture(scope="session")
def episodes(store: Store) -> Episodes:
    return played(store, "episodes")


@pytest.fixture(scope="session")
def keywords(store: Store) -> Keywords:
    return played(store, "keywords")


@pytest.fixture(scope="session")
def vectors(store: Store) -> Vectors:
    return played(store, "vectors")


@pytest.fixture(scope="session")
def cache(store: Store) -> Cache:
    return played(store, "cache")


@pytest.fixture
def atomic() -> None:
    """For tests of what an engine without transactions cannot promise."""


@pytest.fixture
def storing() -> None:
    """For tests of what lasts."""
