"""SQLite's ways: one file, WAL, writers that take turns."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    column,
    event,
    exc,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from backends.records import PoolStatus
from backends.sql.columns import KeyList
from backends.sql.dialect import Connections
from backends.sql.statements import bound

BUSY_TIMEOUT = 10_000
"""Milliseconds that a writer waits for another process to finish its transaction."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
    "PRAGMA mmap_size = 268435456",
)


class SqliteDialect:
    """A file."""

    def __init__(self, url: URL, *, pool_size: int, pool_timeout: float, read_only: bool) -> None:
        self._url = url
        self._pool_size = pool_size
        self._pool_timeout = pool_timeout
        self._read_only = read_only

    @property
    def path(self) -> Path:
        """The database file."""
        return Path(self._url.database or "")

    def connect(self) -> Connections:
        """Make the pool; a connection is opened when it is first needed."""
        url = self._url
        if self._read_only:
            uri = self.path.absolute().as_uri()
            url = url.set(database=uri, query={"mode": "ro", "uri": "true"})
        engine = create_async_engine(
            url,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=self._pool_timeout,
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
        )
        pragmas = _PRAGMAS[2:] if self._read_only else _PRAGMAS

        def prepare(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(pragma)
            cursor.close()

        event.listen(engine.sync_engine, "connect", prepare)
        return Connections(reads=engine, writes=engine)

    def pool(self, connections: Connections | None) -> PoolStatus:
        """Connections to a file are neither tried nor recycled."""
        pool: Any = connections and connections.reads.pool
        return PoolStatus(
            size=self._pool_size,
            in_use=pool.checkedout() if pool else 0,
            wait=self._pool_timeout,
            recycle=None,
            checked=False,
        )

    @asynccontextmanager
    async def transaction(self, connection: AsyncConnection) -> AsyncGenerator[None]:
        """A transaction that may write from its first statement on, other processes waiting."""
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield
            await connection.exec_driver_sql("COMMIT")
        except BaseException:
            await _roll_back(connection)
            raise

    async def refresh_statistics(self, connection: AsyncConnection) -> None:
        """Nothing: its plans follow from the statements alone, and are tested so."""

    def insert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT."""
        return insert(table)

    def parents(self, keys: Sequence[str]) -> FromClause:
        """The keys as rows."""
        return func.json_each(bound(keys, KeyList())).table_valued(
            column("key", Integer), column("value", Text), name="parent"
        )

    def per_parent(self, window: Select[Any]) -> FromClause:
        """A window's first column as a list of JSON, and that as rows again: SQLite has no LATERAL."""
        inner = window.subquery("w")
        listed = select(func.json_group_array(inner.c[0])).select_from(inner).scalar_subquery()
        return func.json_each(listed).table_valued(
            column("key", Integer), column("value"), name="item", joins_implicitly=True
        )


async def _roll_back(connection: AsyncConnection) -> None:
    """Undo a transaction.  It may be gone already (a full disk, a cancelled statement): then the
    connection is, and what went wrong first is what gets told."""
    try:
        await connection.exec_driver_sql("ROLLBACK")
    except exc.SQLAlchemyError:
        await connection.invalidate()
