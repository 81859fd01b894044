"""Writing facts: relationships between nodes that may not be loaded yet, and what they were drawn from."""

from collections.abc import Sequence
from typing import Any

from backends.neo4j import lookup
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.shapes import FACT
from backends.neo4j.values import ordered, time_order
from backends.neo4j.writing import Changes
from backends.records import Fact, Outcome, Scope

_CREATED = f"""
UNWIND $rows AS row
MERGE (s:Entity {{tenant: $tenant, key: row.plain.subject}})
  ON CREATE SET s.keyOrder = row.plain.subjectOrder
MERGE (o:Entity {{tenant: $tenant, key: row.plain.object}})
  ON CREATE SET o.keyOrder = row.plain.objectOrder
CREATE (s)-[f:FACT]->(o)
{FACT.assigned("f")}
"""


async def upsert_facts(engine: Neo4jEngine, scope: Scope, records: Sequence[Fact]) -> list[Outcome]:
    """Write the facts that differ from what is there; one whose ends changed is made again."""
    async with engine.batch():
        rows = await engine.rows(
            f"UNWIND $keys AS key {lookup.fact()} "
            "RETURN collect([f.key, coalesce(f.digest, ''), f.subject, f.object])",
            {"tenant": scope.tenant, "keys": [record.key for record in records]},
        )
        before: list[list[Any]] = rows[0][0]
        ends = {key: (subject, target) for key, _, subject, target in before}
        changes = Changes(records, {row[0]: row[1] for row in before})
        if changes.written:
            await _write(engine, scope, changes.written, ends)
            await _write_provenance(engine, scope, changes.written, replaced=bool(before))
    return changes.outcomes


async def _write(
    engine: Neo4jEngine, scope: Scope, written: Sequence[Fact], ends: dict[str, tuple[Any, Any]]
) -> None:
    kept = [each for each in written if ends.get(each.key) == (each.subject_key, each.object_key)]
    staying = {record.key for record in kept}
    made = [record for record in written if record.key not in staying]
    gone = [record.key for record in made if record.key in ends]
    if gone:
        await engine.write(
            f"UNWIND $keys AS key {lookup.fact()} DELETE f", {"tenant": scope.tenant, "keys": gone}
        )
    for query, chosen in (
        (f"UNWIND $rows AS row {lookup.fact('row.key')} {FACT.assigned('f')}", kept),
        (_CREATED, made),
    ):
        if chosen:
            rows = [FACT.written(scope, record) for record in chosen]
            await engine.write(query, {"tenant": scope.tenant, "rows": rows})


async def _write_provenance(
    engine: Neo4jEngine, scope: Scope, written: Sequence[Fact], *, replaced: bool
) -> None:
    """The episodes of each fact, in nodes: a relationship cannot point at another."""
    if replaced:
        await engine.write(
            f"UNWIND $keys AS key {lookup.provenance()} DELETE p",
            {"tenant": scope.tenant, "keys": [record.key for record in written]},
        )
    rows = [
        {
            "tenant": scope.tenant,
            "fact": record.key,
            "episode": episode,
            "factOrder": ordered(record.key),
            "validFromOrder": time_order(record.valid_from),
        }
        for record in written
        for episode in dict.fromkeys(record.episode_keys)
    ]
    if rows:
        await engine.write("UNWIND $rows AS row CREATE (p:Provenance) SET p = row", {"rows": rows})
