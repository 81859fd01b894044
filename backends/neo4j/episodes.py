"""`Episodes` in Neo4j: nodes, listed by time, and none before it was recorded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backends.neo4j import filters, lookup
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.keyset import Source, nearest
from backends.neo4j.listing import EACH_PARENT, Listing, Question
from backends.neo4j.moments import heard_of, known
from backends.neo4j.noting import note_episodes
from backends.neo4j.ordering import Bound, Ordering
from backends.neo4j.shapes import EPISODE, document_line, every_field
from backends.neo4j.values import ordered
from backends.neo4j.writing import upsert_nodes
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

BY_TIME = Ordering(("e.tenant",), "e.keyOrder", "e.occurredAtOrder", missing=True)
BY_RECORDED = Ordering(("e.tenant",), "e.keyOrder", "e.recordedAtOrder", missing=True)
BY_LINE = Ordering(("e.tenant", "e.line"), "e.keyOrder", "e.occurredAtOrder", missing=True)
BY_CHUNK = Ordering(("e.tenant", "e.chunkKey"), "e.keyOrder", "e.occurredAtOrder", missing=True)
BY_MENTION = Ordering(
    ("m.tenant", "m.entityOrder"), "m.keyOrder", "m.occurredAtOrder", missing=True
)
BY_KEY = Ordering(("e.tenant",), "e.keyOrder")
OURS = ("e.tenant = $tenant", "e.loaded = true")


class Neo4jEpisodes:
    """Plays `Episodes`."""

    def __init__(self, engine: Neo4jEngine) -> None:
        self._engine = engine
        self._listing = Listing(engine, EPISODE)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Episode | None]:
        columns = EPISODE.chosen(fields)
        rows = await self._engine.rows(
            f"UNWIND $keys AS key {lookup.node('e', 'Episode')} "
            f"AND e.loaded = true RETURN collect({EPISODE.projected('e', columns)})",
            {"tenant": scope.tenant, "keys": list(dict.fromkeys(keys))},
        )
        built = (EPISODE.build(self._engine.name, columns, row) for row in rows[0][0])
        found = {record.key: record for record in built}
        return [found.get(key) for key in keys]

    async def find(
        self,
        scope: Scope,
        where: EpisodeFilter,
        order: Order | None,
        known_at: datetime,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Episode]:
        return await self._listing.page(scope, _found(where, order, known_at), page, fields)

    async def count(self, scope: Scope, where: EpisodeFilter, known_at: datetime) -> int:
        return await self._listing.count(scope, _found(where, None, known_at))

    async def of(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        known_at: datetime,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Episode]]:
        asked = _of_parent(kind, known_at)
        return await self._listing.pages(scope, _parents(kind, keys), asked, page, fields)

    async def count_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], known_at: datetime
    ) -> list[int]:
        return await self._listing.counts(scope, _parents(kind, keys), _of_parent(kind, known_at))

    async def adjacent(
        self, scope: Scope, keys: Sequence[str], step: Step, known_at: datetime, fields: Fields
    ) -> list[Episode | None]:
        me = Bound("me.occurredAtOrder", "me.keyOrder")
        where = (*OURS, "e.line = me.line", heard_of("e"))
        found = nearest(_source(BY_LINE, where), me, backward=step == "previous")
        columns = EPISODE.chosen(fields)
        rows = await self._engine.rows(
            f"{EACH_PARENT} {lookup.node('me', 'Episode', 'parent')} "
            f"AND me.loaded = true CALL (me) {{ {found} }} "
            f"RETURN collect([place, {EPISODE.projected('item', columns)}])",
            {"tenant": scope.tenant, "parents": keys, **known(known_at)},
        )
        beside: dict[int, Any] = dict(rows[0][0])
        store = self._engine.name
        return [
            EPISODE.build(store, columns, beside[place]) if place in beside else None
            for place in range(len(keys))
        ]

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Episode]:
        page = PageRequest(first=limit, after=None if after is None else (after,))
        asked = Question([_source(BY_KEY, OURS)], {})
        return list((await self._listing.page(scope, asked, page, every_field(Episode))).items)

    async def upsert_many(self, scope: Scope, records: Sequence[Episode]) -> list[Outcome]:
        if not records:
            return []
        async with self._engine.batch():
            changes = await upsert_nodes(self._engine, scope, "Episode", EPISODE, records)
            await note_episodes(self._engine, scope, [each.key for each in changes.written])
        return changes.outcomes


def _found(where: EpisodeFilter, order: Order | None, known_at: datetime) -> Question:
    ordering = BY_TIME
    if order is not None:
        base = {"occurred_at": BY_TIME, "recorded_at": BY_RECORDED}[order.by]
        ordering = base.turned(descending=order.descending)
    met = filters.of_episodes(where)
    source = _source(ordering, (*OURS, *met.where, heard_of("e")))
    return Question([source], {**met.parameters, **known(known_at)})


def _parents(kind: Kind, keys: Sequence[str]) -> Sequence[str]:
    """The keys of what the episodes belong to, as their index holds them."""
    if kind is Kind.DOCUMENT:
        return [document_line(key) for key in keys]
    return [ordered(key) for key in keys] if kind is Kind.ENTITY else list(keys)


def _of_parent(kind: Kind, known_at: datetime) -> Question:
    """The visible episodes of a document or chunk, that mention an entity, or that a fact was drawn from."""
    heard = heard_of("e")
    if kind is Kind.ENTITY:
        index = f"m:MENTIONS({BY_MENTION.properties})"
        where = ("m.tenant = $tenant", "m.entityOrder = parent", heard)
        source = Source("(e)-[m:MENTIONS]->()", index, where, BY_MENTION, "e", "m, e")
    elif kind is Kind.FACT:
        index = "p:Provenance(tenant, fact, episode)"
        where = ("p.tenant = $tenant", "p.fact = parent", "p.episode IS NOT NULL")
        episode = f"{lookup.node('e', 'Episode', 'p.episode')} AND e.loaded = true AND {heard}"
        then = f"CALL (p) {{ {episode} RETURN e }}"
        source = Source("(p:Provenance)", index, where, BY_TIME, "e", "e", then, few=True)
    else:
        ordering = BY_LINE if kind is Kind.DOCUMENT else BY_CHUNK
        source = _source(ordering, (*OURS, f"{ordering.lead[1]} = parent", heard))
    return Question([source], known(known_at))


def _source(ordering: Ordering, where: tuple[str, ...]) -> Source:
    return Source("(e:Episode)", f"e:Episode({ordering.properties})", where, ordering, "e", "e")
