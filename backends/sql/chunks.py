"""`Chunks` in SQL."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, tuple_

from backends.metadata import tokens_of
from backends.records import (
    Chunk,
    ChunkFilter,
    Fields,
    Kind,
    Outcome,
    Page,
    PageRequest,
    Scope,
)
from backends.roles import Step
from backends.sql import filters, tables
from backends.sql.dialect import PARENT, one_of
from backends.sql.engine import SqlEngine
from backends.sql.keyset import Ordering, Sources
from backends.sql.reads import count_where
from backends.sql.rows import Rows
from backends.sql.tokens import write_tokens

_C = tables.chunk.c
BY_KEY = Ordering(_C.key)
BY_POSITION = Ordering(_C.key, _C.position, nullable=True)


class SqlChunks:
    """Plays `Chunks`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._rows = Rows(engine, tables.chunk, Chunk)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Chunk | None]:
        return await self._rows.get_many(scope, keys, fields)

    async def find(
        self, scope: Scope, where: ChunkFilter, page: PageRequest, fields: Fields
    ) -> Page[Chunk]:
        conditions = partial(filters.of_chunks, scope, where)
        return await self._rows.page(conditions, BY_KEY, page, fields)

    async def count(self, scope: Scope, where: ChunkFilter) -> int:
        return await self._rows.count(partial(filters.of_chunks, scope, where))

    async def of_documents(
        self, scope: Scope, keys: Sequence[str], page: PageRequest, fields: Fields
    ) -> list[Page[Chunk]]:
        sources = partial(_of_parent, scope)
        return await self._rows.pages(keys, sources, BY_POSITION, page, fields)

    async def count_of_documents(self, scope: Scope, keys: Sequence[str]) -> list[int]:
        return await self._rows.counts(keys, partial(_counted, scope))

    async def adjacent(
        self, scope: Scope, keys: Sequence[str], step: Step, fields: Fields
    ) -> list[Chunk | None]:
        window = partial(_adjacent, scope, step == "next")
        found = await self._rows.of_windows(keys, window, fields)
        return [each[0] if each else None for each in found]

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Chunk]:
        return await self._rows.scan(scope, after, limit)

    async def upsert_many(self, scope: Scope, records: Sequence[Chunk]) -> list[Outcome]:
        async with self._engine.batch():
            outcomes, written = await self._rows.upsert(scope, records)
            tokens = {record.key: tokens_of(record.metadata) for record in written}
            await write_tokens(self._engine, scope, Kind.CHUNK, tokens)
        return outcomes

    async def keep_only(self, scope: Scope, kept: Mapping[str, Sequence[str]]) -> list[str]:
        async with self._engine.batch():
            there = await self._engine.rows(
                select(_C.key, _C.document_key).where(
                    _C.tenant == scope.tenant, one_of(_C.document_key, list(kept))
                )
            )
            gone = [key for key, document in there if key not in kept[document]]
            if gone:
                await write_tokens(self._engine, scope, Kind.CHUNK, dict.fromkeys(gone, ()))
                await self._engine.write(
                    delete(tables.chunk).where(_C.tenant == scope.tenant, one_of(_C.key, gone))
                )
        return gone


def _of_parent(scope: Scope) -> Sources:
    return [[_C.tenant == scope.tenant, _C.document_key == PARENT]]


def _counted(scope: Scope) -> ColumnElement[int]:
    (source,) = _of_parent(scope)
    return count_where(tables.chunk, source)


def _adjacent(scope: Scope, forward: bool) -> Select[Any]:
    me = tables.chunk.alias("me")
    siblings = [_C.tenant == scope.tenant, _C.document_key == me.c.document_key]
    return adjacent_row(scope, me, tables.chunk, [siblings], "position", forward=forward)


def adjacent_row(
    scope: Scope, me: Any, other: Any, families: Sources, sort: str, *, forward: bool
) -> Select[Any]:
    """The row of `other` before or after the parent's own (`me`) among its siblings, ordered by `sort`
    (missing last), key.

    `me` belongs to one of the families at most; each is walked on an index of its own.
    """
    here, there = me.c[sort], other.c[sort]
    place, mine = tuple_(there, other.c.key), tuple_(here, me.c.key)
    # Each range is bounded on an index; one that cannot hold me's neighbour is empty.
    if forward:
        order = [there.asc(), other.c.key.asc()]
        ranges = [
            [there.is_not(None), place > mine],
            [there.is_(None), here.is_not(None)],
            [there.is_(None), here.is_(None), other.c.key > me.c.key],
        ]
    else:
        order = [there.desc(), other.c.key.desc()]
        ranges = [
            [there.is_(None), here.is_(None), other.c.key < me.c.key],
            [there.is_not(None), here.is_(None)],
            [there.is_not(None), place < mine],
        ]
    nearest = [
        select(other.c.id)
        .where(*family, *conditions)
        .order_by(*order)
        .limit(1)
        .correlate(me)
        .scalar_subquery()
        for family in families
        for conditions in ranges
    ]
    row = func.coalesce(*nearest).label("row")
    return select(row).where(me.c.tenant == scope.tenant, me.c.key == PARENT)
