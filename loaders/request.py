"""The loaders of one request, listed."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from backends.federation import Federation
from backends.records import Fields, Kind, Record, Scope
from loaders.chunk import ChunkLoaders
from loaders.document import DocumentLoaders
from loaders.entity import EntityLoaders
from loaders.episode import EpisodeLoaders
from loaders.fact import FactLoaders
from loaders.search import SearchLoaders, SearchRules
from loaders.traversal import TraversalLoaders


class Loaders:
    """Every way from a resolver to a store, for one tenant and one request.  Made inside the event loop."""

    def __init__(self, federation: Federation, scope: Scope, rules: SearchRules) -> None:
        self._federation = federation
        self._scope = scope
        self._rules = rules
        self.health = federation.health
        self.stores = tuple(federation.stores)

    # Made when they are first used: a query needs a few of the forty, and each is made anew for it.

    @cached_property
    def document(self) -> DocumentLoaders:
        """Documents."""
        return DocumentLoaders(self._federation, self._scope)

    @cached_property
    def chunk(self) -> ChunkLoaders:
        """Chunks."""
        return ChunkLoaders(self._federation, self._scope)

    @cached_property
    def entity(self) -> EntityLoaders:
        """Entities."""
        return EntityLoaders(self._federation, self._scope)

    @cached_property
    def fact(self) -> FactLoaders:
        """Facts."""
        return FactLoaders(self._federation, self._scope)

    @cached_property
    def episode(self) -> EpisodeLoaders:
        """Episodes."""
        return EpisodeLoaders(self._federation, self._scope)

    @cached_property
    def search(self) -> SearchLoaders:
        """Searches and likenesses."""
        return SearchLoaders(self._federation, self._scope, self._rules, self.records)

    @cached_property
    def traversal(self) -> TraversalLoaders:
        """Paths and subgraphs."""
        return TraversalLoaders(self._federation, self._scope)

    async def records(
        self, kind: Kind, keys: Sequence[str], known_at: datetime, fields: Fields
    ) -> Sequence[Record | None]:
        """The records of one kind, as known at a time."""
        match kind:
            case Kind.DOCUMENT:
                return await self.document.by_key.load_all(keys, None, fields)
            case Kind.CHUNK:
                return await self.chunk.by_key.load_all(keys, None, fields)
            case Kind.ENTITY:
                return await self.entity.by_key.load_all(keys, known_at, fields)
            case Kind.FACT:
                return await self.fact.by_key.load_all(keys, known_at, fields)
            case Kind.EPISODE:
                return await self.episode.by_key.load_all(keys, known_at, fields)
