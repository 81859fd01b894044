"""A store in this process that plays the cache and nothing else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from backends.errors import ConfigurationError
from backends.memory.cache import MemoryCache
from backends.records import Health, Needs, PoolStatus, Scope


class MemoryOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[stores.<name>]` takes for `kind = "memory"`: the most values, and the most bytes, to keep."""

    max_entries: int = 50_000
    max_bytes: int = 64 * 2**20


class MemoryStore:
    """A cache that lives and ends with this process."""

    Options = MemoryOptions
    engine = "memory"

    def __init__(self, name: str, options: MemoryOptions) -> None:
        if options.max_entries < 1 or options.max_bytes < 1:
            raise ConfigurationError(
                f"[stores.{name}]: max_entries {options.max_entries} and max_bytes {options.max_bytes} "
                "must both be at least 1"
            )
        self.name = name
        self.documents = None
        self.chunks = None
        self.entities = None
        self.facts = None
        self.mentions = None
        self.episodes = None
        self.keywords = None
        self.vectors = None
        self.cache = MemoryCache(
            name, most_entries=options.max_entries, most_bytes=options.max_bytes
        )

    async def open(self) -> None:
        """Begin with nothing."""
        self.cache.open()

    async def close(self) -> None:
        """Forget everything."""
        self.cache.close()

    async def ping(self) -> Health:
        """It is well while it is open."""
        self.cache.check_open()
        return Health.UP

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[None]:
        """A cache has nothing to commit."""
        self.cache.check_open()
        yield

    async def counts(self, scope: Scope) -> dict[str, int]:
        """A cache holds no rows."""
        self.cache.check_open()
        return {}

    def pool(self) -> PoolStatus | None:
        """There are no connections."""
        return None

    async def migrate(self, needs: Needs, *, dry_run: bool = False) -> list[str]:
        """There is nothing to make."""
        return []
