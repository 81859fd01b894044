"""`Facts` in SQL: lists, neighbours and the steps of a traversal."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    delete,
    func,
    insert,
    select,
    union,
)

from backends.pages import page_of
from backends.records import (
    Direction,
    Edges,
    Entity,
    Fact,
    FactFilter,
    Fields,
    Kind,
    Moment,
    Order,
    Outcome,
    Page,
    PageRequest,
    Scope,
)
from backends.sql import filters, tables
from backends.sql.dialect import PARENT, element, one_of, place_holders, unindexed
from backends.sql.engine import SqlEngine
from backends.sql.entities import entities_or_missing, entity_rows
from backends.sql.keyset import Conditions, Ordering
from backends.sql.moments import visible
from backends.sql.rows import Rows, count_where

_C = tables.fact.c
BY_VALID = Ordering(_C.key, _C.valid_from, nullable=True)
BY_VALID_OF_FEW = Ordering(unindexed(_C.key), unindexed(_C.valid_from), nullable=True)


class SqlFacts:
    """Plays `Facts`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._rows: Rows[Fact] = Rows(engine, tables.fact, Fact)
        self._entities = entity_rows(engine)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Fact | None]:
        return await self._rows.get_many(scope, keys, fields)

    async def find(
        self,
        scope: Scope,
        where: FactFilter,
        order: Order | None,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Fact]:
        conditions = _found(scope, where, moment)
        return await self._rows.page(conditions, self._rows.ordering(order, BY_VALID), page, fields)

    async def count(self, scope: Scope, where: FactFilter, moment: Moment) -> int:
        return await self._rows.count(_found(scope, where, moment))

    async def of(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Fact]]:
        sources = _of_parent(scope, kind, edges, moment)
        ordering = BY_VALID_OF_FEW if kind is Kind.EPISODE else BY_VALID
        return await self._rows.pages(keys, sources, ordering, page, fields)

    async def count_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[int]:
        sources = _of_parent(scope, kind, edges, moment)
        counted = [count_where(tables.fact, source) for source in sources]
        return await self._rows.counts(keys, sum(counted[1:], counted[0]))

    async def neighbors(
        self,
        scope: Scope,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Entity]]:
        ends = _ends(scope, edges, moment)
        windows = [
            Ordering(other).window(other, [conditions], page, distinct=True).subquery()
            for other, conditions in ends
        ]
        merged = union(*(select(window.c.row) for window in windows)).subquery()
        window = (
            select(merged.c.row)
            .order_by(merged.c.row.desc() if page.backward else merged.c.row.asc())
            .limit(page.limit + (1 if page.ends else 0))
        )
        joined = await self._rows.values(keys, window)
        others = list(dict.fromkeys(other for each in joined for other in each))
        found = await entities_or_missing(self._entities, scope, others, moment.known_at, fields)
        by_key = dict(zip(others, found, strict=True))
        items = [[by_key[other] or Entity.missing(other) for other in each] for each in joined]
        outside = [
            await self._rows.outside([conditions], Ordering(other), page, keys=keys)
            for other, conditions in ends
        ]
        before, after = (any(each) for each in zip(*outside, strict=True))
        return [page_of(each, page, (before, after)) for each in items]

    async def count_neighbors(
        self, scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[int]:
        ends = _ends(scope, edges, moment)
        parts = [select(other.label("other")).where(*c).distinct() for other, c in ends]
        others = union(*parts).subquery()
        return await self._rows.counts(
            keys, select(func.count()).select_from(others).scalar_subquery()
        )

    async def between(
        self,
        scope: Scope,
        pairs: Sequence[tuple[str, str]],
        edges: Edges,
        moment: Moment,
        first: int,
        fields: Fields,
    ) -> list[list[Fact]]:
        near, far = element(PARENT, 0), element(PARENT, 1)
        shared = _edge_conditions(scope, edges, moment)
        out = [*shared, _C.subject_key == near, _C.object_key == far]
        back = [*shared, _C.object_key == near, _C.subject_key == far]
        sources = {
            Direction.OUT: [out],
            Direction.IN: [back],
            Direction.BOTH: [out, [*back, _C.subject_key != _C.object_key]],
        }[edges.direction]
        keys = [msgspec.json.encode(place_holders(pair)).decode() for pair in pairs]
        page = PageRequest(first=first)
        pages = await self._rows.pages(keys, sources, BY_VALID_OF_FEW, page, fields)
        return [list(each.items) for each in pages]

    async def expand(
        self, scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[list[str]]:
        statement = _joined(scope, keys, edges, moment)
        joined: dict[str, set[str]] = {key: set() for key in keys}
        for key, other in await self._engine.rows(statement):
            joined[key].add(other)
        return [sorted(joined[key]) for key in keys]

    async def reach(
        self,
        scope: Scope,
        keys: Sequence[str],
        visited: Sequence[str],
        edges: Edges,
        moment: Moment,
        limit: int,
    ) -> list[str]:
        joined = _joined(scope, keys, edges, moment).subquery()
        statement = (
            select(joined.c.other)
            .where(~one_of(joined.c.other, visited))
            .distinct()
            .order_by(joined.c.other)
            .limit(limit)
        )
        return [key for (key,) in await self._engine.rows(statement)]

    async def among(
        self,
        scope: Scope,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        limit: int,
        fields: Fields,
    ) -> list[Fact]:
        conditions = [
            *_edge_conditions(scope, edges, moment),
            one_of(_C.subject_key, keys),
            one_of(_C.object_key, keys),
        ]
        page = await self._rows.page(conditions, BY_VALID_OF_FEW, PageRequest(first=limit), fields)
        return list(page.items)

    async def unstated_of(self, scope: Scope, entity_keys: Sequence[str]) -> list[str]:
        blank = (_C.tenant == scope.tenant, _C.statement.is_(None))
        statement = union(
            select(_C.key).where(*blank, one_of(_C.subject_key, entity_keys)),
            select(_C.key).where(*blank, one_of(_C.object_key, entity_keys)),
        )
        return [key for (key,) in await self._engine.rows(statement)]

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Fact]:
        found = await self._rows.scan(scope, after, limit)
        link = tables.fact_episode.c
        statement = select(link.fact_key, link.episode_key).where(
            link.tenant == scope.tenant, one_of(link.fact_key, [fact.key for fact in found])
        )
        drawn: dict[str, list[str]] = {}
        for key, episode in await self._engine.rows(statement.order_by(link.episode_key)):
            drawn.setdefault(key, []).append(episode)
        return [
            msgspec.structs.replace(fact, episode_keys=tuple(drawn.get(fact.key, ())))
            for fact in found
        ]

    async def upsert_many(self, scope: Scope, records: Sequence[Fact]) -> list[Outcome]:
        async with self._engine.batch():
            outcomes, written = await self._rows.upsert(scope, records)
            await self._write_episodes(scope, written)
        return outcomes

    async def _write_episodes(self, scope: Scope, written: Sequence[Fact]) -> None:
        link = tables.fact_episode.c
        keys = [record.key for record in written]
        await self._engine.write(
            delete(tables.fact_episode).where(
                link.tenant == scope.tenant, one_of(link.fact_key, keys)
            )
        )
        await self._engine.write(
            insert(tables.fact_episode),
            [
                {"tenant": scope.tenant, "fact_key": record.key, "episode_key": episode}
                for record in written
                for episode in dict.fromkeys(record.episode_keys)
            ],
        )


_End = tuple[ColumnElement[Any], Conditions]


def _found(scope: Scope, where: FactFilter, moment: Moment) -> Conditions:
    shown = visible(_C, moment, include_invalidated=where.include_invalidated)
    return [*filters.of_facts(scope, where), shown]


def _edge_conditions(scope: Scope, edges: Edges, moment: Moment) -> Conditions:
    conditions: Conditions = [
        _C.tenant == scope.tenant,
        visible(_C, moment, include_invalidated=edges.include_invalidated),
    ]
    if edges.predicates is not None:
        conditions.append(one_of(_C.predicate, edges.predicates))
    return conditions


def _of_parent(scope: Scope, kind: Kind, edges: Edges, moment: Moment) -> Sequence[Conditions]:
    """The facts of a parent, as sources that no fact passes twice."""
    if kind is Kind.EPISODE:
        drawn_edges = Edges(include_invalidated=edges.include_invalidated)
        shared = _edge_conditions(scope, drawn_edges, moment)
        link = tables.fact_episode.c
        drawn = select(link.fact_key).where(link.tenant == scope.tenant, link.episode_key == PARENT)
        return [[*shared, _C.key.in_(drawn)]]
    shared = _edge_conditions(scope, edges, moment)
    out = [*shared, _C.subject_key == PARENT]
    into = [*shared, _C.object_key == PARENT]
    return {
        Direction.OUT: [out],
        Direction.IN: [into],
        Direction.BOTH: [out, [*into, _C.subject_key != _C.object_key]],
    }[edges.direction]


def _ends(scope: Scope, edges: Edges, moment: Moment) -> Sequence[_End]:
    """The far ends of a parent's facts, with what those facts must meet."""
    shared = [*_edge_conditions(scope, edges, moment), _C.subject_key != _C.object_key]
    out: _End = (_C.object_key, [*shared, _C.subject_key == PARENT])
    into: _End = (_C.subject_key, [*shared, _C.object_key == PARENT])
    return {Direction.OUT: [out], Direction.IN: [into], Direction.BOTH: [out, into]}[
        edges.direction
    ]


def _joined(scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment) -> Select[Any, Any]:
    """Pairs of a key and another that a fact joins to it."""
    shared = [*_edge_conditions(scope, edges, moment), _C.subject_key != _C.object_key]
    out = select(_C.subject_key.label("key"), _C.object_key.label("other")).where(
        *shared, one_of(_C.subject_key, keys)
    )
    into = select(_C.object_key.label("key"), _C.subject_key.label("other")).where(
        *shared, one_of(_C.object_key, keys)
    )
    parts = {Direction.OUT: [out], Direction.IN: [into], Direction.BOTH: [out, into]}
    pairs = union(*parts[edges.direction]).subquery()
    return select(pairs.c.key, pairs.c.other)
