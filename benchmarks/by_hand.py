"""The same calls by hand: what a coroutine costs that sends them with the drivers alone.

`taking_down` notes every statement that our adapters send while a query is answered: its text, its
parameters, when it began and ended.  `Calls.send` then sends them again with the bare drivers (asyncpg,
aiosqlite, neo4j, qdrant-client), each as soon as those are done that were done before it, all others at
the same time; makes a dict of every row, as who writes such a coroutine would, and dumps them with
orjson.  There is no GraphQL, no record, no cursor and no check in it: the floor of what can be reached.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import aiosqlite
import asyncpg
import msgspec
import orjson
from sqlalchemy import event

from backends.federation import Federation
from backends.neo4j import engine as neo4j_engine
from backends.neo4j.store import Neo4jStore
from backends.qdrant.store import QdrantStore
from backends.sql.store import SqlStore

Send = Callable[[], Awaitable[Any]]
POOL = 8
"""Connections that the bare drivers have for each store."""


class Call(msgspec.Struct):
    """One statement: how to send it again, and when it was under way (seconds, monotonic)."""

    store: str
    statement: Any
    parameters: Any
    began: float
    ended: float = 0.0
    rows: int = 0


class Calls:
    """The statements of one query, to be sent again in their order."""

    def __init__(self, noted: list[Call]) -> None:
        self.noted = sorted(noted, key=lambda call: call.began)
        self._before = [
            [
                place
                for place, earlier in enumerate(self.noted[:number])
                if earlier.ended <= call.began
            ]
            for number, call in enumerate(self.noted)
        ]

    async def send(self, drivers: "Drivers") -> bytes:
        """Send them, and dump what they give."""
        done = [asyncio.Event() for _ in self.noted]

        async def send_one(place: int) -> list[dict[str, Any]]:
            for earlier in self._before[place]:
                await done[earlier].wait()
            rows = await drivers.send(self.noted[place])
            done[place].set()
            return rows

        answers = await asyncio.gather(*(send_one(place) for place in range(len(self.noted))))
        return orjson.dumps(
            {str(place): rows for place, rows in enumerate(answers)}, default=_plain
        )


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


@contextmanager
def taking_down(federation: Federation) -> Generator[list[Call]]:
    """Every statement that is sent within."""
    noted: list[Call] = []
    undo: list[Callable[[], None]] = []
    for name, store in federation.stores.items():
        if isinstance(store, SqlStore):
            undo.append(_note_sql(name, store, noted))
        elif isinstance(store, Neo4jStore):
            undo.append(_note_cypher(name, noted))
        elif isinstance(store, QdrantStore):
            undo.append(_note_queries(name, store, noted))
    try:
        yield noted
    finally:
        for each in undo:
            each()


def _note_sql(name: str, store: Any, noted: list[Call]) -> Callable[[], None]:
    engine = store._sql._connections.reads.sync_engine

    def begin(_: Any, __: Any, statement: str, parameters: Any, context: Any, ___: Any) -> None:
        context.noted = Call(name, statement, parameters, time.perf_counter())
        noted.append(context.noted)

    def end(_: Any, __: Any, ___: Any, ____: Any, context: Any, _____: Any) -> None:
        context.noted.ended = time.perf_counter()

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)

    def undo() -> None:
        event.remove(engine, "before_cursor_execute", begin)
        event.remove(engine, "after_cursor_execute", end)

    return undo


def _note_cypher(name: str, noted: list[Call]) -> Callable[[], None]:
    original = neo4j_engine._rows_of

    async def rows_of(transaction: Any, query: str, parameters: Any) -> Any:
        call = Call(name, query, dict(parameters), time.perf_counter())
        noted.append(call)
        try:
            return await original(transaction, query, parameters)
        finally:
            call.ended = time.perf_counter()

    neo4j_engine._rows_of = rows_of

    def undo() -> None:
        neo4j_engine._rows_of = original

    return undo


def _note_queries(name: str, store: Any, noted: list[Call]) -> Callable[[], None]:
    client = store._connection.client
    methods = ("query_batch_points", "retrieve")
    originals = {method: getattr(client, method) for method in methods}

    def noting(method: str) -> Any:
        async def call(*arguments: Any, **options: Any) -> Any:
            made = Call(name, method, (arguments, options), time.perf_counter())
            noted.append(made)
            try:
                return await originals[method](*arguments, **options)
            finally:
                made.ended = time.perf_counter()

        return call

    for method in methods:
        setattr(client, method, noting(method))

    def undo() -> None:
        for method, original in originals.items():
            setattr(client, method, original)

    return undo


class Drivers:
    """The bare drivers of a federation's stores."""

    def __init__(self) -> None:
        self._senders: dict[str, Callable[[Call], Awaitable[list[dict[str, Any]]]]] = {}

    async def send(self, call: Call) -> list[dict[str, Any]]:
        """The rows of a statement, a dict each."""
        return await self._senders[call.store](call)

    @classmethod
    @asynccontextmanager
    async def of(cls, federation: Federation) -> AsyncGenerator["Drivers"]:
        """Connected to the stores of a federation."""
        drivers = cls()
        async with AsyncExitStack() as stack:
            for name, store in federation.stores.items():
                if isinstance(store, SqlStore) and store.engine == "postgresql":
                    drivers._senders[name] = await _postgres(store, stack)
                elif isinstance(store, SqlStore):
                    drivers._senders[name] = await _sqlite(store, stack)
                elif isinstance(store, Neo4jStore):
                    drivers._senders[name] = _neo4j(store)
                elif isinstance(store, QdrantStore):
                    drivers._senders[name] = _qdrant(store)
            yield drivers


async def _postgres(store: Any, stack: AsyncExitStack) -> Any:
    url = store._database.dialect._url.set(drivername="postgresql")
    dsn = url.render_as_string(hide_password=False)
    pool: Any = await stack.enter_async_context(
        asyncpg.create_pool(dsn, min_size=POOL, max_size=POOL, server_settings={"jit": "off"})
    )

    async def send(call: Call) -> list[dict[str, Any]]:
        async with pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(call.statement, *call.parameters)]

    return send


async def _sqlite(store: Any, stack: AsyncExitStack) -> Any:
    free: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
    for _ in range(POOL):
        path = store._database.dialect.path
        free.put_nowait(await stack.enter_async_context(aiosqlite.connect(path)))

    async def send(call: Call) -> list[dict[str, Any]]:
        connection = await free.get()
        try:
            async with connection.execute(call.statement, call.parameters) as cursor:
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
        finally:
            free.put_nowait(connection)

    return send


def _neo4j(store: Any) -> Any:
    driver, database = store._engine._driver, store._engine.options.database

    async def fetch(transaction: Any, call: Call) -> list[dict[str, Any]]:
        result = await transaction.run(call.statement, call.parameters)
        return [dict(zip(("value",), row, strict=False)) for row in await result.values()]

    async def send(call: Call) -> list[dict[str, Any]]:
        async with driver.session(database=database, fetch_size=-1) as session:
            return await session.execute_read(fetch, call)

    return send


def _qdrant(store: Any) -> Any:
    client = store._connection.client

    async def send(call: Call) -> list[dict[str, Any]]:
        arguments, options = call.parameters
        found = await getattr(client, call.statement)(*arguments, **options)
        points = [point for each in found for point in getattr(each, "points", [each])]
        return [
            {"id": point.id, "score": getattr(point, "score", None), "payload": point.payload}
            for point in points
        ]

    return send
