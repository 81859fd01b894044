"""`Facts` in SQL: lists, neighbours and the steps of a traversal."""

from collections.abc import Sequence
from functools import partial

import msgspec
from sqlalchemy import delete, insert, select

from backends.pages import page_of
from backends.records import (
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
from backends.sql import joins, tables
from backends.sql.columns import place_holders
from backends.sql.dialect import one_of, unindexed
from backends.sql.engine import SqlEngine
from backends.sql.entities import entities_or_missing, entity_rows
from backends.sql.keyset import Ordering, Span
from backends.sql.rows import Rows

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
        conditions = partial(joins.found, scope, where, moment)
        return await self._rows.page(conditions, self._rows.ordering(order, BY_VALID), page, fields)

    async def count(self, scope: Scope, where: FactFilter, moment: Moment) -> int:
        return await self._rows.count(partial(joins.found, scope, where, moment))

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
        sources = partial(joins.of_parent, scope, kind, edges, moment)
        ordering = BY_VALID_OF_FEW if kind is Kind.EPISODE else BY_VALID
        return await self._rows.pages(keys, sources, ordering, page, fields)

    async def count_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[int]:
        return await self._rows.counts(
            keys, partial(joins.count_of_parent, scope, kind, edges, moment)
        )

    async def neighbors(
        self,
        scope: Scope,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Entity]]:
        window = partial(joins.neighbors, scope, edges, moment, Span.of(page))
        joined = await self._rows.values(keys, window)
        others = list(dict.fromkeys(other for each in joined for other in each))
        found = await entities_or_missing(self._entities, scope, others, moment.known_at, fields)
        by_key = dict(zip(others, found, strict=True))
        items = [[by_key[other] or Entity.missing(other) for other in each] for each in joined]
        outside = [
            await self._rows.outside(sources, ordering, page, keys=keys)
            for sources, ordering in joins.each_way(scope, edges, moment)
        ]
        before, after = (any(each) for each in zip(*outside, strict=True))
        return [page_of(each, page, (before, after)) for each in items]

    async def count_neighbors(
        self, scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[int]:
        return await self._rows.counts(keys, partial(joins.count_neighbors, scope, edges, moment))

    async def between(
        self,
        scope: Scope,
        pairs: Sequence[tuple[str, str]],
        edges: Edges,
        moment: Moment,
        first: int,
        fields: Fields,
    ) -> list[list[Fact]]:
        sources = partial(joins.between, scope, edges, moment)
        keys = [msgspec.json.encode(place_holders(pair)).decode() for pair in pairs]
        page = PageRequest(first=first)
        pages = await self._rows.pages(keys, sources, BY_VALID_OF_FEW, page, fields)
        return [list(each.items) for each in pages]

    async def expand(
        self, scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[list[str]]:
        statement = partial(joins.joined, scope, keys, edges, moment)
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
        statement = partial(joins.reached, scope, keys, visited, edges, moment, limit)
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
        conditions = partial(joins.among, scope, keys, edges, moment)
        page = await self._rows.page(conditions, BY_VALID_OF_FEW, PageRequest(first=limit), fields)
        return list(page.items)

    async def unstated_of(self, scope: Scope, entity_keys: Sequence[str]) -> list[str]:
        statement = partial(joins.unstated, scope, entity_keys)
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
