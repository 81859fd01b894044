"""`Facts` in Neo4j: relationships, their lists, and the steps of a traversal."""

from collections.abc import Sequence

import msgspec

from backends.neo4j import filters, lookup
from backends.neo4j.edges import (
    BY_VALID_OF_OBJECT,
    BY_VALID_OF_SUBJECT,
    INTO_PARENT,
    OUT_OF_PARENT,
    conditions,
    fact_source,
    facts_between,
    facts_of,
    keys_joined,
    neighbours_of,
)
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.fact_writing import upsert_facts
from backends.neo4j.keyset import Source
from backends.neo4j.listing import NO_PARENT, Listing, Lists, Question
from backends.neo4j.moments import clocks, visible
from backends.neo4j.ordering import Ordering
from backends.neo4j.shapes import ENTITY, FACT, every_field
from backends.neo4j.values import ordered
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

BY_VALID = Ordering(("f.tenant",), "f.keyOrder", "f.validFromOrder", missing=True)
BY_RECORDED = Ordering(("f.tenant",), "f.keyOrder", "f.recordedAtOrder", missing=True)
BY_KEY = Ordering(("f.tenant",), "f.keyOrder")
OURS = ("f.tenant = $tenant",)

MANY = 1_000
"""An entity with more facts than this has those with given others sought pair by pair."""

_AMONG = """
UNWIND $keys AS subject
{found}
WITH subject, COUNT {{ (e)-[:FACT]->() }} AS degree
CALL (subject, degree) {{
  UNWIND CASE WHEN degree <= $many THEN [subject] ELSE [] END AS few
  MATCH ()-[f:FACT]->() USING INDEX f:FACT(tenant, subject, validFromOrder, keyOrder)
  WHERE f.tenant = $tenant AND f.subject = few AND f.validFromOrder IS NOT NULL
    AND f.keyOrder IS NOT NULL AND f.object IN $keys AND {met}
  RETURN f
  UNION ALL
  UNWIND CASE WHEN degree > $many THEN $orders ELSE [] END AS other
  MATCH ()-[f:FACT]->() USING INDEX f:FACT(tenant, subject, objectOrder, validFromOrder, keyOrder)
  WHERE f.tenant = $tenant AND f.subject = subject AND f.objectOrder = other
    AND f.validFromOrder IS NOT NULL AND f.keyOrder IS NOT NULL AND {met}
  RETURN f
}}
WITH f AS item, f.validFromOrder AS sort, f.keyOrder AS key ORDER BY sort, key LIMIT $limit
RETURN collect({projected})
"""


class Neo4jFacts:
    """Plays `Facts`."""

    def __init__(self, engine: Neo4jEngine) -> None:
        self._engine = engine
        self._listing = Listing(engine, FACT)
        self._lists = Lists(engine)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Fact | None]:
        columns = FACT.chosen(fields)
        rows = await self._engine.rows(
            f"UNWIND $keys AS key {lookup.fact()} RETURN collect({FACT.projected('f', columns)})",
            {"tenant": scope.tenant, "keys": list(dict.fromkeys(keys))},
        )
        built = (FACT.build(self._engine.name, columns, row) for row in rows[0][0])
        found = {record.key: record for record in built}
        return [found.get(key) for key in keys]

    async def find(
        self,
        scope: Scope,
        where: FactFilter,
        order: Order | None,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Fact]:
        asked, parents = _found(where, order, moment)
        return await self._listing.page(scope, asked, page, fields, parents=parents)

    async def count(self, scope: Scope, where: FactFilter, moment: Moment) -> int:
        asked, parents = _found(where, None, moment)
        return await self._listing.count(scope, asked, parents=parents)

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
        return await self._listing.pages(scope, keys, facts_of(kind, edges, moment), page, fields)

    async def count_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[int]:
        return await self._listing.counts(scope, keys, facts_of(kind, edges, moment))

    async def neighbors(
        self,
        scope: Scope,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Entity]]:
        columns = ENTITY.chosen(fields)
        projected = f"[item.nameOrder IS NOT NULL, {ENTITY.projected('item', columns)}]"
        asked = neighbours_of(edges, moment)
        pages = await self._lists.pages(scope, keys, asked, page, projected)
        store = self._engine.name
        return [
            msgspec.structs.replace(
                each,
                items=[
                    ENTITY.build(store, columns, row) if loaded else Entity.missing(row[0])
                    for loaded, row in each.items
                ],
            )
            for each in pages
        ]

    async def count_neighbors(
        self, scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[int]:
        return await self._lists.counts(scope, keys, keys_joined(edges, moment))

    async def between(
        self,
        scope: Scope,
        pairs: Sequence[tuple[str, str]],
        edges: Edges,
        moment: Moment,
        first: int,
        fields: Fields,
    ) -> list[list[Fact]]:
        parents = [{"near": near, "farOrder": ordered(far)} for near, far in pairs]
        asked, page = facts_between(edges, moment), PageRequest(first=first)
        pages = await self._listing.pages(scope, parents, asked, page, fields)
        return [list(each.items) for each in pages]

    async def expand(
        self, scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[list[str]]:
        joined = await self._lists.every(scope, keys, keys_joined(edges, moment))
        return [sorted(each) for each in joined]

    async def reach(
        self,
        scope: Scope,
        keys: Sequence[str],
        visited: Sequence[str],
        edges: Edges,
        moment: Moment,
        limit: int,
    ) -> list[str]:
        asked = keys_joined(edges, moment, unvisited=True)
        asked = msgspec.structs.replace(
            asked,
            parameters={**asked.parameters, "visited": [ordered(key) for key in visited]},
        )
        # The first of all are among the first of each.
        page = await self._lists.page(scope, keys, asked, PageRequest(first=limit), "item")
        return list(page.items)

    async def among(
        self,
        scope: Scope,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        limit: int,
        fields: Fields,
    ) -> list[Fact]:
        met, parameters = conditions(edges, moment)
        columns = FACT.chosen(fields)
        query = _AMONG.format(
            found=lookup.node("e", "Entity", "subject"),
            met=" AND ".join(met),
            projected=FACT.projected("item", columns),
        )
        own = list(dict.fromkeys(keys))
        rows = await self._engine.rows(
            query,
            {
                "tenant": scope.tenant,
                "keys": own,
                "orders": [ordered(key) for key in own],
                "many": MANY,
                "limit": limit,
                **parameters,
            },
        )
        return [FACT.build(self._engine.name, columns, row) for row in rows[0][0]]

    async def unstated_of(self, scope: Scope, entity_keys: Sequence[str]) -> list[str]:
        rows = await self._engine.rows(
            f"UNWIND $keys AS key {lookup.node('e', 'Entity')} "
            "MATCH (e)-[f:FACT]-() WHERE f.statement IS NULL RETURN collect(DISTINCT f.key)",
            {"tenant": scope.tenant, "keys": list(entity_keys)},
        )
        return rows[0][0]

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Fact]:
        page = PageRequest(first=limit, after=None if after is None else (after,))
        asked = Question([fact_source(BY_KEY, OURS)], {})
        found = await self._listing.page(scope, asked, page, every_field(Fact))
        rows = await self._engine.rows(
            f"UNWIND $keys AS key CALL (key) {{ {lookup.provenance()} "
            "RETURN collect(p.episode) AS episodes } RETURN collect([key, episodes])",
            {"tenant": scope.tenant, "keys": [fact.key for fact in found.items]},
        )
        drawn = dict(rows[0][0])
        return [
            msgspec.structs.replace(fact, episode_keys=tuple(sorted(drawn[fact.key])))
            for fact in found.items
        ]

    async def upsert_many(self, scope: Scope, records: Sequence[Fact]) -> list[Outcome]:
        return await upsert_facts(self._engine, scope, records) if records else []


def _found(
    where: FactFilter, order: Order | None, moment: Moment
) -> tuple[Question, Sequence[str | None]]:
    """The facts that pass at the moment, with the ends that are parents: where some are named, only
    theirs are walked."""
    parents: Sequence[str | None] = NO_PARENT
    ours, base, rest = OURS, BY_VALID, where
    if where.subjects is not None:
        parents, ours, base = (
            list(dict.fromkeys(where.subjects)),
            OUT_OF_PARENT,
            BY_VALID_OF_SUBJECT,
        )
        rest = msgspec.structs.replace(where, subjects=None)
    elif where.objects is not None:
        parents, ours, base = list(dict.fromkeys(where.objects)), INTO_PARENT, BY_VALID_OF_OBJECT
        rest = msgspec.structs.replace(where, objects=None)
    met = filters.of_facts(rest)
    shown = visible("f", include_invalidated=where.include_invalidated)
    source = _in_order(base, order, (*ours, *met.where, shown))
    return Question([source], {**met.parameters, **clocks(moment)}), parents


def _in_order(base: Ordering, order: Order | None, where: tuple[str, ...]) -> Source:
    if order is None or order.by == "valid_from":
        turned = base.turned(descending=order is not None and order.descending)
        return fact_source(turned, where)
    recorded = BY_RECORDED.turned(descending=order.descending)
    if base is BY_VALID:
        return fact_source(recorded, where)
    # Of one end: few enough to sort.
    held = ("f.validFromOrder IS NOT NULL", "f.keyOrder IS NOT NULL")
    source = fact_source(base, (*where, *held))
    return msgspec.structs.replace(source, ordering=recorded)
