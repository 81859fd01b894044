"""The federation: which store plays which role, and the life of them all."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import msgspec

from backends import registry
from backends.batch import batch
from backends.caching.guard import GuardedCache
from backends.caching.records import CacheRules, RecordCache, cached
from backends.coalescing import Flights, coalesced
from backends.embedders import EmbedderConfig, create_embedder
from backends.errors import ConfigurationError, StoreError, StoreTimeout
from backends.records import Health, Kind, Needs
from backends.roles import (
    Cache,
    Chunks,
    Documents,
    Embedder,
    Entities,
    Episodes,
    Facts,
    Keywords,
    Mentions,
    Store,
    Vectors,
)
from backends.trace import traced, unsupported

TEXTS = ("documents", "chunks")
GRAPH = ("entities", "facts", "mentions", "episodes")
SEARCH = ("keywords", "vectors")
HOLDERS = {
    "documents": Kind.DOCUMENT,
    "chunks": Kind.CHUNK,
    "entities": Kind.ENTITY,
    "facts": Kind.FACT,
    "episodes": Kind.EPISODE,
}
"""The roles that hold records by key, and of which kind."""


class StoreConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One store: its kind, the seconds that a call may take, and what the kind itself takes."""

    kind: str
    timeout: float = 5.0
    options: Mapping[str, object] = {}


class RolesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The store that plays each role, by name; the search roles kind by kind."""

    texts: str
    graph: str
    keywords: Mapping[Kind, str]
    vectors: Mapping[Kind, str]
    cache: str | None = None

    @classmethod
    def all_by(cls, store: str) -> "RolesConfig":
        """One store plays everything."""
        every = dict.fromkeys(Kind, store)
        return cls(texts=store, graph=store, keywords=every, vectors=every)


class FederationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything below the gateway."""

    stores: Mapping[str, StoreConfig]
    roles: RolesConfig
    embedder: EmbedderConfig
    cache: CacheRules = CacheRules()


class StoreHealth(msgspec.Struct, frozen=True):
    """A store as it is now; `latency` in seconds, `None` when it did not answer."""

    name: str
    engine: str
    roles: list[str]
    health: Health
    latency: float | None
    message: str | None


class Federation:
    """The roles, each played by the store that the configuration names.

        loaders → record cache → coalescing → trace → store

    Building one does no I/O.  Opening it opens every store; one that cannot be opened is an error.
    Without a store that plays the cache there is no record cache, in no form: another process may write
    the same store.
    """

    def __init__(self, config: FederationConfig) -> None:
        self.config = config
        self.stores: dict[str, Store] = {
            name: registry.create(store.kind, name, store.options)
            for name, store in config.stores.items()
        }
        roles = config.roles
        self._flights = Flights()
        self._records = self._record_cache(roles.cache)
        self.documents = cast("Documents", self._role("documents", roles.texts))
        self.chunks = cast("Chunks", self._role("chunks", roles.texts))
        self.entities = cast("Entities", self._role("entities", roles.graph))
        self.facts = cast("Facts", self._role("facts", roles.graph))
        self.mentions = cast("Mentions", self._role("mentions", roles.graph))
        self.episodes = cast("Episodes", self._role("episodes", roles.graph))
        self.keywords: dict[Kind, Keywords] = {
            kind: self._role("keywords", store) for kind, store in roles.keywords.items()
        }
        self.vectors: dict[Kind, Vectors] = {
            kind: self._role("vectors", store) for kind, store in roles.vectors.items()
        }
        self.embedder: Embedder = create_embedder(config.embedder)
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """Open every store; what was opened is closed again if one fails."""
        async with AsyncExitStack() as stack:
            for store in self.stores.values():
                await store.open()
                stack.push_async_callback(store.close)
            if self._records is not None:
                stack.push_async_callback(self._records.close)
            await self.embedder.open()
            stack.push_async_callback(self.embedder.close)
            self._stack = stack.pop_all()

    async def close(self) -> None:
        """Close every store."""
        await self._stack.aclose()

    async def __aenter__(self) -> "Federation":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[None]:
        """What is written inside is written together, as far as each store can.

        The indexes are committed first, then the graph, then the texts: after a process that died between
        two commits, a record is not there or not changed yet, and the same load again repairs the rest.
        """
        holders = dict.fromkeys((self.config.roles.texts, self.config.roles.graph))
        async with batch(), AsyncExitStack() as stack:
            for name in holders | dict.fromkeys(self.stores):
                await stack.enter_async_context(self.stores[name].batch())
            yield

    def assigned(self, role: str) -> str:
        """The name of the store that plays a role of the texts or of the graph."""
        roles = self.config.roles
        return roles.texts if role in TEXTS else roles.graph

    def holder(self, kind: Kind) -> str:
        """The name of the store that holds the records of a kind."""
        roles = self.config.roles
        return roles.texts if kind in (Kind.CHUNK, Kind.DOCUMENT) else roles.graph

    def roles_of(self, store: str) -> list[str]:
        """What a store plays, as the configuration says it; search roles kind by kind unless whole."""
        roles = self.config.roles
        played = [role for role in ("texts", "graph") if getattr(roles, role) == store]
        for role in SEARCH:
            kinds = [kind for kind, name in getattr(roles, role).items() if name == store]
            if len(kinds) == len(Kind):
                played.append(role)
            else:
                played += [f"{role}.{kind.value.lower()}" for kind in kinds]
        if roles.cache == store:
            played.append("cache")
        return played

    def needs_of(self, store: str) -> Needs:
        """What a store must hold to play its roles."""
        roles = self.config.roles
        return Needs(
            roles=frozenset(role for role in (*TEXTS, *GRAPH) if self.assigned(role) == store),
            keywords=frozenset(kind for kind, name in roles.keywords.items() if name == store),
            vectors=frozenset(kind for kind, name in roles.vectors.items() if name == store),
            space=self.embedder.space,
        )

    async def health(self) -> list[StoreHealth]:
        """Ask every store at the same time."""
        return list(await asyncio.gather(*(self._ask(store) for store in self.stores.values())))

    async def _ask(self, store: Store) -> StoreHealth:
        roles = self.roles_of(store.name)
        limit = self.config.stores[store.name].timeout
        started = time.perf_counter()
        try:
            async with asyncio.timeout(limit):
                health = await store.ping()
        except TimeoutError:
            error = StoreTimeout(store.name, f"no answer in {limit:g} s")
            return StoreHealth(store.name, store.engine, roles, Health.DOWN, None, str(error))
        except StoreError as error:
            return StoreHealth(store.name, store.engine, roles, Health.DOWN, None, str(error))
        latency = time.perf_counter() - started
        return StoreHealth(store.name, store.engine, roles, health, latency, None)

    def _record_cache(self, store: str | None) -> RecordCache | None:
        """The record cache, where a store plays it."""
        if store is None:
            return None
        role = self._traced("cache", store)
        if role is None:
            kind = self.config.stores[store].kind
            raise ConfigurationError(
                f"[roles] cache: store {store!r} is of kind {kind!r}, which plays no cache; redis and "
                "memory do"
            )
        return RecordCache(GuardedCache(cast("Cache", role)), self.config.cache)

    def _role(self, role: str, store: str) -> Any:
        played = self._traced(role, store)
        if played is None:
            return unsupported(store, role)
        shared = coalesced(played, self._flights)
        if self._records is not None and role in HOLDERS:
            return cached(HOLDERS[role], shared, self._records)
        return shared

    def _traced(self, role: str, store: str) -> Any:
        """A store's own role, `None` where it does not play it."""
        if store not in self.stores:
            known = ", ".join(self.stores)
            raise ConfigurationError(f"[roles] {role}: no store {store!r}; there are {known}")
        played = getattr(self.stores[store], role, None)
        if played is None:
            return None
        timeout = self.config.stores[store].timeout
        return traced(played, store=store, name=role, timeout=timeout)
