"""The loaders of one request, listed."""

from collections.abc import Sequence
from datetime import datetime

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
        self.document = DocumentLoaders(federation, scope)
        self.chunk = ChunkLoaders(federation, scope)
        self.entity = EntityLoaders(federation, scope)
        self.fact = FactLoaders(federation, scope)
        self.episode = EpisodeLoaders(federation, scope)
        self.search = SearchLoaders(federation, scope, rules, self.records)
        self.traversal = TraversalLoaders(federation, scope)
        self.health = federation.health

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
