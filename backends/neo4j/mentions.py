"""`Mentions` in Neo4j: relationships from chunks and episodes to entities (see `noting`)."""

from collections.abc import Sequence
from typing import Any

from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.keyset import Source
from backends.neo4j.listing import NO_PARENT, Listing, Lists, Question
from backends.neo4j.noting import NOTED, forget_chunks, note_chunks, note_documents
from backends.neo4j.ordering import Ordering
from backends.neo4j.shapes import ENTITY
from backends.neo4j.values import ordered
from backends.records import (
    Chunk,
    Document,
    Entity,
    Fields,
    Kind,
    Mention,
    Outcome,
    Page,
    PageRequest,
    Scope,
)

LABELS = {Kind.CHUNK: "Chunk", Kind.EPISODE: "Episode"}
"""What may mention."""

BY_NAME = Ordering(("m.tenant", "m.kind", "m.keyOrder"), "m.entityOrder", "m.nameOrder")
BY_NAME_OF_DOCUMENT = Ordering(("m.tenant", "m.documentKey"), "m.entityOrder", "m.nameOrder")
BY_SOURCE = Ordering(("m.tenant", "m.kind", "m.entityOrder"), "m.keyOrder")
BY_DOCUMENT = Ordering(("m.tenant", "m.entityOrder"), "m.documentOrder")
BY_ENDS = Ordering(("m.tenant", "m.kind"), "m.entityOrder", "m.keyOrder")

_EXISTING = """
UNWIND range(0, size($rows) - 1) AS place
WITH place, $rows[place] AS row
MATCH ()-[m:MENTIONS]->() USING INDEX m:MENTIONS(tenant, kind, keyOrder, entityOrder)
WHERE m.tenant = $tenant AND m.kind = row.kind AND m.keyOrder = row.keyOrder
  AND m.entityOrder = row.entityOrder
RETURN collect(place)
"""


class Neo4jMentions:
    """Plays `Mentions`."""

    def __init__(self, engine: Neo4jEngine) -> None:
        self._engine = engine
        self._entities = Listing(engine, ENTITY)
        self._lists = Lists(engine)

    async def entities_of(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        types: tuple[str, ...] | None,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Entity]]:
        asked = _mentioned(kind, types)
        return await self._entities.pages(scope, _parents(kind, keys), asked, page, fields)

    async def count_entities_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], types: tuple[str, ...] | None
    ) -> list[int]:
        return await self._lists.counts(scope, _parents(kind, keys), _mentioned(kind, types))

    async def sources_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], page: PageRequest
    ) -> list[Page[str]]:
        parents = [ordered(key) for key in keys]
        return await self._lists.pages(scope, parents, _naming(kind), page, "item")

    async def count_sources_of(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[int]:
        return await self._lists.counts(scope, [ordered(key) for key in keys], _naming(kind))

    async def note_texts(
        self, scope: Scope, documents: Sequence[Document], chunks: Sequence[Chunk]
    ) -> None:
        async with self._engine.batch():
            if documents:
                await note_documents(self._engine, scope, [each.key for each in documents])
            if chunks:
                owners = {chunk.key: chunk.document_key for chunk in chunks}
                await note_chunks(self._engine, scope, owners)

    async def forget_chunks(self, scope: Scope, keys: Sequence[str]) -> None:
        async with self._engine.batch():
            await forget_chunks(self._engine, scope, keys)

    async def scan(self, scope: Scope, after: Mention | None, limit: int) -> list[Mention]:
        found: list[Mention] = []
        for kind in sorted(LABELS, key=lambda kind: kind.value):
            if after is not None and kind.value < after.kind.value:
                continue
            resumed = after if after is not None and kind is after.kind else None
            page = PageRequest(
                first=limit - len(found),
                after=None if resumed is None else (resumed.key, resumed.entity_key),
            )
            projected = "[startNode(item).key, endNode(item).key]"
            pairs = await self._lists.page(scope, NO_PARENT, _of_kind(kind), page, projected)
            found += [Mention(kind, key, entity) for key, entity in pairs.items]
        return found

    async def upsert_many(self, scope: Scope, records: Sequence[Mention]) -> list[Outcome]:
        if not records:
            return []
        async with self._engine.batch():
            there = await self._existing(scope, records)
            outcomes: list[Outcome] = []
            new: list[Mention] = []
            for record in records:
                outcomes.append(Outcome.UNCHANGED if record in there else Outcome.LOADED)
                if record not in there:
                    there.add(record)
                    new.append(record)
            for kind in LABELS:
                chosen = [record for record in new if record.kind is kind]
                if chosen:
                    await self._create(scope, kind, chosen)
        return outcomes

    async def _existing(self, scope: Scope, records: Sequence[Mention]) -> set[Mention]:
        rows = [_row(record) for record in records]
        found = await self._engine.rows(_EXISTING, {"tenant": scope.tenant, "rows": rows})
        return {records[place] for place in found[0][0]}

    async def _create(self, scope: Scope, kind: Kind, records: Sequence[Mention]) -> None:
        await self._engine.write(
            f"UNWIND $rows AS row MERGE (s:{LABELS[kind]} {{tenant: $tenant, key: row.key}}) "
            "ON CREATE SET s.keyOrder = row.keyOrder "
            "MERGE (e:Entity {tenant: $tenant, key: row.entity}) "
            "ON CREATE SET e.keyOrder = row.entityOrder "
            "CREATE (s)-[m:MENTIONS {tenant: $tenant, kind: row.kind, keyOrder: row.keyOrder, "
            f"entityOrder: row.entityOrder}}]->(e) {NOTED}",
            {"tenant": scope.tenant, "rows": [_row(record) for record in records]},
        )


def _row(record: Mention) -> dict[str, Any]:
    return {
        "kind": record.kind.value,
        "key": record.key,
        "keyOrder": ordered(record.key),
        "entity": record.entity_key,
        "entityOrder": ordered(record.entity_key),
    }


def _parents(kind: Kind, keys: Sequence[str]) -> Sequence[str]:
    """The keys of what mentions, as the index of its kind holds them."""
    return list(keys) if kind is Kind.DOCUMENT else [ordered(key) for key in keys]


def _mentioned(kind: Kind, types: tuple[str, ...] | None) -> Question:
    """The entities that a parent mentions; a document by any of its chunks."""
    where = ["m.tenant = $tenant"]
    parameters: dict[str, Any] = {}
    if kind is Kind.DOCUMENT:
        where.append("m.documentKey = parent")
    else:
        where += ["m.kind = $kind", "m.keyOrder = parent"]
        parameters["kind"] = kind.value
    if types is not None:
        where.append("e.type IN $types")
        parameters["types"] = list(types)
    ordering = BY_NAME_OF_DOCUMENT if kind is Kind.DOCUMENT else BY_NAME
    source = _source("()-[m:MENTIONS]->(e)", ordering, where, "e", "m, e")
    return Question([source], parameters, distinct=kind is Kind.DOCUMENT)


def _naming(kind: Kind) -> Question:
    """The keys of the chunks or documents that mention a parent."""
    if kind is Kind.DOCUMENT:
        where = ["m.tenant = $tenant", "m.entityOrder = parent"]
        pattern, item = "()-[m:MENTIONS]->()", "m.documentKey"
        return Question([_source(pattern, BY_DOCUMENT, where, item, "m")], {}, distinct=True)
    where = [
        "m.tenant = $tenant",
        "m.kind = $kind",
        "m.entityOrder = parent",
        "m.nameOrder IS NOT NULL",
    ]
    source = _source("(s)-[m:MENTIONS]->()", BY_SOURCE, where, "s.key", "m, s")
    return Question([source], {"kind": kind.value})


def _of_kind(kind: Kind) -> Question:
    where = ["m.tenant = $tenant", "m.kind = $kind"]
    source = _source("()-[m:MENTIONS]->()", BY_ENDS, where, "m", "m")
    return Question([source], {"kind": kind.value})


def _source(
    match: str, ordering: Ordering, where: Sequence[str], item: str, carried: str
) -> Source:
    return Source(
        match, f"m:MENTIONS({ordering.properties})", tuple(where), ordering, item, carried
    )
