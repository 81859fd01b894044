"""Documents."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from backends import records
from backends.records import Fields, Kind, Page, PageRequest, SearchFilter
from loaders.document import DocumentPage
from resolvers.arguments import (
    After,
    Before,
    First,
    Key,
    Last,
    MinScore,
    SimilarFirst,
    Types,
    given,
    listed,
)
from resolvers.batched import batched
from resolvers.connections import connect, connect_each
from resolvers.context import Info, Keys
from resolvers.inputs import (
    DateTimeRange,
    MetadataMatch,
    SortDirection,
    metadata_matches,
    order_of,
    time_range,
)
from resolvers.listing import BY_KEY, BY_POSITION, Listing, Paging, sorting_of
from resolvers.node import Node, by_class
from resolvers.nouns import (
    ChunkConnection,
    DocumentConnection,
    EntityConnection,
    EpisodeConnection,
)
from resolvers.readers import READERS
from resolvers.relations import entities_mentioned, episodes_of, similar_to
from resolvers.scalars import JSON


@strawberry.type(description="A text that the memory was given.")
class Document(Node):
    key: str = strawberry.field(description="The owning store's own identifier.")
    title: str | None = strawberry.field(description="Its title.")
    uri: str | None = strawberry.field(description="Where it came from, as an address.")
    source: str | None = strawberry.field(description="The system or collection that it came from.")
    media_type: str | None = strawberry.field(description="Its media type, such as text/markdown.")
    text: str | None = strawberry.field(
        description="Its whole text; null where the store keeps chunks only."
    )
    metadata: JSON = strawberry.field(description="What else is known of it, a JSON object.")
    created_at: datetime | None = strawberry.field(description="When it was created.")
    updated_at: datetime | None = strawberry.field(description="When it was last changed.")

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, records.Document)

    @strawberry.field(description="Its chunks, by position (missing last), key.")
    @batched
    @staticmethod
    async def chunks(
        parents: list[records.Document],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> list[ChunkConnection | None]:
        loaders = info.context.loaders.chunk

        async def load(keys: Keys, page: PageRequest, fields: Fields) -> list[Page[Any]]:
            return await loaders.by_document.load_all(keys, page, fields)

        async def count(keys: Keys) -> list[int]:
            return await loaders.count_by_document.load_all(keys, None)

        return await connect_each(
            info,
            Listing("Document.chunks", BY_POSITION),
            [parent.key for parent in parents],
            Paging(first, after, last, before),
            READERS[Kind.CHUNK],
            load,
            count,
        )

    @strawberry.field(
        description="The entities that any of its chunks mentions, once each, by name, key."
    )
    @batched
    @staticmethod
    async def entities(
        parents: list[records.Document],
        info: Info,
        types: Types = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[EntityConnection | None]:
        return await entities_mentioned(info, Kind.DOCUMENT, parents, types, Paging(first, after))

    @strawberry.field(description="The episodes that it is the document of, by time, key.")
    @batched
    @staticmethod
    async def episodes(
        parents: list[records.Document],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[EpisodeConnection | None]:
        return await episodes_of(info, Kind.DOCUMENT, parents, Paging(first, after))

    @strawberry.field(
        description="The documents most like it by cosine similarity, never itself; one page."
    )
    @batched
    @staticmethod
    async def similar(
        parents: list[records.Document],
        info: Info,
        first: SimilarFirst = 10,
        min_score: MinScore = UNSET,
    ) -> list[DocumentConnection | None]:
        return await similar_to(info, Kind.DOCUMENT, parents, first, min_score, SearchFilter())


@strawberry.input(description="Which documents; its fields are joined by AND.")
class DocumentFilter:
    keys: list[str] | None = strawberry.field(
        default=UNSET, description="With one of these keys; none for `[]`."
    )
    sources: list[str] | None = strawberry.field(
        default=UNSET, description="From one of these sources; none for `[]`."
    )
    media_types: list[str] | None = strawberry.field(
        default=UNSET, description="Of one of these media types; none for `[]`."
    )
    title_contains: str | None = strawberry.field(
        default=UNSET,
        description="With this in the title, ASCII letters of either case, no wildcards.",
    )
    created_at: DateTimeRange | None = strawberry.field(
        default=UNSET, description="Created in this range."
    )
    metadata: list[MetadataMatch] | None = strawberry.field(
        default=UNSET, description="Whose metadata meets all of these; `[]` excludes nothing."
    )


@strawberry.enum(description="What documents can be ordered by.")
class DocumentSort(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description="When they were created.")
    UPDATED_AT = strawberry.enum_value("updated_at", description="When they were last changed.")
    TITLE = strawberry.enum_value("title", description="Their titles, by code point.")


@strawberry.input(description="An order of documents; ties go by key, in the same direction.")
class DocumentOrder:
    by: DocumentSort = strawberry.field(description="What to order by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type
class DocumentRoot:
    @strawberry.field(description="The document with a key; null if there is none.")
    async def document(self, info: Info, key: Key) -> Document | None:
        fields = READERS[Kind.DOCUMENT].fields(info)
        found: list[Any] = await info.context.loaders.document.by_key.load_all([key], None, fields)
        return found[0]

    @strawberry.field(description="The documents that pass the filter, by key unless ordered.")
    async def documents(
        self,
        info: Info,
        filter: Annotated[
            DocumentFilter | None,
            strawberry.argument(description="Which documents; all unless said."),
        ] = UNSET,
        order_by: Annotated[
            DocumentOrder | None, strawberry.argument(description="Another order than by key.")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> DocumentConnection | None:
        loaders = info.context.loaders.document
        where = _where(filter)
        order = order_of(order_by.by, order_by.direction) if order_by else None
        listing = Listing("documents", sorting_of(order, BY_KEY), (where, order))
        return await connect(
            info,
            listing,
            Paging(first, after, last, before),
            READERS[Kind.DOCUMENT],
            lambda page, fields: loaders.pages.load_one(DocumentPage(where, order, page), fields),
            lambda: loaders.count.load_one(where),
        )


def _where(value: DocumentFilter | None) -> records.DocumentFilter:
    if not value:
        return records.DocumentFilter()
    return records.DocumentFilter(
        keys=listed(value.keys),
        sources=listed(value.sources),
        media_types=listed(value.media_types),
        title_contains=given(value.title_contains, None),
        created_at=time_range("createdAt", value.created_at),
        metadata=metadata_matches(value.metadata),
    )
