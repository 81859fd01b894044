"""The store: one Qdrant, which plays `Vectors`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from backends.qdrant import collections
from backends.qdrant.client import pool_of
from backends.qdrant.connection import QdrantConnection
from backends.qdrant.options import QdrantOptions, checked
from backends.qdrant.vectors import QdrantVectors
from backends.records import Health, Needs, PoolStatus, Scope


class QdrantStore:
    """A Qdrant server, or the driver's local mode."""

    Options = QdrantOptions
    engine = "qdrant"
    documents = None
    chunks = None
    entities = None
    facts = None
    mentions = None
    episodes = None
    keywords = None
    cache = None

    def __init__(self, name: str, options: QdrantOptions) -> None:
        self.name = name
        self._options = checked(name, options)
        self._connection = QdrantConnection(name, options)
        self.vectors = QdrantVectors(self._connection)

    async def open(self) -> None:
        """Make the client; a server that is down shows in `ping`."""
        await self._connection.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._connection.close()

    async def ping(self) -> Health:
        """Ask the server for its collections.  Raises SchemaTooOld, naming what is missing, where
        `migrate` has not been."""
        return await collections.health(self._connection)

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[None]:
        """Nothing: Qdrant writes each request on its own, and what was written stays after an error."""
        _ = self._connection.client  # a closed store says so here too
        yield

    async def counts(self, scope: Scope) -> dict[str, int]:
        """The vectors of one tenant."""
        return {"search_vector": await collections.count(self._connection, scope)}

    def pool(self) -> PoolStatus | None:
        """The connections; `None` in local mode."""
        return pool_of(self._options)

    async def migrate(self, needs: Needs, *, dry_run: bool = False) -> list[str]:
        """Create the collections of the kinds whose vectors are kept here, and their payload indexes."""
        async with self._connection.opened():
            return await collections.migrate(self._connection, needs, dry_run=dry_run)
