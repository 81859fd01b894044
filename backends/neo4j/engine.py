"""The connections of one Neo4j server or cluster: a pool to read, one transaction at a time to write."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, LiteralString, cast

import neo4j
from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncManagedTransaction,
    AsyncSession,
    AsyncTransaction,
)
from neo4j import exceptions as driver
from neo4j.api import AsyncBookmarkManager

from backends.errors import ConfigurationError, StoreUnavailable
from backends.neo4j.errors import translated
from backends.neo4j.options import Neo4jOptions
from backends.neo4j.transport import guard
from backends.records import PoolStatus

Rows = list[list[Any]]
"""The rows of an answer, each a list of its values in the order of RETURN."""

USER_AGENT = "memory-gateway"


class _Batch:
    """A running write transaction; its callers take turns."""

    def __init__(self, transaction: AsyncTransaction) -> None:
        self._transaction = transaction
        self._turn = asyncio.Lock()

    async def rows(self, query: str, parameters: Mapping[str, Any]) -> Rows:
        """All rows of a query."""
        async with self._turn:
            return await _rows_of(self._transaction, query, parameters)


class Neo4jEngine:
    """Runs Cypher for the roles of one store.

    A read takes any free connection and sees the last committed state.  Everything within `batch` runs in
    one transaction, and the batches of a process take turns.
    """

    def __init__(self, name: str, options: Neo4jOptions) -> None:
        self.name = name
        self.options = options
        self._driver: AsyncDriver | None = None
        self._bookmarks: AsyncBookmarkManager | None = None
        self._busy = 0
        self._writing = asyncio.Lock()
        self._batch: ContextVar[_Batch | None] = ContextVar("batch", default=None)

    @property
    def is_open(self) -> bool:
        """Whether there is a pool."""
        return self._driver is not None

    @property
    def in_batch(self) -> bool:
        """Whether the caller is within a batch, and sees what is not committed yet."""
        return self._batch.get() is not None

    async def open(self) -> None:
        """Make the pool; a connection is opened when it is first needed.  Raises ConfigurationError for a
        file of authorities that is not there."""
        if self.options.ca and not Path(self.options.ca).is_file():
            raise ConfigurationError(f"[stores.{self.name}]: ca {self.options.ca!r} is no file")
        with translated(self.name):
            self._driver = _driver(self.options)
        # In a cluster a read may reach a server that lags behind what was just written here.
        routed = self.options.url.startswith("neo4j")
        self._bookmarks = AsyncGraphDatabase.bookmark_manager() if routed else None

    async def close(self) -> None:
        """Close every connection."""
        if self._driver is not None:
            closing, self._driver = self._driver, None
            with translated(self.name):
                await closing.close()

    def pool(self) -> PoolStatus:
        """The connections; who waits for one counts as using it."""
        options = self.options
        return PoolStatus(
            size=options.pool_size,
            in_use=min(self._busy, options.pool_size),
            wait=options.pool_timeout,
            recycle=options.recycle,
            checked=True,
        )

    async def rows(self, query: str, parameters: Mapping[str, Any]) -> Rows:
        """All rows of a read: as the batch that is running here sees them, else as committed."""
        with translated(self.name):
            if (batch := self._batch.get()) is not None:
                return await batch.rows(query, parameters)
            async with self._session(READ_ACCESS) as session:
                return await session.execute_read(_rows_of, query, parameters)

    async def write(self, query: str, parameters: Mapping[str, Any]) -> Rows:
        """All rows of a write: part of the batch that is running here, else a transaction of its own."""
        with translated(self.name):
            if (batch := self._batch.get()) is not None:
                return await batch.rows(query, parameters)
            return await self._write(query, parameters)

    async def command(self, query: str) -> Rows:
        """All rows of a schema command, in a transaction of its own, batch or none."""
        with translated(self.name):
            return await self._write(query, {})

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[None]:
        """One transaction: all of it is there afterwards, or, after an error, none of it."""
        if self._batch.get() is not None:
            yield
            return
        async with self._writing, self._session(WRITE_ACCESS) as session:
            with translated(self.name):
                transaction = await _begun(session)
            token = self._batch.set(_Batch(transaction))
            try:
                yield
            except asyncio.CancelledError:
                session.cancel()
                raise
            except BaseException:
                await _roll_back(transaction)
                raise
            else:
                with translated(self.name):
                    await transaction.commit()
            finally:
                self._batch.reset(token)

    async def _write(self, query: str, parameters: Mapping[str, Any]) -> Rows:
        async with self._session(WRITE_ACCESS) as session:
            return await session.execute_write(_rows_of, query, parameters)

    @asynccontextmanager
    async def _session(self, access: str) -> AsyncGenerator[AsyncSession]:
        if self._driver is None:
            raise StoreUnavailable(self.name, f"store {self.name} is closed")
        self._busy += 1
        try:
            async with self._driver.session(
                database=self.options.database,
                default_access_mode=access,
                bookmark_manager=self._bookmarks,
                fetch_size=-1,
            ) as session:
                yield session
        finally:
            self._busy -= 1


def _driver(options: Neo4jOptions) -> AsyncDriver:
    guard()
    trusted: dict[str, Any] = {}
    if options.ca:
        trusted = {"encrypted": True, "trusted_certificates": neo4j.TrustCustomCAs(options.ca)}
    return AsyncGraphDatabase.driver(
        options.url,
        auth=(options.user, options.password) if options.user else None,
        user_agent=USER_AGENT,
        max_connection_pool_size=options.pool_size,
        connection_acquisition_timeout=options.pool_timeout,
        connection_timeout=options.connect_timeout,
        max_connection_lifetime=options.recycle,
        liveness_check_timeout=options.check_after,
        max_transaction_retry_time=options.retry_time,
        notifications_min_severity="OFF",
        telemetry_disabled=True,
        **trusted,
    )


async def _begun(session: AsyncSession) -> AsyncTransaction:
    """A transaction; begun again if the connection was lost before anything was written."""
    try:
        return await session.begin_transaction()
    except (driver.ServiceUnavailable, driver.SessionExpired):
        return await session.begin_transaction()


async def _roll_back(transaction: AsyncTransaction) -> None:
    """Undo a transaction.  It may be gone already: what went wrong first is what gets told."""
    with suppress(driver.DriverError, driver.Neo4jError, OSError, RuntimeError):
        await transaction.rollback()


async def _rows_of(
    transaction: AsyncManagedTransaction | AsyncTransaction,
    query: str,
    parameters: Mapping[str, Any],
) -> Rows:
    # The driver asks for a literal; ours are put together of literals, data goes into parameters.
    result = await transaction.run(cast("LiteralString", query), dict(parameters))
    return await result.values()
