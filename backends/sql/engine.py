"""The connections of one relational store: a pool to read, one transaction at a time to write."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, cast

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from backends.errors import StoreError, StoreUnavailable
from backends.records import PoolStatus
from backends.sql.dialect import Connections, Dialect
from backends.sql.errors import translated
from backends.sql.statements import Statements

FIRST_STATISTICS = 2_000
"""Rows written after which the planner's statistics are refreshed; then after four times as many, and so
on; and before the store is closed, if as many were written since."""


class SqlEngine:
    """Runs statements for the roles of one store.

    Reads take any free connection; each sees the last committed state.  Everything within `batch` runs
    on one connection in one transaction, and batches take turns.
    """

    def __init__(self, name: str, dialect: Dialect) -> None:
        self.name = name
        self.dialect = dialect
        self.statements = Statements()
        self._connections: Connections | None = None
        self._writing = asyncio.Lock()
        self._written = 0
        """Rows, since the statistics were refreshed."""
        self._refresh_at = FIRST_STATISTICS
        self._batch: ContextVar[AsyncConnection | None] = ContextVar("batch", default=None)

    @property
    def in_batch(self) -> bool:
        """Whether the caller is within a batch, and sees what is not committed yet."""
        return self._batch.get() is not None

    async def open(self) -> None:
        """Make the pools; a connection is opened when it is first needed."""
        self._connections = self.dialect.connect()

    async def close(self) -> None:
        """Close every connection."""
        if (connections := self._connections) is not None:
            if self._written >= FIRST_STATISTICS:
                with suppress(StoreError):  # it may be down; the server will do so by itself
                    await self._refresh_statistics()
            self._connections = None
            await connections.reads.dispose()
            await connections.writes.dispose()

    def pool(self) -> PoolStatus:
        """How the pool of reads is."""
        return self.dialect.pool(self._connections)

    async def rows(self, statement: Executable | partial[Any]) -> Sequence[tuple[Any, ...]]:
        """All rows of a statement, built or yet to be (see `statements`)."""
        built, values = self._built(statement)
        async with self.connection() as connection:
            return cast("Any", (await connection.execute(built, values)).all())

    async def scalar(self, statement: Executable | partial[Any]) -> Any:
        """The first column of the first row of a statement, `None` if there is none."""
        built, values = self._built(statement)
        async with self.connection() as connection:
            return (await connection.execute(built, values)).scalar()

    async def write(
        self, statement: Executable, rows: Sequence[dict[str, Any]] | None = None
    ) -> None:
        """Run a statement, for each of the rows where some are given; within a batch or as one."""
        if rows is not None and not rows:
            return
        async with self.batch(), self.connection() as connection:
            await connection.execute(statement, rows)
            self._written += 1 if rows is None else len(rows)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection]:
        """The connection of the batch that is running here, else one of those that read."""
        current = self._batch.get()
        with translated(self.name):
            if current is not None:
                yield current
                return
            async with self._open_connections().reads.connect() as connection:
                yield connection

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[None]:
        """One transaction: all of it is there afterwards, or, after an error, none of it."""
        if self._batch.get() is not None:
            yield
            return
        async with self._writing:
            with translated(self.name):
                async with self._open_connections().writes.connect() as connection:
                    async with self.dialect.transaction(connection):
                        token = self._batch.set(connection)
                        try:
                            yield
                        finally:
                            self._batch.reset(token)
                    if self._written >= self._refresh_at:
                        self._refresh_at *= 4
                        self._written = 0
                        await self.dialect.refresh_statistics(connection)

    async def _refresh_statistics(self) -> None:
        self._written = 0
        with translated(self.name):
            async with self._open_connections().writes.connect() as connection:
                await self.dialect.refresh_statistics(connection)

    def _built(
        self, statement: Executable | partial[Any]
    ) -> tuple[Executable, dict[str, Any] | None]:
        if isinstance(statement, partial):
            return self.statements.made(statement)
        return statement, None

    def _open_connections(self) -> Connections:
        if self._connections is None:
            raise StoreUnavailable(self.name, f"store {self.name} is closed")
        return self._connections
