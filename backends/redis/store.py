"""A Redis that plays the cache and nothing else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from backends.records import Health, Needs, PoolStatus, Scope
from backends.redis.cache import RedisCache
from backends.redis.client import RedisClient, RedisOptions


class RedisStore:
    """A cache that all processes share, on a server that may come and go."""

    Options = RedisOptions
    engine = "redis"

    def __init__(self, name: str, options: RedisOptions) -> None:
        self.name = name
        self._client = RedisClient(name, options)
        self.documents = None
        self.chunks = None
        self.entities = None
        self.facts = None
        self.mentions = None
        self.episodes = None
        self.keywords = None
        self.vectors = None
        self.cache = RedisCache(self._client, options.prefix)

    async def open(self) -> None:
        """Make the pool; the server may be down."""
        self._client.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def ping(self) -> Health:
        """Wait for its PONG."""
        await self._client.run("PING")
        return Health.UP

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[None]:
        """A cache has nothing to commit."""
        self._client.check_open()
        yield

    async def counts(self, scope: Scope) -> dict[str, int]:
        """A cache holds no rows."""
        self._client.check_open()
        return {}

    def pool(self) -> PoolStatus | None:
        """Its connections."""
        return self._client.pool()

    async def migrate(self, needs: Needs, *, dry_run: bool = False) -> list[str]:
        """There is nothing to make."""
        return []
