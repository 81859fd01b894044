"""`Episodes` in SQL."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from backends.metadata import tokens_of
from backends.records import (
    Episode,
    EpisodeFilter,
    Fields,
    Kind,
    Order,
    Outcome,
    Page,
    PageRequest,
    Scope,
)
from backends.roles import Step
from backends.sql import filters, tables
from backends.sql.chunks import adjacent_row
from backends.sql.dialect import PARENT, same, unindexed
from backends.sql.engine import SqlEngine
from backends.sql.keyset import Conditions, Ordering, Sources, Span, window_of
from backends.sql.mentions import note_episodes
from backends.sql.moments import heard_of
from backends.sql.reads import count_where
from backends.sql.rows import Rows
from backends.sql.tokens import write_tokens

_C = tables.episode.c
_M = tables.mention.c
BY_TIME = Ordering(_C.key, _C.occurred_at, nullable=True)
BY_TIME_OF_FEW = Ordering(unindexed(_C.key), unindexed(_C.occurred_at), nullable=True)
BY_MENTION = Ordering(_M.key, _M.occurred_at, nullable=True)


class SqlEpisodes:
    """Plays `Episodes`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._rows: Rows[Episode] = Rows(engine, tables.episode, Episode)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Episode | None]:
        return await self._rows.get_many(scope, keys, fields)

    async def find(
        self,
        scope: Scope,
        where: EpisodeFilter,
        order: Order | None,
        known_at: datetime,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Episode]:
        conditions = partial(_found, scope, where, known_at)
        return await self._rows.page(conditions, self._rows.ordering(order, BY_TIME), page, fields)

    async def count(self, scope: Scope, where: EpisodeFilter, known_at: datetime) -> int:
        return await self._rows.count(partial(_found, scope, where, known_at))

    async def of(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        known_at: datetime,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Episode]]:
        if kind is Kind.ENTITY:
            sources = partial(_mentioning, scope, known_at)
            window = partial(window_of, _M.key, sources, BY_MENTION, Span.of(page))
            return await self._rows.pages_by(
                keys, window, sources, BY_MENTION, page, fields, scope=scope
            )
        ordering = BY_TIME_OF_FEW if kind is Kind.FACT else BY_TIME
        sources = partial(_of_parent, scope, kind, known_at)
        return await self._rows.pages(keys, sources, ordering, page, fields)

    async def count_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], known_at: datetime
    ) -> list[int]:
        return await self._rows.counts(keys, partial(_counted, scope, kind, known_at))

    async def adjacent(
        self, scope: Scope, keys: Sequence[str], step: Step, known_at: datetime, fields: Fields
    ) -> list[Episode | None]:
        window = partial(_adjacent, scope, step == "next", known_at)
        found = await self._rows.of_windows(keys, window, fields)
        return [each[0] if each else None for each in found]

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Episode]:
        return await self._rows.scan(scope, after, limit)

    async def upsert_many(self, scope: Scope, records: Sequence[Episode]) -> list[Outcome]:
        async with self._engine.batch():
            outcomes, written = await self._rows.upsert(scope, records)
            tokens = {record.key: tokens_of(record.metadata) for record in written}
            await write_tokens(self._engine, scope, Kind.EPISODE, tokens)
            await note_episodes(self._engine, scope, written)
        return outcomes


def _found(scope: Scope, where: EpisodeFilter, known_at: datetime) -> Conditions:
    return [*filters.of_episodes(scope, where), heard_of(_C, known_at)]


def _of_parent(scope: Scope, kind: Kind, known_at: datetime) -> Sources:
    """The visible episodes of a document, a chunk or a fact."""
    visible: Conditions = [_C.tenant == scope.tenant, heard_of(_C, known_at)]
    if kind is Kind.FACT:
        link = tables.fact_episode.c
        drawn = select(link.episode_key).where(link.tenant == scope.tenant, link.fact_key == PARENT)
        return [[*visible, _C.key.in_(drawn)]]
    column = _C.document_key if kind is Kind.DOCUMENT else _C.chunk_key
    return [[*visible, column == PARENT]]


def _mentioning(scope: Scope, known_at: datetime) -> Sources:
    """The mentions of an entity by visible episodes."""
    return [
        [
            _M.tenant == scope.tenant,
            _M.kind == Kind.EPISODE.value,
            _M.entity_key == PARENT,
            _M.loaded == 1,
            _M.entity_name.is_not(None),
            heard_of(_M, known_at),
        ]
    ]


def _counted(scope: Scope, kind: Kind, known_at: datetime) -> ColumnElement[int]:
    if kind is Kind.ENTITY:
        (source,) = _mentioning(scope, known_at)
        return count_where(tables.mention, source)
    (source,) = _of_parent(scope, kind, known_at)
    return count_where(tables.episode, source)


def _adjacent(scope: Scope, forward: bool, known_at: datetime) -> Select[Any]:
    me = tables.episode.alias("me")
    visible = [_C.tenant == scope.tenant, heard_of(_C, known_at)]
    families = [
        [*visible, _C.document_key == me.c.document_key],
        [
            *visible,
            me.c.document_key.is_(None),
            _C.document_key.is_(None),
            *same(_C.source, me.c.source),
        ],
    ]
    return adjacent_row(scope, me, tables.episode, families, "occurred_at", forward=forward)
