"""Chunks."""

from typing import Annotated, Any, cast

import strawberry
from strawberry import UNSET

from backends import records
from backends.records import Kind, SearchFilter
from backends.roles import Step
from loaders.chunk import ChunkPage
from resolvers.arguments import (
    After,
    Before,
    First,
    Key,
    Last,
    MinScore,
    SimilarFirst,
    Types,
    listed,
)
from resolvers.batched import batched
from resolvers.connections import connect
from resolvers.context import Info
from resolvers.ids import keys_of
from resolvers.inputs import MetadataMatch, metadata_matches
from resolvers.listing import BY_KEY, Listing, Paging
from resolvers.node import Node, by_class
from resolvers.nouns import (
    ChunkConnection,
    ChunkRef,
    DocumentRef,
    EntityConnection,
    EpisodeConnection,
)
from resolvers.readers import READERS
from resolvers.relations import entities_mentioned, episodes_of, similar_to
from resolvers.scalars import JSON


@strawberry.input(description="Which chunks; its fields are joined by AND.")
class ChunkFilter:
    documents: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Of one of these documents, by id; none for `[]`."
    )
    sources: list[str] | None = strawberry.field(
        default=UNSET, description="Of documents from one of these sources; none for `[]`."
    )
    metadata: list[MetadataMatch] | None = strawberry.field(
        default=UNSET, description="Whose metadata meets all of these; `[]` excludes nothing."
    )


@strawberry.type(description="A piece of a document.")
class Chunk(Node):
    key: str = strawberry.field(description="The owning store's own identifier.")
    position: int | None = strawberry.field(description="Its place in its document, from 0.")
    text: str = strawberry.field(description="Its text.")
    token_count: int | None = strawberry.field(
        description="How many tokens its text has, as its loader counted them."
    )
    metadata: JSON = strawberry.field(description="What else is known of it, a JSON object.")

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, records.Chunk)

    @strawberry.field(description="The document that it is of; null if that is not loaded.")
    @batched
    @staticmethod
    async def document(parents: list[records.Chunk], info: Info) -> list[DocumentRef | None]:
        return await documents_of(info, parents)

    @strawberry.field(description="The chunk before it in its document, by position, key.")
    @batched
    @staticmethod
    async def previous(parents: list[records.Chunk], info: Info) -> list[ChunkRef | None]:
        return await _adjacent(info, parents, "previous")

    @strawberry.field(description="The chunk after it in its document, by position, key.")
    @batched
    @staticmethod
    async def next(parents: list[records.Chunk], info: Info) -> list[ChunkRef | None]:
        return await _adjacent(info, parents, "next")

    @strawberry.field(description="Its embedding; null where it has none.")
    @batched
    @staticmethod
    async def embedding(parents: list[records.Chunk], info: Info) -> list[list[float] | None]:
        keys = [parent.key for parent in parents]
        loader = info.context.loaders.search.embeddings
        vectors = await loader.load_all(keys, Kind.CHUNK)
        return [None if vector is None else vector.tolist() for vector in vectors]

    @strawberry.field(description="The entities that it mentions, by name, key.")
    @batched
    @staticmethod
    async def entities(
        parents: list[records.Chunk],
        info: Info,
        types: Types = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[EntityConnection | None]:
        return await entities_mentioned(info, Kind.CHUNK, parents, types, Paging(first, after))

    @strawberry.field(description="The episodes that it is the chunk of, by time, key.")
    @batched
    @staticmethod
    async def episodes(
        parents: list[records.Chunk],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
    ) -> list[EpisodeConnection | None]:
        return await episodes_of(info, Kind.CHUNK, parents, Paging(first, after))

    @strawberry.field(
        description="The chunks most like it by cosine similarity, never itself; one page."
    )
    @batched
    @staticmethod
    async def similar(
        parents: list[records.Chunk],
        info: Info,
        first: SimilarFirst = 10,
        min_score: MinScore = UNSET,
        filter: Annotated[
            ChunkFilter | None, strawberry.argument(description="Only among these chunks.")
        ] = UNSET,
    ) -> list[ChunkConnection | None]:
        where = _where(filter)
        among = SearchFilter(
            sources=where.sources, documents=where.documents, metadata=where.metadata
        )
        return await similar_to(info, Kind.CHUNK, parents, first, min_score, among)


@strawberry.type
class ChunkRoot:
    @strawberry.field(description="The chunk with a key; null if there is none.")
    async def chunk(self, info: Info, key: Key) -> Chunk | None:
        loader = info.context.loaders.chunk.by_key
        found = await loader.load_all([key], None, READERS[Kind.CHUNK].fields(info))
        return cast("Chunk | None", found[0])

    @strawberry.field(description="The chunks that pass the filter, by key.")
    async def chunks(
        self,
        info: Info,
        filter: Annotated[
            ChunkFilter | None, strawberry.argument(description="Which chunks; all unless said.")
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> ChunkConnection | None:
        loaders = info.context.loaders.chunk
        where = _where(filter)
        return await connect(
            info,
            Listing("chunks", BY_KEY, (where,)),
            Paging(first, after, last, before),
            READERS[Kind.CHUNK],
            lambda page, fields: loaders.pages.load_one(ChunkPage(where, page), fields),
            lambda: loaders.count.load_one(where),
        )


async def documents_of(
    info: Info, parents: list[records.Chunk] | list[records.Episode]
) -> list[Any]:
    """The document of each, null where it has none or it is not loaded."""
    keys = list(dict.fromkeys(parent.document_key for parent in parents if parent.document_key))
    loader = info.context.loaders.document.by_key
    found = await loader.load_all(keys, None, READERS[Kind.DOCUMENT].fields(info))
    by_key = dict(zip(keys, found, strict=True))
    return [by_key.get(parent.document_key or "") for parent in parents]


async def _adjacent(info: Info, parents: list[records.Chunk], step: Step) -> list[Any]:
    keys = [parent.key for parent in parents]
    loader = info.context.loaders.chunk.adjacent
    return await loader.load_all(keys, step, READERS[Kind.CHUNK].fields(info))


def _where(value: ChunkFilter | None) -> records.ChunkFilter:
    if not value:
        return records.ChunkFilter()
    documents = listed(value.documents)
    return records.ChunkFilter(
        documents=None if documents is None else keys_of(documents, Kind.DOCUMENT),
        sources=listed(value.sources),
        metadata=metadata_matches(value.metadata),
    )
