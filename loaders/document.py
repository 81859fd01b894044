"""Loaders of documents."""

from collections.abc import Sequence

import msgspec

from backends.federation import Federation
from backends.records import (
    Document,
    DocumentFilter,
    Fields,
    Kind,
    Order,
    Page,
    PageRequest,
    Scope,
)
from loaders.base import Loader, Once


class DocumentPage(msgspec.Struct, frozen=True):
    """A page of the documents that pass a filter."""

    where: DocumentFilter
    order: Order | None
    page: PageRequest


class DocumentLoaders:
    """Documents by key, by filter and by the entity that they mention."""

    def __init__(self, federation: Federation, scope: Scope) -> None:
        documents, mentions = federation.documents, federation.mentions

        async def by_key(keys: Sequence[str], _: None, fields: Fields) -> list[Document | None]:
            return await documents.get_many(scope, keys, fields)

        async def pages(asked: DocumentPage, fields: Fields) -> Page[Document]:
            return await documents.find(scope, asked.where, asked.order, asked.page, fields)

        async def count(where: DocumentFilter, _: Fields) -> int:
            return await documents.count(scope, where)

        async def keys_by_entity(
            keys: Sequence[str], page: PageRequest, _: Fields
        ) -> list[Page[str]]:
            return await mentions.sources_of(scope, Kind.DOCUMENT, keys, page)

        async def count_by_entity(keys: Sequence[str], _: None, __: Fields) -> list[int]:
            return await mentions.count_sources_of(scope, Kind.DOCUMENT, keys)

        self.by_key = Loader(by_key)
        self.pages = Once(pages)
        self.count = Once(count)
        self.keys_by_entity = Loader(keys_by_entity)
        self.count_by_entity = Loader(count_by_entity)
