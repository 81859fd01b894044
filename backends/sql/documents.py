"""`Documents` in SQL."""

from collections.abc import Sequence
from functools import partial

from backends.metadata import tokens_of
from backends.records import (
    Document,
    DocumentFilter,
    Fields,
    Kind,
    Order,
    Outcome,
    Page,
    PageRequest,
    Scope,
)
from backends.sql import filters, tables
from backends.sql.engine import SqlEngine
from backends.sql.keyset import Ordering
from backends.sql.rows import Rows
from backends.sql.tokens import write_tokens

BY_KEY = Ordering(tables.document.c.key)


class SqlDocuments:
    """Plays `Documents`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._rows = Rows(
            engine,
            tables.document,
            Document,
            sorts={"title": "title_sort"},
            derive=lambda record: {
                "title_sort": record.title and record.title[: tables.SORT_LENGTH]
            },
        )

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Document | None]:
        return await self._rows.get_many(scope, keys, fields)

    async def find(
        self,
        scope: Scope,
        where: DocumentFilter,
        order: Order | None,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Document]:
        conditions = partial(filters.of_documents, scope, where)
        return await self._rows.page(conditions, self._rows.ordering(order, BY_KEY), page, fields)

    async def count(self, scope: Scope, where: DocumentFilter) -> int:
        return await self._rows.count(partial(filters.of_documents, scope, where))

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Document]:
        return await self._rows.scan(scope, after, limit)

    async def upsert_many(self, scope: Scope, records: Sequence[Document]) -> list[Outcome]:
        async with self._engine.batch():
            outcomes, written = await self._rows.upsert(scope, records)
            tokens = {record.key: tokens_of(record.metadata) for record in written}
            await write_tokens(self._engine, scope, Kind.DOCUMENT, tokens)
        return outcomes
