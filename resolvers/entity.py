"""Entities."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, cast

import msgspec
import strawberry
from strawberry import UNSET

from backends import records
from backends.records import Direction, Edges, Fields, Kind, Page, PageRequest, SearchFilter
from loaders.entity import EntityPage
from resolvers.arguments import (
    After,
    Before,
    First,
    IncludeInvalidated,
    KnownAt,
    Last,
    MinScore,
    Predicates,
    SimilarFirst,
    ValidAt,
    given,
    listed,
)
from resolvers.batched import batched
from resolvers.connections import connect, connect_each
from resolvers.context import Info, Keys
from resolvers.errors import InputError
from resolvers.fact import FactConnection, facts_of
from resolvers.inputs import DateTimeRange, SortDirection, order_of, time_range
from resolvers.listing import BY_KEY, BY_NAME, Listing, Paging, sorting_of
from resolvers.neighbor import NeighborConnection, neighbors_of
from resolvers.node import Node, by_class
from resolvers.nouns import ChunkConnection, DocumentConnection, EntityConnection, EpisodeConnection
from resolvers.readers import READERS
from resolvers.relations import episodes_of, similar_to
from resolvers.scalars import JSON, described

described(
    Direction,
    name="Direction",
    description="Which end of a fact an entity is.",
    values={
        "OUT": "The entity is the subject.",
        "IN": "The entity is the object.",
        "BOTH": "Either; a fact from an entity to itself is listed once.",
    },
)

DirectionArgument = Annotated[
    Direction | None,
    strawberry.argument(description="Whether the entity is the subject, the object, or either."),
]


@strawberry.type(description="A thing that facts are about and texts mention.")
class Entity(Node):
    key: str = strawberry.field(description="The owning store's own identifier.")
    name: str = strawberry.field(description="Its name; the key where nobody loaded it.")
    type: str | None = strawberry.field(description="What sort of thing it is.")
    labels: list[str] = strawberry.field(description="Further sorts that it is of.")
    summary: str | None = strawberry.field(description="What it is, in a few words.")
    attributes: JSON = strawberry.field(
        description='What else is known of it, a JSON object; {"missing": true} where a fact names it and nobody loaded it.'
    )
    created_at: datetime | None = strawberry.field(description="When it was created.")

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, records.Entity)

    @strawberry.field(
        description="The facts about it that hold at the moment, by validFrom (missing last), key."
    )
    @batched
    @staticmethod
    async def facts(
        parents: list[records.Entity],
        info: Info,
        direction: DirectionArgument = Direction.BOTH,
        predicates: Predicates = UNSET,
        valid_at: ValidAt = UNSET,
        known_at: KnownAt = UNSET,
        include_invalidated: IncludeInvalidated = False,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[FactConnection | None]:
        edges = Edges(
            direction=given(direction, Direction.BOTH),
            predicates=listed(predicates),
            include_invalidated=given(include_invalidated, False),
        )
        info.context.enter(info, valid_at, known_at)
        return await facts_of(info, Kind.ENTITY, parents, edges, Paging(first, after))

    @strawberry.field(
        description="Every other entity joined to it by a fact that holds at the moment, by key."
    )
    @batched
    @staticmethod
    async def neighbors(
        parents: list[records.Entity],
        info: Info,
        direction: DirectionArgument = Direction.BOTH,
        predicates: Predicates = UNSET,
        valid_at: ValidAt = UNSET,
        known_at: KnownAt = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[NeighborConnection | None]:
        edges = Edges(direction=given(direction, Direction.BOTH), predicates=listed(predicates))
        info.context.enter(info, valid_at, known_at)
        return await neighbors_of(info, parents, edges, Paging(first, after))

    @strawberry.field(description="The chunks that mention it, by key.")
    @batched
    @staticmethod
    async def chunks(
        parents: list[records.Entity],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[ChunkConnection | None]:
        loaders = info.context.loaders.chunk
        return await _texts(info, Kind.CHUNK, parents, Paging(first, after), loaders)

    @strawberry.field(description="The documents with a chunk that mentions it, once each, by key.")
    @batched
    @staticmethod
    async def documents(
        parents: list[records.Entity],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[DocumentConnection | None]:
        loaders = info.context.loaders.document
        return await _texts(info, Kind.DOCUMENT, parents, Paging(first, after), loaders)

    @strawberry.field(description="The episodes that mention it, by time, key.")
    @batched
    @staticmethod
    async def episodes(
        parents: list[records.Entity],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[EpisodeConnection | None]:
        return await episodes_of(info, Kind.ENTITY, parents, Paging(first, after))

    @strawberry.field(
        description="The entities most like it by cosine similarity, never itself; one page."
    )
    @batched
    @staticmethod
    async def similar(
        parents: list[records.Entity],
        info: Info,
        first: SimilarFirst = 10,
        min_score: MinScore = UNSET,
    ) -> list[EntityConnection | None]:
        return await similar_to(info, Kind.ENTITY, parents, first, min_score, SearchFilter())


@strawberry.input(description="Which entities; its fields are joined by AND.")
class EntityFilter:
    names: list[str] | None = strawberry.field(
        default=UNSET, description="With one of these names exactly; none for `[]`."
    )
    name_contains: str | None = strawberry.field(
        default=UNSET,
        description="With this in the name, ASCII letters of either case, no wildcards.",
    )
    types: list[str] | None = strawberry.field(
        default=UNSET, description="Of one of these types; none for `[]`."
    )
    created_at: DateTimeRange | None = strawberry.field(
        default=UNSET, description="Created in this range."
    )


@strawberry.enum(description="What entities can be ordered by.")
class EntitySort(Enum):
    NAME = strawberry.enum_value("name", description="Their names, by code point.")
    CREATED_AT = strawberry.enum_value("created_at", description="When they were created.")


@strawberry.input(description="An order of entities; ties go by key, in the same direction.")
class EntityOrder:
    by: EntitySort = strawberry.field(description="What to order by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type
class EntityRoot:
    @strawberry.field(
        description="The entity with a key, or with a name that no other has: exactly one of the two."
    )
    async def entity(
        self,
        info: Info,
        key: Annotated[
            str | None, strawberry.argument(description="The owning store's own identifier.")
        ] = UNSET,
        name: Annotated[str | None, strawberry.argument(description="Its exact name.")] = UNSET,
    ) -> Entity | None:
        wanted = await _key(info, given(key, None), given(name, None))
        if wanted is None:
            return None
        known_at = info.context.moment(info).known_at
        loader = info.context.loaders.entity.by_key
        found = await loader.load_all([wanted], known_at, READERS[Kind.ENTITY].fields(info))
        return cast("Entity | None", found[0])

    @strawberry.field(description="The entities that pass the filter, by name, key unless ordered.")
    async def entities(
        self,
        info: Info,
        filter: Annotated[
            EntityFilter | None, strawberry.argument(description="Which entities; all unless said.")
        ] = UNSET,
        order_by: Annotated[
            EntityOrder | None, strawberry.argument(description="Another order than by name.")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> EntityConnection | None:
        loaders = info.context.loaders.entity
        where = _where(filter)
        order = order_of(order_by.by, order_by.direction) if order_by else None
        return await connect(
            info,
            Listing("entities", sorting_of(order, BY_NAME), (where, order)),
            Paging(first, after, last, before),
            READERS[Kind.ENTITY],
            lambda page, fields: loaders.pages.load_one(EntityPage(where, order, page), fields),
            lambda: loaders.count.load_one(where),
        )


async def _key(info: Info, key: str | None, name: str | None) -> str | None:
    """The key that the arguments of `entity` come to."""
    if (key is None) == (name is None):
        raise InputError("entity takes key or name, exactly one of the two")
    if name is None:
        return key
    (keys,) = await info.context.loaders.entity.keys_by_name.load_all([name], None)
    if len(keys) > 1:
        listing = ", ".join(repr(each) for each in keys[:5]) + (", …" if len(keys) > 5 else "")
        raise InputError(f"name {name[:80]!r} is that of several entities; ask by key: {listing}")
    return keys[0] if keys else None


async def _texts(
    info: Info, kind: Kind, parents: Sequence[records.Entity], paging: Paging, loaders: Any
) -> list[Any]:
    """The chunks or documents that mention each entity: their keys from the graph, then the texts."""

    async def load(keys: Keys, page: PageRequest, fields: Fields) -> list[Page[Any]]:
        pages = await loaders.keys_by_entity.load_all(keys, page)
        wanted = list(dict.fromkeys(key for each in pages for key in each.items))
        found = await loaders.by_key.load_all(wanted, None, fields)
        by_key = dict(zip(wanted, found, strict=True))
        return [
            msgspec.structs.replace(
                each, items=[by_key[key] for key in each.items if by_key[key] is not None]
            )
            for each in pages
        ]

    async def count(keys: Keys) -> list[int]:
        return await loaders.count_by_entity.load_all(keys, None)

    listing = Listing(f"Entity.{kind.value}", BY_KEY)
    keys = [parent.key for parent in parents]
    return await connect_each(info, listing, keys, paging, READERS[kind], load, count)


def _where(value: EntityFilter | None) -> records.EntityFilter:
    if not value:
        return records.EntityFilter()
    return records.EntityFilter(
        names=listed(value.names),
        name_contains=given(value.name_contains, None),
        types=listed(value.types),
        created_at=time_range("createdAt", value.created_at),
    )
