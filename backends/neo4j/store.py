"""The Neo4j store: one engine, and the roles played on it."""

from contextlib import AbstractAsyncContextManager

from backends.neo4j import migrate
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.entities import Neo4jEntities
from backends.neo4j.episodes import Neo4jEpisodes
from backends.neo4j.facts import Neo4jFacts
from backends.neo4j.keywords import Neo4jKeywords
from backends.neo4j.mentions import Neo4jMentions
from backends.neo4j.options import Neo4jOptions, check
from backends.neo4j.vectors import Neo4jVectors
from backends.records import Health, Needs, PoolStatus, Scope

_COUNTED = {
    "entity": "MATCH (n:Entity) WHERE n.tenant = $tenant AND n.nameOrder IS NOT NULL",
    "fact": "MATCH ()-[n:FACT]->() WHERE n.tenant = $tenant AND n.keyOrder IS NOT NULL",
    "episode": "MATCH (n:Episode) WHERE n.tenant = $tenant AND n.keyOrder IS NOT NULL AND n.loaded = true",
    "mention": "MATCH ()-[n:MENTIONS]->() WHERE n.tenant = $tenant AND n.kind IS NOT NULL "
    "AND n.keyOrder IS NOT NULL AND n.entityOrder IS NOT NULL",
}


class Neo4jStore:
    """A Neo4j server or cluster that plays the graph and can play search; texts are another store's."""

    Options = Neo4jOptions
    engine = "neo4j"
    documents = None
    chunks = None
    cache = None

    def __init__(self, name: str, options: Neo4jOptions) -> None:
        check(name, options)
        self.name = name
        self._engine = Neo4jEngine(name, options)
        self.entities = Neo4jEntities(self._engine)
        self.facts = Neo4jFacts(self._engine)
        self.mentions = Neo4jMentions(self._engine)
        self.episodes = Neo4jEpisodes(self._engine)
        self.keywords = Neo4jKeywords(self._engine)
        self.vectors = Neo4jVectors(self._engine)

    async def open(self) -> None:
        """Make the pool; a connection is opened when it is first needed."""
        await self._engine.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.close()

    async def ping(self) -> Health:
        """Ask which constraints and indexes are there: degraded while one is still being filled.  Raises
        SchemaTooOld where one is missing."""
        return await migrate.check(self._engine)

    def batch(self) -> AbstractAsyncContextManager[None]:
        """One transaction."""
        return self._engine.batch()

    async def counts(self, scope: Scope) -> dict[str, int]:
        """Records of each sort, of one tenant."""
        parts = [
            f"CALL () {{ {match} RETURN count(n) AS {name} }}" for name, match in _COUNTED.items()
        ]
        query = f"{' '.join(parts)} RETURN {', '.join(_COUNTED)}"
        rows = await self._engine.rows(query, {"tenant": scope.tenant})
        return dict(zip(_COUNTED, rows[0], strict=True))

    def pool(self) -> PoolStatus:
        """The connections."""
        return self._engine.pool()

    async def migrate(self, needs: Needs, *, dry_run: bool = False) -> list[str]:
        """Create the constraints and indexes that are missing; gives their statements."""
        if self._engine.is_open:
            return await migrate.migrate(self._engine, needs, dry_run=dry_run)
        await self._engine.open()
        try:
            return await migrate.migrate(self._engine, needs, dry_run=dry_run)
        finally:
            await self._engine.close()
