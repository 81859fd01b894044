"""PostgreSQL's ways: fixed pools over asyncpg, writers that take turns across processes.

With `prepared_statements` off nothing outlives a transaction, and every statement runs in one: so it
works behind a pooler that hands servers out by transaction, such as PgBouncer before 1.21.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from sqlalchemy import (
    URL,
    FromClause,
    Pool,
    Select,
    Table,
    Text,
    column,
    event,
    exc,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from backends.records import PoolStatus
from backends.sql.columns import KeyList
from backends.sql.dialect import Connections
from backends.sql.statements import bound

WRITERS = 0x6D656D6F7279
"""The advisory lock that a transaction of ours holds while it writes ("memory" in ASCII)."""


class PoolOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A pool of a fixed size: no connection beyond it is ever opened.  Times in seconds.

    `wait`: for a free connection; `connect`: for the server's greeting; `recycle`: the age at which a
    connection is replaced; `check_after`: the idle time after which one is tried before it is used.
    """

    size: int
    wait: float
    connect: float
    recycle: float
    check_after: float


class PostgresDialect:
    """A server, and perhaps a replica of it that answers reads."""

    def __init__(
        self,
        url: URL,
        *,
        read_url: URL | None,
        pool: PoolOptions,
        prepared_statements: bool,
        read_only: bool,
    ) -> None:
        self._url = url
        self._read_url = read_url
        self._pool = pool
        self._prepared = prepared_statements
        self._read_only = read_only

    def connect(self) -> Connections:
        """Make the pools; a connection is opened when it is first needed."""
        writes = self._engine(self._url)
        reads = writes if self._read_url is None else self._engine(self._read_url)
        if self._prepared:  # a read is one statement: without a transaction it is one round trip
            reads = reads.execution_options(isolation_level="AUTOCOMMIT")
        return Connections(reads=reads, writes=writes)

    def pool(self, connections: Connections | None) -> PoolStatus:
        """How the pool of reads is; a primary beside a replica has another of the same size."""
        pool: Any = connections and connections.reads.pool
        return PoolStatus(
            size=self._pool.size,
            in_use=pool.checkedout() if pool else 0,
            wait=self._pool.wait,
            recycle=self._pool.recycle,
            checked=True,
        )

    @asynccontextmanager
    async def transaction(self, connection: AsyncConnection) -> AsyncGenerator[None]:
        """A transaction; one of ours at a time writes to a database, whatever process it is in."""
        async with connection.begin():
            await connection.execute(select(func.pg_advisory_xact_lock(WRITERS)))
            yield

    async def refresh_statistics(self, connection: AsyncConnection) -> None:
        """The server does so by itself, but only some time after a load; until then a plan may take a
        hundred times as long."""
        async with connection.begin():
            await connection.execute(text("ANALYZE"))

    def insert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT."""
        return insert(table)

    def parents(self, keys: Sequence[str]) -> FromClause:
        """The keys as rows."""
        rows = (
            func.unnest(bound(keys, KeyList()), type_=Text())
            .table_valued("value", with_ordinality="number", name="listed")
            .render_derived()
        )
        value = column("value", Text, _selectable=rows)
        place = (rows.c.number - 1).label("key")
        return select(place, value).select_from(rows).subquery("parent")

    def per_parent(self, window: Select[Any]) -> FromClause:
        """A window that is run for each parent."""
        inner = window.subquery("w")
        place = (func.row_number().over() - 1).label("key")
        return select(place, inner.c[0].label("value")).select_from(inner).lateral("item")

    def _engine(self, url: URL) -> AsyncEngine:
        engine = create_async_engine(
            url,
            pool_size=self._pool.size,
            max_overflow=0,
            pool_timeout=self._pool.wait,
            pool_recycle=self._pool.recycle,
            connect_args=self._connect_arguments(),
        )
        _check_idle(engine, self._pool.check_after)
        if not self._prepared:
            _forgo_codecs(engine)
        return engine

    def _connect_arguments(self) -> dict[str, Any]:
        settings = {"application_name": "memory-gateway"}
        arguments: dict[str, Any] = {"timeout": self._pool.connect, "server_settings": settings}
        if self._prepared:
            settings["jit"] = "off"  # compiling costs more than these statements take
            if self._read_only:
                settings["default_transaction_read_only"] = "on"
        else:  # a pooler knows few settings
            arguments |= {
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": str,  # the statement without a name
            }
        return arguments


def _check_idle(engine: AsyncEngine, after: float) -> None:
    """Replace a connection that the server has closed, and try one that has been idle for long.

    The driver knows of a closed one for nothing; a try is a round trip, which a busy pool need not pay.
    """
    pool: Pool = engine.sync_engine.pool

    def note(_: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    def check(connection: Any, record: Any, _: Any) -> None:
        if connection.driver_connection.is_closed():
            raise exc.DisconnectionError("the server closed the connection")
        idle = time.monotonic() - record.info.get("idle_since", time.monotonic())
        if idle < after:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise exc.DisconnectionError(str(error)) from error

    event.listen(pool, "checkin", note)
    event.listen(pool, "checkout", check)


def _forgo_codecs(engine: AsyncEngine) -> None:
    """Set up no codecs for JSON, which no table of ours has: asking for them takes statements outside a
    transaction, which a pooler may send to two servers."""

    async def nothing(_: Any) -> None: ...

    dialect: Any = engine.dialect
    dialect.setup_asyncpg_json_codec = nothing
    dialect.setup_asyncpg_jsonb_codec = nothing
