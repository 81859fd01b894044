"""Loaders of entities."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from backends.federation import Federation
from backends.records import (
    Edges,
    Entity,
    EntityFilter,
    Fields,
    Kind,
    Moment,
    Order,
    Page,
    PageRequest,
    Scope,
)
from loaders.base import Loader, Once, Paged

NAMESAKES = 6
"""Keys looked up for a name: one more than the five that an error lists."""


class EntityPage(msgspec.Struct, frozen=True):
    """A page of the entities that pass a filter."""

    where: EntityFilter
    order: Order | None
    page: PageRequest


class Mentioned(msgspec.Struct, frozen=True):
    """The entities of some types that things of a kind mention."""

    kind: Kind
    types: tuple[str, ...] | None


class Neighbors(msgspec.Struct, frozen=True):
    """The other ends of facts at a moment."""

    edges: Edges
    moment: Moment


class EntityLoaders:
    """Entities by key, by name, by filter, by what mentions them and by the facts that join them."""

    def __init__(self, federation: Federation, scope: Scope) -> None:
        entities, mentions, facts = federation.entities, federation.mentions, federation.facts

        async def by_key(
            keys: Sequence[str], known_at: datetime, fields: Fields
        ) -> list[Entity | None]:
            return await entities.get_many(scope, keys, known_at, fields)

        async def keys_by_name(names: Sequence[str], _: None, __: Fields) -> list[list[str]]:
            return await entities.named(scope, names, NAMESAKES)

        async def pages(asked: EntityPage, fields: Fields) -> Page[Entity]:
            return await entities.find(scope, asked.where, asked.order, asked.page, fields)

        async def count(where: EntityFilter, _: Fields) -> int:
            return await entities.count(scope, where)

        async def mentioned(
            keys: Sequence[str], paged: Paged[Mentioned], fields: Fields
        ) -> list[Page[Entity]]:
            asked = paged.asked
            return await mentions.entities_of(
                scope, asked.kind, keys, asked.types, paged.page, fields
            )

        async def count_mentioned(keys: Sequence[str], asked: Mentioned, _: Fields) -> list[int]:
            return await mentions.count_entities_of(scope, asked.kind, keys, asked.types)

        async def neighbors(
            keys: Sequence[str], paged: Paged[Neighbors], fields: Fields
        ) -> list[Page[Entity]]:
            asked = paged.asked
            return await facts.neighbors(scope, keys, asked.edges, asked.moment, paged.page, fields)

        async def count_neighbors(keys: Sequence[str], asked: Neighbors, _: Fields) -> list[int]:
            return await facts.count_neighbors(scope, keys, asked.edges, asked.moment)

        self.by_key = Loader(by_key)
        self.keys_by_name = Loader(keys_by_name)
        self.pages = Once(pages)
        self.count = Once(count)
        self.mentioned = Loader(mentioned)
        self.count_mentioned = Loader(count_mentioned)
        self.neighbors = Loader(neighbors)
        self.count_neighbors = Loader(count_neighbors)
