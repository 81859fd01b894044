"""Episodes."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any, cast

import strawberry
from strawberry import UNSET

from backends import records
from backends.records import Edges, EpisodeKind, Kind
from backends.roles import Step
from loaders.episode import Adjacent, EpisodeCount, EpisodePage
from resolvers.arguments import (
    After,
    Before,
    First,
    IncludeInvalidated,
    Key,
    KnownAt,
    Last,
    Types,
    ValidAt,
    given,
    listed,
)
from resolvers.batched import batched
from resolvers.chunk import documents_of
from resolvers.connections import connect
from resolvers.context import Info
from resolvers.fact import facts_of
from resolvers.ids import keys_of
from resolvers.inputs import DateTimeRange, SortDirection, order_of, time_range
from resolvers.listing import BY_OCCURRED_AT, Listing, Paging, sorting_of
from resolvers.node import Node, by_class
from resolvers.nouns import (
    DocumentRef,
    EntityConnection,
    EpisodeConnection,
    EpisodeRef,
    FactConnection,
)
from resolvers.readers import READERS
from resolvers.relations import entities_mentioned
from resolvers.scalars import JSON, described

described(
    EpisodeKind,
    name="EpisodeKind",
    description="What the content of an episode is.",
    values={
        "MESSAGE": "Something that someone said.",
        "TEXT": "Prose.",
        "JSON": "A JSON text.",
        "FACT_TRIPLE": "A subject, a predicate and an object.",
    },
)


@strawberry.type(description="Something that happened or was said: where facts come from.")
class Episode(Node):
    key: str = strawberry.field(description="The owning store's own identifier.")
    name: str | None = strawberry.field(description="A short name for it.")
    kind: EpisodeKind = strawberry.field(description="What its content is.")
    content: str | None = strawberry.field(description="What happened or was said.")
    source: str | None = strawberry.field(description="The system or channel that it came from.")
    occurred_at: datetime | None = strawberry.field(description="When it happened.")
    recorded_at: datetime | None = strawberry.field(
        description="When the memory learnt of it; before, it is nowhere to be seen."
    )
    metadata: JSON = strawberry.field(description="What else is known of it, a JSON object.")

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, records.Episode)

    @strawberry.field(description="The document that it belongs to; null if that is not loaded.")
    @batched
    @staticmethod
    async def document(parents: list[records.Episode], info: Info) -> list[DocumentRef | None]:
        return await documents_of(info, parents)

    @strawberry.field(description="The entities that it mentions, by name, key.")
    @batched
    @staticmethod
    async def entities(
        parents: list[records.Episode],
        info: Info,
        types: Types = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[EntityConnection | None]:
        return await entities_mentioned(info, Kind.EPISODE, parents, types, Paging(first, after))

    @strawberry.field(
        description="The facts drawn from it that hold at the moment, by validFrom (missing last), key."
    )
    @batched
    @staticmethod
    async def facts(
        parents: list[records.Episode],
        info: Info,
        valid_at: ValidAt = UNSET,
        known_at: KnownAt = UNSET,
        include_invalidated: IncludeInvalidated = False,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[FactConnection | None]:
        edges = Edges(include_invalidated=given(include_invalidated, False))
        info.context.enter(info, valid_at, known_at)
        return await facts_of(info, Kind.EPISODE, parents, edges, Paging(first, after))

    @strawberry.field(
        description="The one before it, by time, key: in its document; without one, among those without one and of its source."
    )
    @batched
    @staticmethod
    async def previous(parents: list[records.Episode], info: Info) -> list[EpisodeRef | None]:
        return await _adjacent(info, parents, "previous")

    @strawberry.field(
        description="The one after it, by time, key: in its document; without one, among those without one and of its source."
    )
    @batched
    @staticmethod
    async def next(parents: list[records.Episode], info: Info) -> list[EpisodeRef | None]:
        return await _adjacent(info, parents, "next")


@strawberry.input(description="Which episodes; its fields are joined by AND.")
class EpisodeFilter:
    kinds: list[EpisodeKind] | None = strawberry.field(
        default=UNSET, description="Of one of these kinds; none for `[]`."
    )
    sources: list[str] | None = strawberry.field(
        default=UNSET, description="From one of these sources; none for `[]`."
    )
    occurred_at: DateTimeRange | None = strawberry.field(
        default=UNSET, description="That happened in this range."
    )
    mentions: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="That mention one of these entities, by id; none for `[]`."
    )


@strawberry.enum(description="What episodes can be ordered by.")
class EpisodeSort(Enum):
    OCCURRED_AT = strawberry.enum_value("occurred_at", description="When they happened.")
    RECORDED_AT = strawberry.enum_value(
        "recorded_at", description="When the memory learnt of them."
    )


@strawberry.input(description="An order of episodes; ties go by key, in the same direction.")
class EpisodeOrder:
    by: EpisodeSort = strawberry.field(description="What to order by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type
class EpisodeRoot:
    @strawberry.field(description="The episode with a key; null if recorded after the moment.")
    async def episode(self, info: Info, key: Key) -> Episode | None:
        known_at = info.context.moment(info).known_at
        loader = info.context.loaders.episode.by_key
        found = await loader.load_all([key], known_at, READERS[Kind.EPISODE].fields(info))
        return cast("Episode | None", found[0])

    @strawberry.field(
        description="The episodes that pass the filter, by time (missing last), key unless ordered."
    )
    async def episodes(
        self,
        info: Info,
        filter: Annotated[
            EpisodeFilter | None,
            strawberry.argument(description="Which episodes; all unless said."),
        ] = UNSET,
        order_by: Annotated[
            EpisodeOrder | None, strawberry.argument(description="Another order than by time.")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> EpisodeConnection | None:
        loaders = info.context.loaders.episode
        known_at = info.context.moment(info).known_at
        where = _where(filter)
        order = order_of(order_by.by, order_by.direction) if order_by else None
        return await connect(
            info,
            Listing("episodes", sorting_of(order, BY_OCCURRED_AT), (where, order)),
            Paging(first, after, last, before),
            READERS[Kind.EPISODE],
            lambda page, fields: loaders.pages.load_one(
                EpisodePage(where, order, known_at, page), fields
            ),
            lambda: loaders.count.load_one(EpisodeCount(where, known_at)),
        )


async def _adjacent(info: Info, parents: list[records.Episode], step: Step) -> list[Any]:
    keys = [parent.key for parent in parents]
    asked = Adjacent(step, info.context.moment(info).known_at)
    loader = info.context.loaders.episode.adjacent
    return await loader.load_all(keys, asked, READERS[Kind.EPISODE].fields(info))


def _where(value: EpisodeFilter | None) -> records.EpisodeFilter:
    if not value:
        return records.EpisodeFilter()
    mentions = listed(value.mentions)
    return records.EpisodeFilter(
        kinds=listed(value.kinds),
        sources=listed(value.sources),
        occurred_at=time_range("occurredAt", value.occurred_at),
        mentions=None if mentions is None else keys_of(mentions, Kind.ENTITY),
    )
