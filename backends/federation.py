"""The federation: which store plays which role, and the life of them all."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

import msgspec

from backends import registry
from backends.embedders import EmbedderConfig, create_embedder
from backends.errors import ConfigurationError, StoreError, StoreTimeout
from backends.records import Health, Kind, Needs
from backends.roles import (
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

    Building one does no I/O.  Opening it opens every store; one that cannot be opened is an error.
    """

    def __init__(self, config: FederationConfig) -> None:
        self.config = config
        self.stores: dict[str, Store] = {
            name: registry.create(store.kind, name, store.options)
            for name, store in config.stores.items()
        }
        roles = config.roles
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

    def _role(self, role: str, store: str) -> Any:
        if store not in self.stores:
            known = ", ".join(self.stores)
            raise ConfigurationError(f"[roles] {role}: no store {store!r}; there are {known}")
        played = getattr(self.stores[store], role, None)
        if played is None:
            return unsupported(store, role)
        timeout = self.config.stores[store].timeout
        return traced(played, store=store, name=role, timeout=timeout)
