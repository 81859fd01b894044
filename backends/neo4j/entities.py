"""`Entities` in Neo4j: nodes, listed by name."""

from collections.abc import Sequence
from datetime import datetime

from backends.neo4j import filters, lookup
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.keyset import Source
from backends.neo4j.listing import Listing, Question
from backends.neo4j.moments import heard_of, known
from backends.neo4j.noting import note_entities
from backends.neo4j.ordering import Ordering
from backends.neo4j.shapes import ENTITY, every_field
from backends.neo4j.values import name_order
from backends.neo4j.writing import upsert_nodes
from backends.records import (
    Entity,
    EntityFilter,
    Fields,
    Order,
    Outcome,
    Page,
    PageRequest,
    Scope,
)

BY_NAME = Ordering(("e.tenant",), "e.keyOrder", "e.nameOrder")
BY_CREATED = Ordering(("e.tenant",), "e.keyOrder", "e.createdAtOrder", missing=True)
BY_KEY = Ordering(("e.tenant",), "e.keyOrder")
OURS = ("e.tenant = $tenant", "e.nameOrder IS NOT NULL")
"""The entities of a tenant that were loaded."""


class Neo4jEntities:
    """Plays `Entities`."""

    def __init__(self, engine: Neo4jEngine) -> None:
        self._engine = engine
        self._listing = Listing(engine, ENTITY)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], known_at: datetime, fields: Fields
    ) -> list[Entity | None]:
        columns = ENTITY.chosen(fields)
        named = f"EXISTS {{ (e)-[f:FACT]-() WHERE {heard_of('f')} }}"
        rows = await self._engine.rows(
            f"UNWIND $keys AS key {lookup.node('e', 'Entity')} "
            f"AND (e.nameOrder IS NOT NULL OR {named}) "
            f"RETURN collect([e.nameOrder IS NOT NULL, {ENTITY.projected('e', columns)}])",
            {"tenant": scope.tenant, "keys": list(dict.fromkeys(keys)), **known(known_at)},
        )
        found: dict[str, Entity] = {}
        for loaded, row in rows[0][0]:
            record = (
                ENTITY.build(self._engine.name, columns, row) if loaded else Entity.missing(row[0])
            )
            found[record.key] = record
        return [found.get(key) for key in keys]

    async def named(self, scope: Scope, names: Sequence[str], limit: int) -> list[list[str]]:
        asked = list(dict.fromkeys(names))
        rows = await self._engine.rows(
            "UNWIND $names AS name CALL (name) { MATCH (e:Entity) "
            "USING INDEX e:Entity(tenant, nameOrder, keyOrder) WHERE e.tenant = $tenant "
            "AND e.nameOrder = name[0] AND e.name = name[1] AND e.keyOrder IS NOT NULL "
            "WITH e ORDER BY e.tenant, e.nameOrder, e.keyOrder LIMIT $limit "
            "RETURN collect(e.key) AS keys } RETURN collect([name[1], keys])",
            {
                "tenant": scope.tenant,
                "names": [[name_order(name), name] for name in asked],
                "limit": limit,
            },
        )
        keys = dict(rows[0][0])
        return [keys[name] for name in names]

    async def find(
        self,
        scope: Scope,
        where: EntityFilter,
        order: Order | None,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Entity]:
        return await self._listing.page(scope, _found(where, order), page, fields)

    async def count(self, scope: Scope, where: EntityFilter) -> int:
        return await self._listing.count(scope, _found(where, None))

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Entity]:
        page = PageRequest(first=limit, after=None if after is None else (after,))
        asked = Question([_source(BY_KEY, OURS)], {})
        return list((await self._listing.page(scope, asked, page, every_field(Entity))).items)

    async def upsert_many(self, scope: Scope, records: Sequence[Entity]) -> list[Outcome]:
        if not records:
            return []
        async with self._engine.batch():
            changes = await upsert_nodes(self._engine, scope, "Entity", ENTITY, records)
            await note_entities(self._engine, scope, [each.key for each in changes.written])
        return changes.outcomes


def _found(where: EntityFilter, order: Order | None) -> Question:
    ordering = BY_NAME
    if order is not None:
        base = {"name": BY_NAME, "created_at": BY_CREATED}[order.by]
        ordering = base.turned(descending=order.descending)
    conditions = filters.of_entities(where)
    return Question([_source(ordering, (*OURS, *conditions.where))], conditions.parameters)


def _source(ordering: Ordering, where: tuple[str, ...]) -> Source:
    return Source("(e:Entity)", f"e:Entity({ordering.properties})", where, ordering, "e", "e")
