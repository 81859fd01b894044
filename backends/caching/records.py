"""The storing roles, answered from a cache where it has the records.

Only `get_many` is: it looks all keys up at once, asks the store for those that are missing, whole, and keeps
them.  So a hit may hold more than the fields asked for.  Everything else passes through, and so does a read
within a batch, or of keys alone.

A record that is written is removed twice: before the store writes, so that a process that dies after the
commit leaves nothing old behind, and once the batch is over.  The cache refuses, for `roles.REMOVED_FOR` seconds,
what is set for a key that was removed; a reader who took longer than half of that sets nothing.

    reader   lookup ── reads old ──────────────────────── sets old: refused
    writer             remove ── writes ── commit ── remove
"""

import asyncio
import functools
import time
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec

from backends.batch import after_batch, in_batch
from backends.caching.codec import TOO_LARGE, Codec
from backends.caching.guard import GuardedCache
from backends.records import KIND_OF, CacheLookup, Entity, Fields, Kind, Outcome, Record, Scope
from backends.roles import REMOVED_FOR

R = TypeVar("R", bound=Record)
T = TypeVar("T")

Ask = Callable[[Sequence[str], Fields], Awaitable[Sequence[R | None]]]
"""Asks the store for records by key."""

MOST_KEYS = 2_000
"""Keys that are looked up at once; a longer list goes to the store, which is made for it."""

MOST_BYTES = 8 * 2**20
"""Bytes that are set at once; the rest is kept some other time."""

LONGEST_READ = REMOVED_FOR / 2
"""Seconds after a lookup in which what was read is still kept."""

DEFAULT_LARGEST = 64 * 1024
"""Bytes of the largest record that is kept unless set: a hit moves all of them, 200 hits 13 MB, and more
would take longer than a cache is waited for."""

DEFAULT_TTL = 300.0
"""Seconds that a record is kept unless its kind has a time of its own."""


class CacheRules(msgspec.Struct, frozen=True, kw_only=True):
    """How long records are kept, in seconds by kind (0: not at all), and the largest in bytes."""

    ttl: Mapping[Kind, float] = {}
    largest: int = DEFAULT_LARGEST


class RecordCache:
    """The records of all kinds in one cache."""

    def __init__(
        self,
        cache: GuardedCache,
        rules: CacheRules,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache
        self._rules = rules
        self._clock = clock
        self._codecs: dict[Kind, Codec[Any]] = {
            kind: Codec(kind, record) for record, kind in KIND_OF.items()
        }

    async def get_many(
        self, kind: Kind, scope: Scope, keys: Sequence[str], fields: Fields, ask: Ask[R]
    ) -> list[R | None]:
        """The records of these keys, in their order; `ask` is the store's own `get_many`."""
        if in_batch() or not fields or not 0 < len(keys) <= MOST_KEYS or not self._seconds(kind):
            return list(await ask(keys, fields))
        codec: Codec[R] = self._codecs[kind]
        names = {key: codec.name(scope, key) for key in keys}
        started = self._clock()
        lookup = await self._cache.get_many(list(names.values()), codec.tags(scope))
        if lookup is None:
            return list(await ask(keys, fields))
        found, missing, large = _sorted(codec, names, lookup)
        whole, asked = await _both(ask, (missing, codec.fields), (large, fields))
        if whole and self._clock() - started <= LONGEST_READ:
            values = self._values(codec, names, whole)
            if values:
                await self._cache.set_many(values, lookup, self._seconds(kind))
        found |= whole | asked
        return [found.get(key) for key in keys]

    async def forget(self, kind: Kind, scope: Scope, keys: Sequence[str]) -> None:
        """Remove records now, and again when the batch that is running here is over."""
        await self._remove(kind, scope, keys)
        if in_batch():
            await after_batch(lambda: self._remove(kind, scope, keys))

    @asynccontextmanager
    async def replacing(
        self, kind: Kind, scope: Scope, keys: Sequence[str]
    ) -> AsyncGenerator[None]:
        """Remove records before they are written inside, and when they are."""
        await self._remove(kind, scope, keys)
        try:
            yield
        finally:
            await after_batch(lambda: self._remove(kind, scope, keys))

    async def close(self) -> None:
        """Make good what could not be removed."""
        await self._cache.settle()

    async def _remove(self, kind: Kind, scope: Scope, keys: Sequence[str]) -> None:
        if keys:
            codec = self._codecs[kind]
            names = list({codec.name(scope, key) for key in keys})
            await self._cache.remove_many(names, codec.tags(scope)[1:])

    def _values(
        self, codec: Codec[R], names: Mapping[str, str], records: Mapping[str, R]
    ) -> dict[str, bytes]:
        """What is to be kept of records just read, by name."""
        values: dict[str, bytes] = {}
        room = MOST_BYTES
        for key, record in records.items():
            if _stands_in(record) or (data := codec.pack(record)) is None:
                continue
            if len(data) > self._rules.largest:
                data = TOO_LARGE
            room -= len(data)
            if room < 0:
                break
            values[names[key]] = data
        return values

    def _seconds(self, kind: Kind) -> float:
        return self._rules.ttl.get(kind, DEFAULT_TTL)


def cached(kind: Kind, role: T, cache: RecordCache) -> T:
    """The role that holds the records of a kind, answered from the cache where it has them."""
    wrapper = _CachedEntities if kind is Kind.ENTITY else _CachedRecords
    return cast("T", wrapper(kind, role, cache))


class _CachedRecords:
    """Documents, chunks, facts or episodes."""

    def __init__(self, kind: Kind, role: Any, cache: RecordCache) -> None:
        self._kind = kind
        self._role = role
        self._cache = cache

    def __getattr__(self, method: str) -> Any:
        return getattr(self._role, method)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> Sequence[Record | None]:
        ask = functools.partial(self._role.get_many, scope)
        return await self._cache.get_many(self._kind, scope, keys, fields, ask)

    async def upsert_many(self, scope: Scope, records: Sequence[Record]) -> list[Outcome]:
        async with self._cache.replacing(self._kind, scope, [record.key for record in records]):
            return await self._role.upsert_many(scope, records)

    async def keep_only(self, scope: Scope, kept: Mapping[str, Sequence[str]]) -> list[str]:
        gone = await self._role.keep_only(scope, kept)
        await self._cache.forget(self._kind, scope, gone)
        return gone


class _CachedEntities:
    """Entities.  The stand-in for a missing one depends on a moment and is not kept."""

    def __init__(self, kind: Kind, role: Any, cache: RecordCache) -> None:
        self._kind = kind
        self._role = role
        self._cache = cache

    def __getattr__(self, method: str) -> Any:
        return getattr(self._role, method)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], known_at: datetime, fields: Fields
    ) -> Sequence[Record | None]:
        def ask(keys: Sequence[str], fields: Fields) -> Awaitable[Sequence[Entity | None]]:
            return self._role.get_many(scope, keys, known_at, fields)

        return await self._cache.get_many(self._kind, scope, keys, fields, ask)

    async def upsert_many(self, scope: Scope, records: Sequence[Entity]) -> list[Outcome]:
        async with self._cache.replacing(self._kind, scope, [record.key for record in records]):
            return await self._role.upsert_many(scope, records)


def _sorted(
    codec: Codec[R], names: Iterable[str], lookup: CacheLookup
) -> tuple[dict[str, R], list[str], list[str]]:
    """The records that were found, the keys to ask the store for, and those too large to be kept."""
    found: dict[str, R] = {}
    missing: list[str] = []
    large: list[str] = []
    for key, value in zip(names, lookup.values, strict=True):
        if value == TOO_LARGE:
            large.append(key)
        elif value is not None and (record := codec.unpack(value, key)) is not None:
            found[key] = record
        else:
            missing.append(key)
    return found, missing, large


async def _both(
    ask: Ask[R], first: tuple[list[str], Fields], second: tuple[list[str], Fields]
) -> tuple[dict[str, R], dict[str, R]]:
    """The records of two lists of keys, asked at the same time where both hold any."""

    async def read(keys: list[str], fields: Fields) -> dict[str, R]:
        if not keys:
            return {}
        found = zip(keys, await ask(keys, fields), strict=True)
        return {key: record for key, record in found if record is not None}

    if first[0] and second[0]:
        return await asyncio.gather(read(*first), read(*second))
    return await read(*first), await read(*second)


def _stands_in(record: Record) -> bool:
    """Whether this is `Entity.missing`: whether it is there depends on a moment."""
    return isinstance(record, Entity) and record.attributes == Entity.missing("").attributes
