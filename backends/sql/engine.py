"""The connections of one relational store: a pool to read, one transaction at a time to write."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Executable, event, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from backends.errors import StoreUnavailable
from backends.sql.errors import translated

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


class SqlEngine:
    """Runs statements for the roles of one store.

    Reads take any free connection; each sees the last committed state.  Everything within `batch` runs
    on one connection in one transaction (BEGIN IMMEDIATE), and batches take turns.
    """

    def __init__(self, name: str, url: URL, *, pool_size: int, read_only: bool = False) -> None:
        self.name = name
        self.url = url
        self.read_only = read_only
        self._pool_size = pool_size
        self._engine: AsyncEngine | None = None
        self._writing = asyncio.Lock()
        self._batch: ContextVar[AsyncConnection | None] = ContextVar("batch", default=None)

    @property
    def path(self) -> Path:
        """The database file."""
        return Path(self.url.database or "")

    @property
    def in_batch(self) -> bool:
        """Whether the caller is within a batch, and sees what is not committed yet."""
        return self._batch.get() is not None

    async def open(self) -> None:
        """Make the pool; a connection is opened when it is first needed."""
        url = self.url
        if self.read_only:
            uri = self.path.absolute().as_uri()
            url = url.set(database=uri, query={"mode": "ro", "uri": "true"})
        self._engine = create_async_engine(
            url,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
        )
        pragmas = _PRAGMAS[2:] if self.read_only else _PRAGMAS

        def prepare(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(pragma)
            cursor.close()

        event.listen(self._engine.sync_engine, "connect", prepare)

    async def close(self) -> None:
        """Close every connection."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def rows(self, statement: Executable) -> Sequence[tuple[Any, ...]]:
        """All rows of a statement."""
        async with self.connection() as connection:
            return cast("Any", (await connection.execute(statement)).all())

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, `None` if there is none."""
        async with self.connection() as connection:
            return (await connection.execute(statement)).scalar()

    async def write(
        self, statement: Executable, rows: Sequence[dict[str, Any]] | None = None
    ) -> None:
        """Run a statement, for each of the rows where some are given; within a batch or as one."""
        if rows is not None and not rows:
            return
        async with self.batch(), self.connection() as connection:
            await connection.execute(statement, rows)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection]:
        """The connection of the batch that is running here, else one from the pool."""
        current = self._batch.get()
        with translated(self.name):
            if current is not None:
                yield current
                return
            if self._engine is None:
                raise StoreUnavailable(self.name, f"store {self.name} is closed")
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[None]:
        """One transaction: all of it is there afterwards, or, after an error, none of it."""
        if self._batch.get() is not None:
            yield
            return
        async with self._writing, self.connection() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            token = self._batch.set(connection)
            try:
                yield
                await connection.exec_driver_sql("COMMIT")
            except BaseException:
                await _roll_back(connection)
                raise
            finally:
                self._batch.reset(token)


async def _roll_back(connection: AsyncConnection) -> None:
    """Undo a transaction.  It may be gone already (a full disk, a cancelled statement): then the
    connection is, and what went wrong first is what gets told."""
    try:
        await connection.exec_driver_sql("ROLLBACK")
    except exc.SQLAlchemyError:
        await connection.invalidate()
