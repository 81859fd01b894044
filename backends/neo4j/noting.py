"""Keeping mentions true to their ends, in whatever order records come.

A mention carries what its lists are sought and sorted by, but only while both its ends are loaded, so
that an index holds what is to be seen and nothing else:

    nameOrder        of the entity            documentKey     of the chunk
    occurredAtOrder  of the episode           documentOrder   likewise, while the document is loaded

Whenever an end comes, changes or goes, its mentions are noted again.  Chunks and documents are stubs,
there while their own store has them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backends.neo4j import lookup
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.values import ordered
from backends.records import Scope

NOTED = f"""
WITH m, s, e, CASE WHEN s:Chunk THEN s.documentKey END AS document,
  coalesce(s.loaded = true, false) AND e.nameOrder IS NOT NULL AS seen
OPTIONAL {lookup.node("d", "Document", "document")}
SET m.nameOrder = CASE WHEN seen THEN e.nameOrder END,
    m.documentKey = CASE WHEN seen THEN document END,
    m.documentOrder = CASE WHEN seen THEN d.keyOrder END,
    m.occurredAtOrder = CASE WHEN seen THEN s.occurredAtOrder END
"""
"""What the mentions `m` from `s` to `e` carry."""


async def note_entities(engine: Neo4jEngine, scope: Scope, keys: Sequence[str]) -> None:
    """Entities were written."""
    await _note(
        engine,
        scope,
        keys,
        f"{lookup.node('e', 'Entity')} MATCH (e)<-[m:MENTIONS]-(s) "
        "WHERE m.nameOrder IS NULL OR m.nameOrder <> e.nameOrder",
    )


async def note_episodes(engine: Neo4jEngine, scope: Scope, keys: Sequence[str]) -> None:
    """Episodes were written."""
    await _note(
        engine,
        scope,
        keys,
        f"{lookup.node('s', 'Episode')} MATCH (s)-[m:MENTIONS]->(e)",
    )


async def note_documents(engine: Neo4jEngine, scope: Scope, keys: Sequence[str]) -> None:
    """Documents are loaded."""
    rows = await engine.rows(
        f"UNWIND $keys AS key {lookup.node('d', 'Document')} RETURN collect(key)",
        {"tenant": scope.tenant, "keys": keys},
    )
    there = set(rows[0][0])
    new = [key for key in dict.fromkeys(keys) if key not in there]
    if not new:
        return
    await engine.write(
        "UNWIND $rows AS row MERGE (d:Document {tenant: $tenant, key: row[0]}) "
        "ON CREATE SET d.keyOrder = row[1]",
        {"tenant": scope.tenant, "rows": [[key, ordered(key)] for key in new]},
    )
    await _note(
        engine,
        scope,
        new,
        "MATCH (s:Chunk) USING INDEX s:Chunk(tenant, documentKey) "
        "WHERE s.tenant = $tenant AND s.documentKey = key MATCH (s)-[m:MENTIONS]->(e)",
    )


async def note_chunks(
    engine: Neo4jEngine, scope: Scope, documents: Mapping[str, str | None]
) -> None:
    """Chunks are loaded, each of a document or of none."""
    rows = await engine.rows(
        f"UNWIND $keys AS key {lookup.node('s', 'Chunk')} AND s.loaded = true "
        "RETURN collect([key, s.documentKey])",
        {"tenant": scope.tenant, "keys": list(documents)},
    )
    before = {key: [document] for key, document in rows[0][0]}
    changed = [key for key in documents if before.get(key) != [documents[key]]]
    if not changed:
        return
    await engine.write(
        "UNWIND $rows AS row MERGE (s:Chunk {tenant: $tenant, key: row.key}) "
        "SET s.keyOrder = row.keyOrder, s.documentKey = row.document, s.loaded = true",
        {
            "tenant": scope.tenant,
            "rows": [
                {"key": key, "keyOrder": ordered(key), "document": documents[key]}
                for key in changed
            ],
        },
    )
    await _note(engine, scope, changed, _OF_CHUNK)


async def forget_chunks(engine: Neo4jEngine, scope: Scope, keys: Sequence[str]) -> None:
    """Chunks are no longer loaded."""
    found = lookup.node("s", "Chunk")
    parameters: dict[str, Any] = {"tenant": scope.tenant, "keys": keys}
    await engine.write(f"UNWIND $keys AS key {found} REMOVE s.loaded, s.documentKey", parameters)
    await _note(engine, scope, keys, _OF_CHUNK)
    unused = "NOT EXISTS { (s)-[:MENTIONS]->() }"
    await engine.write(f"UNWIND $keys AS key {found} AND {unused} DELETE s", parameters)


_OF_CHUNK = f"{lookup.node('s', 'Chunk')} MATCH (s)-[m:MENTIONS]->(e)"


async def _note(engine: Neo4jEngine, scope: Scope, keys: Sequence[str], match: str) -> None:
    """Note the mentions that `match` finds for each `key`."""
    if keys:
        await engine.write(
            f"UNWIND $keys AS key {match} {NOTED}", {"tenant": scope.tenant, "keys": keys}
        )
