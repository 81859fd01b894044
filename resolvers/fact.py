"""Facts."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, cast

import strawberry
from strawberry import UNSET

from backends import records
from backends.records import Edges, Entity, Fields, Kind, Page, PageRequest
from loaders.base import Paged
from loaders.fact import FactCount, FactPage, FactsOf
from resolvers.arguments import (
    After,
    Before,
    First,
    IncludeInvalidated,
    Key,
    KnownAt,
    Last,
    ValidAt,
    given,
    listed,
)
from resolvers.batched import batched
from resolvers.connections import connect, connect_each
from resolvers.context import Info, Keys
from resolvers.ids import keys_of
from resolvers.inputs import DateTimeRange, SortDirection, order_of, time_range
from resolvers.listing import BY_VALID_FROM, Listing, Paging, sorting_of
from resolvers.node import Node, by_class
from resolvers.nouns import EntityRef, EpisodeConnection, FactConnection
from resolvers.readers import READERS
from resolvers.relations import Keyed, episodes_of
from resolvers.scalars import JSON


@strawberry.type(
    description="A dated statement that one entity makes about another: an edge of the graph."
)
class Fact(Node):
    key: str = strawberry.field(description="The owning store's own identifier.")
    predicate: str = strawberry.field(description="What the subject does or is to the object.")
    statement: str | None = strawberry.field(description="The fact as a sentence.")
    attributes: JSON = strawberry.field(description="What else is known of it, a JSON object.")
    valid_from: datetime | None = strawberry.field(
        description="When it began to hold in the world; null: always did."
    )
    valid_to: datetime | None = strawberry.field(
        description="When it ceased to hold; null: still holds, as known at the moment."
    )
    recorded_at: datetime | None = strawberry.field(description="When the memory learnt it.")
    retracted_at: datetime | None = strawberry.field(
        description="When the memory learnt of its end (validTo), or that it was wrong (no validTo)."
    )

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, records.Fact)

    @strawberry.field(description="The entity that the fact is about.")
    @batched
    @staticmethod
    async def subject(parents: list[records.Fact], info: Info) -> list[EntityRef]:
        return await _ends(info, [parent.subject_key for parent in parents])

    @strawberry.field(description="The entity that it relates the subject to.")
    @batched
    @staticmethod
    async def object(parents: list[records.Fact], info: Info) -> list[EntityRef]:
        return await _ends(info, [parent.object_key for parent in parents])

    @strawberry.field(description="The episodes that it was drawn from, by time, key.")
    @batched
    @staticmethod
    async def episodes(
        parents: list[records.Fact],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[EpisodeConnection | None]:
        return await episodes_of(info, Kind.FACT, parents, Paging(first, after))


@strawberry.input(description="Which facts; its fields are joined by AND.")
class FactFilter:
    predicates: list[str] | None = strawberry.field(
        default=UNSET, description="With one of these predicates; none for `[]`."
    )
    subjects: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="About one of these entities, by id; none for `[]`."
    )
    objects: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="With one of these entities as object, by id; none for `[]`."
    )
    valid_from: DateTimeRange | None = strawberry.field(
        default=UNSET, description="That began to hold in this range."
    )


@strawberry.enum(description="What facts can be ordered by.")
class FactSort(Enum):
    VALID_FROM = strawberry.enum_value("valid_from", description="When they began to hold.")
    RECORDED_AT = strawberry.enum_value("recorded_at", description="When the memory learnt them.")


@strawberry.input(description="An order of facts; ties go by key, in the same direction.")
class FactOrder:
    by: FactSort = strawberry.field(description="What to order by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type
class FactRoot:
    @strawberry.field(
        description="The fact with a key, as known at the moment; null if recorded later."
    )
    async def fact(self, info: Info, key: Key) -> Fact | None:
        known_at = info.context.moment(info).known_at
        loader = info.context.loaders.fact.by_key
        found = await loader.load_all([key], known_at, READERS[Kind.FACT].fields(info))
        return cast("Fact | None", found[0])

    @strawberry.field(
        description="The facts that pass the filter and hold at the moment, by validFrom (missing last), key unless ordered."
    )
    async def facts(
        self,
        info: Info,
        filter: Annotated[
            FactFilter | None, strawberry.argument(description="Which facts; all unless said.")
        ] = UNSET,
        order_by: Annotated[
            FactOrder | None, strawberry.argument(description="Another order than by validFrom.")
        ] = UNSET,
        valid_at: ValidAt = UNSET,
        known_at: KnownAt = UNSET,
        include_invalidated: IncludeInvalidated = False,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> FactConnection | None:
        context = info.context
        moment = context.moments.moment(context.enter(info, valid_at, known_at))
        loaders = context.loaders.fact
        where = _where(filter, given(include_invalidated, False))
        order = order_of(order_by.by, order_by.direction) if order_by else None
        return await connect(
            info,
            Listing("facts", sorting_of(order, BY_VALID_FROM), (where, order)),
            Paging(first, after, last, before),
            READERS[Kind.FACT],
            lambda page, fields: loaders.pages.load_one(
                FactPage(where, order, moment, page), fields
            ),
            lambda: loaders.count.load_one(FactCount(where, moment)),
        )


async def facts_of(
    info: Info, kind: Kind, parents: Sequence[Keyed], edges: Edges, paging: Paging
) -> list[Any]:
    """The facts about entities, or drawn from episodes, at the moment of the place."""
    loaders = info.context.loaders.fact
    asked = FactsOf(kind, edges, info.context.moment(info))

    async def load(keys: Keys, page: PageRequest, fields: Fields) -> list[Page[Any]]:
        return await loaders.of.load_all(keys, Paged(asked, page), fields)

    async def count(keys: Keys) -> list[int]:
        return await loaders.count_of.load_all(keys, asked)

    listing = Listing(f"{kind.value}.facts", BY_VALID_FROM, (edges,))
    keys = [parent.key for parent in parents]
    return await connect_each(info, listing, keys, paging, READERS[Kind.FACT], load, count)


async def _ends(info: Info, keys: list[str]) -> list[Any]:
    """Entities that facts name: always there, be it as the stand-in for one nobody loaded."""
    reader = READERS[Kind.ENTITY]
    fields = reader.fields(info) - {"key"}
    if not fields:  # relations go by the key: no store need be asked
        return [Entity(key=key) for key in keys]
    known_at = info.context.moment(info).known_at
    found = await info.context.loaders.entity.by_key.load_all(keys, known_at, fields)
    return [record or Entity.missing(key) for key, record in zip(keys, found, strict=True)]


def _where(value: FactFilter | None, include_invalidated: bool) -> records.FactFilter:
    if not value:
        return records.FactFilter(include_invalidated=include_invalidated)
    subjects, objects = listed(value.subjects), listed(value.objects)
    return records.FactFilter(
        predicates=listed(value.predicates),
        subjects=None if subjects is None else keys_of(subjects, Kind.ENTITY),
        objects=None if objects is None else keys_of(objects, Kind.ENTITY),
        valid_from=time_range("validFrom", value.valid_from),
        include_invalidated=include_invalidated,
    )
