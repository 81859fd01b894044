"""PostgreSQL by asyncpg: full text in tsvector, vectors in pgvector."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from backends.records import Hit, Kind, Moment
from backends.roles import Vector
from backends.words import words_of
from benchmarks.by_hand.sql import VISIBLE, clocks_of

DIMENSION = 256
FEW = 5_000
"""Vectors of a kind up to which each is compared; more are found by the HNSW index."""


async def _know_vectors(connection: Any) -> None:
    """Let a parameter be a vector: one that is cast would be cast for each row."""
    await connection.set_type_codec("vector", encoder=_written, decoder=str, format="text")


def _written(vector: Vector) -> str:
    return orjson.dumps(vector.tolist()).decode()


async def _as_it_is(_: Any) -> None:
    """Give a connection back without asking the server to forget what nobody set."""


class Postgres:
    """Plays `sql.Engine` over a database."""

    parents = "unnest($1::text[]) WITH ORDINALITY AS p(value, place)"
    place = "p.place - 1"
    pairs = "unnest($1::text[], $6::text[]) WITH ORDINALITY AS p(near, far, place)"
    near, far = "p.near", "p.far"
    unindexed = ""

    def __init__(self, pool: Any, tenant: str) -> None:
        self.tenant = tenant
        self.sent = 0
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def connected(cls, dsn: str, tenant: str, *, pool: int) -> AsyncGenerator["Postgres"]:
        """To a database, by so many connections."""
        settings = {"jit": "off", "hnsw.iterative_scan": "strict_order", "hnsw.ef_search": "400"}
        async with asyncpg.create_pool(
            dsn,
            min_size=pool,
            max_size=pool,
            init=_know_vectors,
            reset=_as_it_is,
            server_settings=settings,
        ) as connections:
            yield cls(connections, tenant)

    async def rows(self, statement: str, *parameters: Any) -> Sequence[Any]:
        self.sent += 1
        return await self._pool.fetch(statement, *parameters)

    def listed(self, keys: Sequence[str]) -> Sequence[str]:
        return keys

    def paired(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[str], Sequence[Any]]:
        return [near for near, _ in pairs], ([far for _, far in pairs],)

    def time(self, instant: datetime) -> datetime:
        return instant

    def read_time(self, value: datetime | None) -> datetime | None:
        return value

    def among(self, column: str) -> str:
        return f"{column} = ANY ($1::text[])"

    def each(
        self,
        table: str,
        sources: Sequence[str],
        order: str,
        columns: str,
        *,
        join: str = "",
        parents: str = "",
    ) -> str:
        parts = [
            f"(SELECT t.* FROM {table} t WHERE {source} ORDER BY {order} LIMIT $3)"
            for source in sources
        ]
        window = parts[0]
        if len(parts) > 1:
            union = " UNION ALL ".join(parts)
            window = f"(SELECT t.* FROM ({union}) t ORDER BY {order} LIMIT $3)"
        return (
            f"SELECT p.place - 1, {columns} FROM {parents or self.parents} "
            f"CROSS JOIN LATERAL {window} t {join} ORDER BY p.place, {order}"
        )

    def values(self, window: str) -> str:
        return f"LATERAL ({window}) o"


class PostgresIndex:
    """Plays `Index`."""

    def __init__(self, engine: Postgres, held: dict[Kind, int]) -> None:
        self._engine = engine
        self._held = held

    @classmethod
    async def over(cls, engine: Postgres) -> "PostgresIndex":
        """The index of a database, which it looks at once."""
        counted = "SELECT kind, count(*) FROM search_entry WHERE tenant = $1 GROUP BY kind"
        rows = await engine.rows(counted, engine.tenant)
        return cls(engine, {Kind(kind): count for kind, count in rows})

    async def words(self, kind: Kind, query: str, moment: Moment, depth: int) -> list[Hit]:
        own = f"t.tenant = $1 AND t.kind = '{kind.value}'"
        words = [f"'{word}'" for word in words_of(query)]
        statement = f"""
            WITH weighed AS MATERIALIZED (
                SELECT word, ln(1 + (SELECT count(*) FROM (
                        SELECT 1 FROM search_entry t WHERE {own} LIMIT 20000) e)::float
                    / greatest((SELECT count(*) FROM (
                        SELECT 1 FROM search_entry t WHERE {own} AND t.words @@ word LIMIT 20000) m), 1)
                    ) AS rarity
                FROM (SELECT DISTINCT to_tsquery('english', given) AS word
                    FROM unnest($2::text[]) AS given) parsed
                WHERE numnode(word) > 0)
            SELECT key, (SELECT sum(ts_rank(found.words, word, 1) * rarity) FROM weighed)::float
            FROM (SELECT t.key, t.words || ''::tsvector AS words FROM search_entry t
                WHERE {own}{VISIBLE.get(kind, "")}
                AND t.words @@ to_tsquery('english', array_to_string($2::text[], ' | '))
                OFFSET 0) found
            ORDER BY 2 DESC, key LIMIT {depth}"""
        rows = await self._engine.rows(
            statement, self._engine.tenant, words, *clocks_of(kind, moment)
        )
        return [Hit(key, score) for key, score in rows]

    async def vectors(self, kind: Kind, vector: Vector, moment: Moment, depth: int) -> list[Hit]:
        distance = f"v.vector::vector({DIMENSION}) <=> $2::vector"
        exact = self._held.get(kind, 0) <= FEW
        order = f"round(({distance}) * 1000000), t.key" if exact else distance
        statement = (
            f"SELECT t.key, {distance} FROM search_entry t JOIN search_vector v ON v.entry_id = t.id "
            f"WHERE v.kind = '{kind.value}' AND v.dimension = {DIMENSION} AND t.tenant = $1 "
            f"AND t.kind = '{kind.value}'{VISIBLE.get(kind, '')} ORDER BY {order} LIMIT {depth}"
        )
        rows = await self._engine.rows(
            statement, self._engine.tenant, vector, *clocks_of(kind, moment)
        )
        return [Hit(key, round(1 - distance, 6)) for key, distance in rows]
