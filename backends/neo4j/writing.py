"""Writing records: only what differs from what is there."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from backends.digest import digest_of
from backends.neo4j import lookup
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.shapes import Shape
from backends.records import Entity, Episode, Fact, Outcome, Scope

R = TypeVar("R", Entity, Fact, Episode)


class Changes(Generic[R]):
    """What became of the records of a call, and which of them are to be written: the last of each key."""

    def __init__(self, records: Sequence[R], known: dict[str, str]) -> None:
        self.outcomes: list[Outcome] = []
        changed: dict[str, R] = {}
        for record in records:
            digest = digest_of(record).hex()
            before = known.get(record.key)
            if before == digest:
                self.outcomes.append(Outcome.UNCHANGED)
                continue
            self.outcomes.append(Outcome.LOADED if before is None else Outcome.UPDATED)
            known[record.key] = digest
            changed[record.key] = record
        self.written = list(changed.values())


async def upsert_nodes(
    engine: Neo4jEngine, scope: Scope, label: str, shape: Shape[R], records: Sequence[R]
) -> Changes[R]:
    """Write the records that are nodes of a label.  To be called within a batch."""
    rows = await engine.rows(
        f"UNWIND $keys AS key {lookup.node('n', label)} "
        "AND n.digest IS NOT NULL RETURN collect([n.key, n.digest])",
        {"tenant": scope.tenant, "keys": [record.key for record in records]},
    )
    changes = Changes(records, dict(rows[0][0]))
    if changes.written:
        await engine.write(
            f"UNWIND $rows AS row MERGE (n:{label} {{tenant: $tenant, key: row.key}}) "
            f"{shape.assigned('n')}",
            {
                "tenant": scope.tenant,
                "rows": [shape.written(scope, record) for record in changes.written],
            },
        )
    return changes
