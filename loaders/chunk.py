"""Loaders of chunks."""

from collections.abc import Sequence

import msgspec

from backends.federation import Federation
from backends.records import Chunk, ChunkFilter, Fields, Kind, Page, PageRequest, Scope
from backends.roles import Step
from loaders.base import Loader, Once


class ChunkPage(msgspec.Struct, frozen=True):
    """A page of the chunks that pass a filter."""

    where: ChunkFilter
    page: PageRequest


class ChunkLoaders:
    """Chunks by key, by filter, by document, by neighbour and by the entity that they mention."""

    def __init__(self, federation: Federation, scope: Scope) -> None:
        chunks, mentions = federation.chunks, federation.mentions

        async def by_key(keys: Sequence[str], _: None, fields: Fields) -> list[Chunk | None]:
            return await chunks.get_many(scope, keys, fields)

        async def pages(asked: ChunkPage, fields: Fields) -> Page[Chunk]:
            return await chunks.find(scope, asked.where, asked.page, fields)

        async def count(where: ChunkFilter, _: Fields) -> int:
            return await chunks.count(scope, where)

        async def by_document(
            keys: Sequence[str], page: PageRequest, fields: Fields
        ) -> list[Page[Chunk]]:
            return await chunks.of_documents(scope, keys, page, fields)

        async def count_by_document(keys: Sequence[str], _: None, __: Fields) -> list[int]:
            return await chunks.count_of_documents(scope, keys)

        async def adjacent(keys: Sequence[str], step: Step, fields: Fields) -> list[Chunk | None]:
            return await chunks.adjacent(scope, keys, step, fields)

        async def keys_by_entity(
            keys: Sequence[str], page: PageRequest, _: Fields
        ) -> list[Page[str]]:
            return await mentions.sources_of(scope, Kind.CHUNK, keys, page)

        async def count_by_entity(keys: Sequence[str], _: None, __: Fields) -> list[int]:
            return await mentions.count_sources_of(scope, Kind.CHUNK, keys)

        self.by_key = Loader(by_key)
        self.pages = Once(pages)
        self.count = Once(count)
        self.by_document = Loader(by_document)
        self.count_by_document = Loader(count_by_document)
        self.adjacent = Loader(adjacent)
        self.keys_by_entity = Loader(keys_by_entity)
        self.count_by_entity = Loader(count_by_entity)
