"""A graph in Neo4j: one query a level for all parents.

Each walks the index that its order is the order of, and answers in one row that holds a list: the driver
takes its time for each row.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from neo4j import READ_ACCESS, AsyncDriver, AsyncGraphDatabase

from backends.records import Kind, Moment
from benchmarks.by_hand.reads import Columns, Node

HOLDS = (
    "coalesce({0}.recordedAt, $knownAt) <= $knownAt AND coalesce({0}.validFrom, $validAt) <= $validAt "
    "AND CASE WHEN {0}.retractedAt > $knownAt THEN true WHEN {0}.validTo IS NULL "
    "THEN {0}.retractedAt IS NULL ELSE {0}.validTo > $validAt END"
)
HEARD = "coalesce({0}.recordedAt, $knownAt) <= $knownAt"
_EACH = "UNWIND range(0, size($parents) - 1) AS place WITH place, $parents[place] AS parent"
_KEYS = "UNWIND $keys AS key"
_TIMES = frozenset({"validFrom", "validTo", "occurredAt"})
_COLUMNS = {
    "validFrom": "toStringOrNull(x.validFrom)",
    "validTo": "CASE WHEN x.retractedAt > $knownAt THEN null ELSE toStringOrNull(x.validTo) END",
    "occurredAt": "toStringOrNull(x.occurredAt)",
    "document": "x.documentKey",
}


class Neo4j:
    """Sends queries of one tenant."""

    def __init__(self, driver: AsyncDriver, tenant: str) -> None:
        self.tenant = tenant
        self.sent = 0
        self._driver = driver

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, url: str, user: str, password: str, tenant: str, *, pool: int
    ) -> AsyncGenerator["Neo4j"]:
        """To a server, by so many connections."""
        async with AsyncGraphDatabase.driver(
            url,
            auth=(user, password),
            max_connection_pool_size=pool,
            notifications_min_severity="OFF",
            telemetry_disabled=True,
        ) as driver:
            yield cls(driver, tenant)

    async def asked(self, query: str, /, **parameters: Any) -> list[Any]:
        """The list that a query returns."""
        self.sent += 1
        parameters["tenant"] = self.tenant
        async with self._driver.session(
            database="neo4j", default_access_mode=READ_ACCESS, fetch_size=-1
        ) as session:
            return await session.execute_read(_collected, query, parameters)


async def _collected(transaction: Any, query: str, parameters: dict[str, Any]) -> list[Any]:
    result = await transaction.run(query, parameters)
    ((found,),) = await result.values()
    return found


class GraphNodes:
    """Plays `Graph`."""

    def __init__(self, server: Neo4j) -> None:
        self._server = server

    async def entities(self, first: int) -> list[Node]:
        columns = ("key", "name")
        found = await self._server.asked(
            "MATCH (x:Entity) USING INDEX x:Entity(tenant, nameOrder, keyOrder) "
            "WHERE x.tenant = $tenant AND x.nameOrder IS NOT NULL AND x.keyOrder IS NOT NULL "
            "WITH x ORDER BY x.tenant, x.nameOrder, x.keyOrder LIMIT $first "
            f"RETURN collect({_list_of(columns)})",
            first=first,
        )
        return _nodes(found, columns)

    async def names(self, keys: Sequence[str]) -> dict[str, str]:
        found = await self._server.asked(
            f"{_KEYS} MATCH (x:Entity) USING INDEX x:Entity(tenant, key) WHERE x.tenant = $tenant "
            "AND x.key = key AND x.nameOrder IS NOT NULL RETURN collect([x.key, x.name])",
            keys=keys,
        )
        return dict(found)

    async def entities_of(
        self, kind: Kind, keys: Sequence[str], first: int, columns: Columns
    ) -> list[list[Node]]:
        found = await self._server.asked(
            f"{_EACH} CALL (parent) {{ MATCH ()-[m:MENTIONS]->(x) "
            "USING INDEX m:MENTIONS(tenant, kind, keyOrder, nameOrder, entityOrder) "
            "WHERE m.tenant = $tenant AND m.kind = $kind AND m.keyOrder = parent "
            "AND m.nameOrder IS NOT NULL AND m.entityOrder IS NOT NULL WITH m, x "
            "ORDER BY m.tenant, m.kind, m.keyOrder, m.nameOrder, m.entityOrder LIMIT $first "
            f"RETURN collect({_list_of(columns)}) AS items }} RETURN collect([place, items])",
            parents=list(map(_ordered, keys)),
            kind=kind.value,
            first=first,
        )
        return _pages(found, columns)

    async def facts(self, keys: Sequence[str]) -> dict[str, Node]:
        columns = ("statement", "subject", "object")
        found = await self._server.asked(
            f"{_KEYS} MATCH ()-[x:FACT]->() USING INDEX x:FACT(tenant, key) "
            "WHERE x.tenant = $tenant AND x.key = key "
            f"RETURN collect([key, {_list_of(columns)}])",
            keys=keys,
        )
        return {key: dict(zip(columns, row, strict=True)) for key, row in found}

    async def facts_of(
        self, entities: Sequence[str], first: int, moment: Moment, columns: Columns
    ) -> list[list[Node]]:
        found = await self._server.asked(
            f"{_EACH} CALL (parent) {{ CALL (parent) {{ "
            f"{_facts('subject', 'x.subject = parent')} UNION ALL "
            f"{_facts('object', 'x.object = parent AND x.subject <> x.object')} }} "
            f"{_merged(columns)}",
            parents=entities,
            first=first,
            **_clocks(moment),
        )
        return _pages(found, columns)

    async def facts_from(
        self, episodes: Sequence[str], first: int, known_at: datetime
    ) -> list[list[Node]]:
        columns = ("statement",)
        found = await self._server.asked(
            f"{_EACH} CALL (parent) {{ MATCH (p:Provenance) "
            "USING INDEX p:Provenance(tenant, episode, validFromOrder, factOrder) "
            "WHERE p.tenant = $tenant AND p.episode = parent AND p.validFromOrder IS NOT NULL "
            "AND p.factOrder IS NOT NULL "
            "CALL (p) { MATCH ()-[x:FACT]->() USING INDEX x:FACT(tenant, key) WHERE "
            f"x.tenant = $tenant AND x.key = p.fact AND {HEARD.format('x')} RETURN x }} "
            "WITH p, x ORDER BY p.tenant, p.episode, p.validFromOrder, p.factOrder LIMIT $first "
            f"RETURN collect({_list_of(columns)}) AS items }} RETURN collect([place, items])",
            parents=episodes,
            first=first,
            knownAt=known_at,
        )
        return _pages(found, columns)

    async def facts_between(
        self, pairs: Sequence[tuple[str, str]], first: int, moment: Moment
    ) -> list[list[Node]]:
        columns = ("predicate",)
        out = "x.subject = parent[0] AND x.objectOrder = parent[1]"
        back = "x.object = parent[0] AND x.subjectOrder = parent[1] AND x.subject <> x.object"
        found = await self._server.asked(
            f"{_EACH} CALL (parent) {{ CALL (parent) {{ "
            f"{_facts('subject, objectOrder', out)} UNION ALL "
            f"{_facts('object, subjectOrder', back)} }} {_merged(columns)}",
            parents=[(near, _ordered(far)) for near, far in pairs],
            first=first,
            **_clocks(moment),
        )
        return _pages(found, columns)

    async def neighbors(
        self, entities: Sequence[str], first: int, moment: Moment
    ) -> list[list[Node]]:
        columns = ("key", "name")
        found = await self._server.asked(
            f"{_EACH} CALL (parent) {{ CALL (parent) {{ {_ends('subject', 'object')} "
            f"WITH x, f ORDER BY f.tenant, f.subject, f.objectOrder WITH DISTINCT x LIMIT $first "
            f"RETURN x UNION ALL {_ends('object', 'subject')} "
            "WITH x, f ORDER BY f.tenant, f.object, f.subjectOrder WITH DISTINCT x LIMIT $first "
            "RETURN x } WITH DISTINCT x ORDER BY x.keyOrder LIMIT $first "
            "RETURN collect([x.key, coalesce(x.name, x.key)]) AS items } "
            "RETURN collect([place, items])",
            parents=entities,
            first=first,
            **_clocks(moment),
        )
        return _pages(found, columns)

    async def count_neighbors(self, entities: Sequence[str], moment: Moment) -> list[int]:
        found = await self._server.asked(
            f"{_EACH} CALL (parent) {{ CALL (parent) {{ {_ends('subject', 'object')} "
            f"RETURN f.object AS other UNION ALL {_ends('object', 'subject')} "
            "RETURN f.subject AS other } RETURN count(DISTINCT other) AS count } "
            "RETURN collect([place, count])",
            parents=entities,
            **_clocks(moment),
        )
        return [count for _, count in sorted(found)]

    async def episodes(self, first: int, known_at: datetime) -> list[Node]:
        columns = ("key", "name", "content", "occurredAt", "document")
        found = await self._server.asked(
            "MATCH (x:Episode) USING INDEX x:Episode(tenant, occurredAtOrder, keyOrder) "
            "WHERE x.tenant = $tenant AND x.loaded = true AND x.occurredAtOrder IS NOT NULL "
            f"AND x.keyOrder IS NOT NULL AND {HEARD.format('x')} "
            "WITH x ORDER BY x.tenant, x.occurredAtOrder, x.keyOrder LIMIT $first "
            f"RETURN collect({_list_of(columns)})",
            first=first,
            knownAt=known_at,
        )
        return _nodes(found, columns)

    async def episodes_by_key(self, keys: Sequence[str]) -> dict[str, Node]:
        columns = ("content", "occurredAt")
        found = await self._server.asked(
            f"{_KEYS} MATCH (x:Episode) USING INDEX x:Episode(tenant, key) WHERE x.tenant = $tenant "
            f"AND x.key = key AND x.loaded = true RETURN collect([key, {_list_of(columns)}])",
            keys=keys,
        )
        nodes = _nodes([row for _, row in found], columns)
        return {key: node for (key, _), node in zip(found, nodes, strict=True)}

    async def episodes_of(
        self, facts: Sequence[str], first: int, known_at: datetime
    ) -> list[list[Node]]:
        columns = ("key", "name", "occurredAt")
        found = await self._server.asked(
            f"{_EACH} CALL (parent) {{ MATCH (p:Provenance) "
            "USING INDEX p:Provenance(tenant, fact, episode) WHERE p.tenant = $tenant "
            "AND p.fact = parent AND p.episode IS NOT NULL CALL (p) { MATCH (x:Episode) "
            "USING INDEX x:Episode(tenant, key) WHERE x.tenant = $tenant AND x.key = p.episode "
            f"AND x.loaded = true AND {HEARD.format('x')} RETURN x }} "
            "WITH x ORDER BY x.occurredAtOrder, x.keyOrder LIMIT $first "
            f"RETURN collect({_list_of(columns)}) AS items }} RETURN collect([place, items])",
            parents=facts,
            first=first,
            knownAt=known_at,
        )
        return _pages(found, columns)


def _facts(ends: str, where: str) -> str:
    """The first facts `x` of an index that begins with some ends."""
    walked = ", ".join(f"x.{name.strip()}" for name in ends.split(","))
    return (
        f"MATCH ()-[x:FACT]->() USING INDEX x:FACT(tenant, {ends}, validFromOrder, keyOrder) "
        f"WHERE x.tenant = $tenant AND {where} AND {HOLDS.format('x')} "
        "AND x.validFromOrder IS NOT NULL AND x.keyOrder IS NOT NULL "
        f"WITH x ORDER BY x.tenant, {walked}, x.validFromOrder, x.keyOrder LIMIT $first RETURN x"
    )


def _merged(columns: Columns) -> str:
    """The first of the facts of both directions, for each parent."""
    return (
        "WITH x ORDER BY x.validFromOrder, x.keyOrder LIMIT $first "
        f"RETURN collect({_list_of(columns)}) AS items }} RETURN collect([place, items])"
    )


def _ends(near: str, far: str) -> str:
    """The far ends `x` of a parent's facts `f`, in the order of their keys."""
    pattern = "()-[f:FACT]->(x)" if far == "object" else "(x)-[f:FACT]->()"
    return (
        f"MATCH {pattern} USING INDEX f:FACT(tenant, {near}, {far}Order, validFromOrder, keyOrder) "
        f"WHERE f.tenant = $tenant AND f.{near} = parent AND f.subject <> f.object "
        f"AND {HOLDS.format('f')} AND f.{far}Order IS NOT NULL "
        "AND f.validFromOrder IS NOT NULL AND f.keyOrder IS NOT NULL"
    )


def _list_of(columns: Columns) -> str:
    return f"[{', '.join(_COLUMNS.get(name, f'x.{name}') for name in columns)}]"


def _pages(found: list[Any], columns: Columns) -> list[list[Node]]:
    found.sort(key=lambda page: page[0])
    return [_nodes(items, columns) for _, items in found]


def _nodes(rows: list[Any], columns: Columns) -> list[Node]:
    nodes = [dict(zip(columns, row, strict=True)) for row in rows]
    for name in _TIMES.intersection(columns):
        for node in nodes:
            if (text := node[name]) is not None:
                node[name] = datetime.fromisoformat(text)
    return nodes


def _ordered(key: str) -> str:
    """A key as the layout sorts it: its UTF-8 as one character a byte."""
    return key if key.isascii() else key.encode().decode("latin-1")


def _clocks(moment: Moment) -> dict[str, datetime]:
    return {"knownAt": moment.known_at, "validAt": moment.valid_at}
