"""The constraints and indexes of the graph, and making them.

Everything is sought by the tenant first.  An index that a list walks ends with the properties that sort it,
and holds what has every one of them.
"""

from collections.abc import Mapping

import msgspec

from backends.errors import SchemaTooOld, StoreRejected
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.entries import outdated, search_schema
from backends.records import Health, Needs

PREFIX = "memory_"
POPULATION = 600
"""Seconds to wait for new indexes to hold what is there already."""

_UNIQUE = {
    "entity_key": "(n:Entity) tenant, key",
    "episode_key": "(n:Episode) tenant, key",
    "chunk_key": "(n:Chunk) tenant, key",
    "document_key": "(n:Document) tenant, key",
    "fact_key": "()-[n:FACT]-() tenant, key",
    "mention_ends": "()-[n:MENTIONS]-() tenant, kind, keyOrder, entityOrder",
    "provenance_ends": "(n:Provenance) tenant, fact, episode",
}
_INDEXED = {
    "entity_by_key": "(n:Entity) tenant, keyOrder",
    "entity_by_name": "(n:Entity) tenant, nameOrder, keyOrder",
    "entity_by_created": "(n:Entity) tenant, createdAtOrder, keyOrder",
    "fact_by_key": "()-[n:FACT]-() tenant, keyOrder",
    "fact_by_valid": "()-[n:FACT]-() tenant, validFromOrder, keyOrder",
    "fact_by_recorded": "()-[n:FACT]-() tenant, recordedAtOrder, keyOrder",
    "fact_by_subject": "()-[n:FACT]-() tenant, subject, validFromOrder, keyOrder",
    "fact_by_object": "()-[n:FACT]-() tenant, object, validFromOrder, keyOrder",
    "fact_by_ends": "()-[n:FACT]-() tenant, subject, objectOrder, validFromOrder, keyOrder",
    "fact_by_ends_back": "()-[n:FACT]-() tenant, object, subjectOrder, validFromOrder, keyOrder",
    "provenance_by_episode": "(n:Provenance) tenant, episode, validFromOrder, factOrder",
    "mention_by_name": "()-[n:MENTIONS]-() tenant, kind, keyOrder, nameOrder, entityOrder",
    "mention_by_document": "()-[n:MENTIONS]-() tenant, documentKey, nameOrder, entityOrder",
    "mention_by_entity": "()-[n:MENTIONS]-() tenant, kind, entityOrder, keyOrder",
    "mention_by_entity_document": "()-[n:MENTIONS]-() tenant, entityOrder, documentOrder",
    "mention_by_entity_time": "()-[n:MENTIONS]-() tenant, entityOrder, occurredAtOrder, keyOrder",
    "chunk_by_document": "(n:Chunk) tenant, documentKey",
    "episode_by_key": "(n:Episode) tenant, keyOrder",
    "episode_by_time": "(n:Episode) tenant, occurredAtOrder, keyOrder",
    "episode_by_recorded": "(n:Episode) tenant, recordedAtOrder, keyOrder",
    "episode_by_line": "(n:Episode) tenant, line, occurredAtOrder, keyOrder",
    "episode_by_chunk": "(n:Episode) tenant, chunkKey, occurredAtOrder, keyOrder",
}


class Index(msgspec.Struct, frozen=True):
    """A constraint or an index, and the statement that makes it."""

    label: str
    properties: tuple[str, ...]
    unique: bool
    statement: str


def _index(name: str, described: str, *, unique: bool) -> Index:
    pattern, _, listed = described.partition(" ")
    properties = tuple(listed.split(", "))
    columns = ", ".join(f"n.{each}" for each in properties)
    sort, wanted = (
        ("CONSTRAINT", f"REQUIRE ({columns}) IS UNIQUE") if unique else ("INDEX", f"ON ({columns})")
    )
    statement = f"CREATE {sort} {name} IF NOT EXISTS FOR {pattern} {wanted}"
    label = pattern.partition(":")[2].rstrip(")]-(")
    return Index(label, properties, unique, statement)


GRAPH_SCHEMA: Mapping[str, Index] = {
    PREFIX + name: _index(PREFIX + name, described, unique=unique)
    for unique, indexes in ((True, _UNIQUE), (False, _INDEXED))
    for name, described in indexes.items()
}
"""The constraints and indexes of the graph roles."""


class There(msgspec.Struct, frozen=True):
    """The indexes of a database: their states by name, and what those of nodes and relationships hold."""

    states: Mapping[str, str]
    held: frozenset[tuple[str, tuple[str, ...], bool]]

    def has(self, name: str, index: Index) -> bool:
        """Whether there is such an index, under this name or another."""
        return name in self.states or (index.label, index.properties, index.unique) in self.held


async def migrate(engine: Neo4jEngine, needs: Needs, *, dry_run: bool) -> list[str]:
    """Make what is missing, and anew what was made for another model or language; wait until it can be used.
    Gives the statements."""
    there = await _there(engine)
    old = await outdated(engine, needs, engine.options.language)
    searched = search_schema(needs, engine.options.language)
    made = [
        *old.values(),
        *(each.statement for name, each in GRAPH_SCHEMA.items() if not there.has(name, each)),
        *(each for name, each in searched.items() if name in old or name not in there.states),
    ]
    if dry_run:
        return made
    for statement in made:
        await engine.command(statement)
    await engine.rows("CALL db.awaitIndexes($seconds)", {"seconds": POPULATION})
    return made


async def check(engine: Neo4jEngine) -> Health:
    """Whether the graph's constraints and indexes are there and ready: degraded while one is still being
    filled.  Raises SchemaTooOld for one that is missing, StoreRejected for one that failed."""
    there = await _there(engine)
    missing = [name for name, index in GRAPH_SCHEMA.items() if not there.has(name, index)]
    if missing:
        raise SchemaTooOld(
            engine.name,
            f"store {engine.name}: {len(missing)} of {len(GRAPH_SCHEMA)} constraints and indexes "
            f"are missing ({', '.join(missing[:3])}, …); run memory-gateway migrate",
        )
    ours = {name: state for name, state in there.states.items() if name.startswith(PREFIX)}
    if failed := [name for name, state in ours.items() if state == "FAILED"]:
        raise StoreRejected(
            engine.name,
            f"store {engine.name}: the index {failed[0]} failed; SHOW INDEXES YIELD name, "
            "failureMessage says why: drop it, then run memory-gateway migrate",
        )
    return Health.UP if set(ours.values()) <= {"ONLINE"} else Health.DEGRADED


async def _there(engine: Neo4jEngine) -> There:
    rows = await engine.rows(
        "SHOW INDEXES YIELD name, state, labelsOrTypes, properties, owningConstraint, type "
        "RETURN name, state, labelsOrTypes, properties, owningConstraint IS NOT NULL, type",
        {},
    )
    return There(
        {row[0]: row[1] for row in rows},
        frozenset(
            (row[2][0], tuple(row[3]), row[4])
            for row in rows
            if row[5] == "RANGE" and row[2] and len(row[2]) == 1
        ),
    )
