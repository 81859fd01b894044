"""`Mentions` in SQL.

A row says that a chunk or an episode names an entity.  It carries what its lists are sorted by and
whether its ends are loaded, so that a list is one walk of an index; `note_…` keep that true as records
come, in whatever order.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Update,
    and_,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from backends.pages import page_of
from backends.records import (
    Chunk,
    Document,
    Entity,
    Episode,
    Fields,
    Kind,
    Mention,
    Outcome,
    Page,
    PageRequest,
    Scope,
)
from backends.sql import tables
from backends.sql.dialect import PARENT, one_of
from backends.sql.engine import SqlEngine
from backends.sql.keyset import Ordering, Sources, Span, window_of
from backends.sql.rows import Rows

_M = tables.mention.c
_S = tables.stub.c
BY_ENTITY = Ordering(_M.entity_key, _M.entity_name)
_SOURCES = {Kind.CHUNK: _M.key, Kind.DOCUMENT: _M.document_key}
"""The column with the chunks or documents that mention an entity."""


class SqlMentions:
    """Plays `Mentions`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._entities: Rows[Entity] = Rows(engine, tables.entity, Entity)

    async def entities_of(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        types: tuple[str, ...] | None,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Entity]]:
        sources = partial(_by, scope, kind, types)
        window = partial(window_of, _M.entity_key, sources, BY_ENTITY, Span.of(page), distinct=True)
        return await self._entities.pages_by(
            keys, window, sources, BY_ENTITY, page, fields, scope=scope
        )

    async def count_entities_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], types: tuple[str, ...] | None
    ) -> list[int]:
        sources = partial(_by, scope, kind, types)
        return await self._entities.counts(keys, partial(_distinct, _M.entity_key, sources))

    async def sources_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], page: PageRequest
    ) -> list[Page[str]]:
        column, sources = _SOURCES[kind], partial(_naming, scope, kind)
        ordering = Ordering(column)
        window = partial(window_of, column, sources, ordering, Span.of(page), distinct=True)
        items = await self._entities.values(keys, window)
        outside = await self._entities.outside(sources, ordering, page, keys=keys)
        return [page_of(each, page, outside) for each in items]

    async def count_sources_of(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[int]:
        counted = partial(_distinct, _SOURCES[kind], partial(_naming, scope, kind))
        return await self._entities.counts(keys, counted)

    async def note_texts(
        self, scope: Scope, documents: Sequence[Document], chunks: Sequence[Chunk]
    ) -> None:
        """Remember that these documents and chunks are loaded."""
        rows = [
            *({"kind": Kind.DOCUMENT.value, "key": d.key, "document_key": d.key} for d in documents),
            *({"kind": Kind.CHUNK.value, "key": c.key, "document_key": c.document_key} for c in chunks),
        ]  # fmt: skip
        statement = self._engine.dialect.insert(tables.stub)
        statement = statement.on_conflict_do_update(
            index_elements=["tenant", "kind", "key"],
            set_={"document_key": statement.excluded.document_key},
        )
        await self._engine.write(statement, [{"tenant": scope.tenant, **row} for row in rows])
        await self._engine.write(_noting(scope, Kind.CHUNK, [chunk.key for chunk in chunks]))

    async def forget_chunks(self, scope: Scope, keys: Sequence[str]) -> None:
        """Remember that these chunks are no longer there."""
        ours = (_S.tenant == scope.tenant, _S.kind == Kind.CHUNK.value, one_of(_S.key, keys))
        await self._engine.write(tables.stub.delete().where(*ours))
        await self._engine.write(
            update(tables.mention)
            .where(_M.tenant == scope.tenant, _M.kind == Kind.CHUNK.value, one_of(_M.key, keys))
            .values(loaded=0, document_key=None)
        )

    async def scan(self, scope: Scope, after: Mention | None, limit: int) -> list[Mention]:
        conditions = [_M.tenant == scope.tenant]
        if after is not None:
            place = tuple_(_M.kind, _M.key, _M.entity_key)
            conditions.append(
                place
                > tuple_(literal(after.kind.value), literal(after.key), literal(after.entity_key))
            )
        columns = (_M.kind, _M.key, _M.entity_key)
        statement = select(*columns).where(*conditions).order_by(*columns).limit(limit)
        rows = await self._engine.rows(statement)
        return [Mention(Kind(kind), key, entity) for kind, key, entity in rows]

    async def upsert_many(self, scope: Scope, records: Sequence[Mention]) -> list[Outcome]:
        async with self._engine.batch():
            there = await self._existing(scope, records)
            outcomes: list[Outcome] = []
            new: list[Mention] = []
            for record in records:
                outcomes.append(Outcome.UNCHANGED if record in there else Outcome.LOADED)
                if record not in there:
                    there.add(record)
                    new.append(record)
            await self._insert(scope, new)
        return outcomes

    async def _existing(self, scope: Scope, records: Sequence[Mention]) -> set[Mention]:
        statement = select(_M.kind, _M.key, _M.entity_key).where(
            _M.tenant == scope.tenant,
            one_of(_M.key, list({record.key for record in records})),
        )
        rows = await self._engine.rows(statement)
        return {Mention(Kind(kind), key, entity) for kind, key, entity in rows}

    async def _insert(self, scope: Scope, records: Sequence[Mention]) -> None:
        rows = [
            {
                "tenant": scope.tenant,
                "kind": record.kind.value,
                "key": record.key,
                "entity_key": record.entity_key,
                "loaded": 0,
            }
            for record in records
        ]
        await self._engine.write(insert(tables.mention), rows)
        chunks = [record.key for record in records if record.kind is Kind.CHUNK]
        episodes = [record.key for record in records if record.kind is Kind.EPISODE]
        await self._engine.write(_noting(scope, Kind.CHUNK, chunks))
        await self._engine.write(_noting(scope, Kind.EPISODE, episodes))
        await _note_names(self._engine, scope, [record.entity_key for record in records])


async def note_entities(engine: SqlEngine, scope: Scope, written: Sequence[Entity]) -> None:
    """Give the mentions of these entities the names to sort by."""
    await _note_names(engine, scope, [record.key for record in written])


async def note_episodes(engine: SqlEngine, scope: Scope, written: Sequence[Episode]) -> None:
    """Give the mentions by these episodes their times."""
    keys = [record.key for record in written]
    await engine.write(_noting(scope, Kind.EPISODE, keys))


async def _note_names(engine: SqlEngine, scope: Scope, keys: Sequence[str]) -> None:
    e = tables.entity.c
    named = (
        select(e.name_sort)
        .where(e.tenant == scope.tenant, e.key == _M.entity_key)
        .scalar_subquery()
    )
    await engine.write(
        update(tables.mention)
        .where(
            _M.tenant == scope.tenant,
            _M.kind.in_([Kind.CHUNK.value, Kind.EPISODE.value]),
            one_of(_M.entity_key, list(dict.fromkeys(keys))),
        )
        .values(entity_name=named)
    )


def _noting(scope: Scope, kind: Kind, keys: Sequence[str]) -> Update:
    """Mark the mentions by these chunks or episodes as loaded, if they are, with what lists need of them."""
    table, copied = {
        Kind.CHUNK: (tables.stub, ("document_key",)),
        Kind.EPISODE: (tables.episode, ("occurred_at", "recorded_at")),
    }[kind]
    own = [table.c.tenant == scope.tenant, table.c.key == _M.key]
    if table is tables.stub:
        own.append(table.c.kind == kind.value)
    copies = {name: select(table.c[name]).where(*own).scalar_subquery() for name in copied}
    return (
        update(tables.mention)
        .where(
            _M.tenant == scope.tenant,
            _M.kind == kind.value,
            one_of(_M.key, list(dict.fromkeys(keys))),
            select(literal(1)).where(*own).exists(),
        )
        .values({"loaded": 1, **copies})
    )


def _by(scope: Scope, kind: Kind, types: tuple[str, ...] | None) -> Sources:
    """The mentions by a parent whose ends are both loaded."""
    conditions = [
        _M.tenant == scope.tenant,
        _M.loaded == 1,
        _M.entity_name.is_not(None),
    ]
    if kind is Kind.DOCUMENT:
        conditions.append(_M.document_key == PARENT)
    else:
        conditions += [_M.kind == kind.value, _M.key == PARENT]
    if types is not None:
        e = tables.entity.c
        typed = select(e.key).where(
            e.tenant == scope.tenant, e.key == _M.entity_key, one_of(e.type, types)
        )
        conditions.append(typed.exists())
    return [conditions]


def _naming(scope: Scope, kind: Kind) -> Sources:
    """The mentions of a parent by loaded chunks, or by those of loaded documents."""
    conditions = [
        _M.tenant == scope.tenant,
        _M.kind == Kind.CHUNK.value,
        _M.entity_key == PARENT,
        _M.loaded == 1,
        _M.entity_name.is_not(None),
    ]
    if kind is Kind.CHUNK:
        return [conditions]
    known = and_(
        _S.tenant == scope.tenant, _S.kind == Kind.DOCUMENT.value, _S.key == _M.document_key
    )
    return [[*conditions, select(literal(1)).where(known).exists()]]


def _distinct(column: ColumnElement[Any], sources: partial[Sources]) -> ColumnElement[int]:
    (source,) = sources()
    return select(func.count(column.distinct())).where(*source).scalar_subquery()
