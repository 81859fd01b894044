"""A cache that comes and goes: a lost one costs a moment, never an answer.

    up ──error──▶ left alone for a second ──one caller tries──▶ up, or left alone again

While it is left alone nobody waits for it.  What could not be removed from it meanwhile is owed: the tags of
those records are invalidated before it is asked anything again.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from logging import getLogger
from typing import TypeVar

from backends.errors import StoreError
from backends.records import CacheLookup
from backends.roles import Cache

T = TypeVar("T")

PAUSE = 1.0
"""Seconds that a cache is left alone after an error."""

log = getLogger("memory_gateway")


class GuardedCache:
    """Asks a cache as long as it answers.  Logs once when it is lost, and once when it is back."""

    def __init__(self, cache: Cache, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self._back_at: float | None = None
        self._trying = False
        self._owed: dict[str, int] = {}
        self._debts = 0

    async def get_many(self, keys: Sequence[str], tags: Sequence[str]) -> CacheLookup | None:
        """As the cache's own; `None` while there is none."""
        return await self._ask(lambda: self._cache.get_many(keys, tags))

    async def set_many(self, values: Mapping[str, bytes], lookup: CacheLookup, ttl: float) -> None:
        """As the cache's own; nothing while there is none."""
        await self._ask(lambda: self._cache.set_many(values, lookup, ttl))

    async def remove_many(self, keys: Sequence[str], tags: Sequence[str]) -> None:
        """As the cache's own; while there is none, the tags of these keys are owed."""

        async def remove() -> bool:
            await self._cache.remove_many(keys)
            return True

        if await self._ask(remove) is None:
            self._debts += 1
            self._owed |= dict.fromkeys(tags, self._debts)

    async def settle(self) -> None:
        """Pay what is owed, a last time."""
        if not self._owed:
            return
        try:
            await self._pay()
        except StoreError as error:
            log.error(
                "%s; until they expire, records may be read there as they were before they were written",
                error,
            )

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T | None:
        trying = self._back_at is not None
        if self._back_at is not None and (self._trying or self._clock() < self._back_at):
            return None
        self._trying = trying
        try:
            await self._pay()
            answer = await call()
        except StoreError as error:
            self._lose(error)
            return None
        finally:
            if trying:
                self._trying = False
        self._find()
        return answer

    async def _pay(self) -> None:
        if not self._owed:
            return
        paid = dict(self._owed)
        await self._cache.invalidate(list(paid))
        for tag, debt in paid.items():
            if self._owed.get(tag) == debt:  # a later one is not paid yet
                del self._owed[tag]

    def _lose(self, error: StoreError) -> None:
        if self._back_at is None:
            log.warning("going on without the cache: %s", error)
        self._back_at = self._clock() + PAUSE

    def _find(self) -> None:
        if self._back_at is not None:
            log.info("the cache is back")
            self._back_at = None
