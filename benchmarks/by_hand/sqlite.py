"""The embedded file by aiosqlite; its vectors in numpy, read once and kept until their revision changes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosqlite
import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from backends.records import Hit, Kind, Moment
from backends.roles import Vector
from backends.sql.sqlite.keywords import full_text_table, match_expression
from benchmarks.by_hand.sql import VISIBLE, clocks_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PRAGMAS = "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA mmap_size = 268435456"


class Sqlite:
    """Plays `sql.Engine` over a file."""

    parents, place = "json_each($1) p", "p.key"
    pairs, near, far = parents, "(p.value ->> 0)", "(p.value ->> 1)"
    unindexed = "+"

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.sent = 0
        self._free: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def connected(cls, path: Path, tenant: str, *, pool: int) -> AsyncGenerator["Sqlite"]:
        """To a file, by so many connections."""
        engine = cls(tenant)
        async with AsyncExitStack() as stack:
            for _ in range(pool):
                opened = aiosqlite.connect(path, isolation_level=None)
                connection = await stack.enter_async_context(opened)
                await connection.executescript(_PRAGMAS)
                engine._free.put_nowait(connection)
            yield engine

    async def rows(self, statement: str, *parameters: Any) -> Sequence[Any]:
        self.sent += 1
        connection = await self._free.get()
        try:
            found: Any = await connection.execute_fetchall(statement.replace("$", "?"), parameters)
            return found
        finally:
            self._free.put_nowait(connection)

    def listed(self, keys: Sequence[str]) -> str:
        return orjson.dumps(keys).decode()

    def paired(self, pairs: Sequence[tuple[str, str]]) -> tuple[str, Sequence[Any]]:
        return orjson.dumps(pairs).decode(), ()

    def time(self, instant: datetime) -> int:
        return (instant - EPOCH) // timedelta.resolution

    def read_time(self, value: int | None) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)

    def among(self, column: str) -> str:
        return f"{column} IN (SELECT value FROM json_each($1))"

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
        # CROSS JOIN keeps SQLite from turning the tables round and walking all rows of a tenant.
        parts = [
            f"SELECT t.* FROM {table} t WHERE {source} ORDER BY {order} LIMIT $3"
            for source in sources
        ]
        window = parts[0].replace("t.*", "t.id", 1)
        if len(parts) > 1:
            union = " UNION ALL ".join(f"SELECT * FROM ({part})" for part in parts)
            window = f"SELECT t.id FROM ({union}) t ORDER BY {order} LIMIT $3"
        return (
            f"SELECT p.key, {columns} FROM {parents or self.parents} "
            f"CROSS JOIN {table} t ON t.id IN ({window}) {join} ORDER BY p.key, {order}"
        )

    def values(self, window: str) -> str:
        return f"json_each((SELECT json_group_array(value) FROM ({window}))) o"


class _Matrix(msgspec.Struct, frozen=True):
    ids: NDArray[np.int64]
    keys: list[str]
    rows: NDArray[np.float32]


class SqliteIndex:
    """Plays `Index`: FTS5, and exact cosines."""

    def __init__(self, engine: Sqlite) -> None:
        self._engine = engine
        self._revisions: dict[str, int] = {}
        self._matrices: dict[Kind, _Matrix] = {}

    async def words(self, kind: Kind, query: str, moment: Moment, depth: int) -> list[Hit]:
        table = full_text_table(kind)
        statement = (
            f"SELECT t.key, -bm25({table}) AS score FROM {table} "
            f"CROSS JOIN search_entry t ON {table}.rowid = t.id WHERE {table} MATCH $2 "
            f"AND t.tenant = $1 AND t.kind = '{kind.value}'{VISIBLE.get(kind, '')} "
            f"ORDER BY score DESC, t.key LIMIT {depth}"
        )
        clocks = map(self._engine.time, clocks_of(kind, moment))
        tenant, words = self._engine.tenant, match_expression(query)
        rows = await self._engine.rows(statement, tenant, words, *clocks)
        return [Hit(key, score) for key, score in rows]

    async def vectors(self, kind: Kind, vector: Vector, moment: Moment, depth: int) -> list[Hit]:
        matrix, allowed = await asyncio.gather(self._matrix(kind), self._allowed(kind, moment))
        return await asyncio.to_thread(_nearest, matrix, vector, allowed, depth)

    async def _matrix(self, kind: Kind) -> _Matrix:
        """The vectors of a kind as they are now."""
        tenant = self._engine.tenant
        ((revision,),) = await self._engine.rows(
            "SELECT revision FROM vector_space WHERE tenant = $1 AND kind = $2", tenant, kind.value
        )
        if self._revisions.get(kind.value) != revision:
            rows = await self._engine.rows(
                "SELECT t.id, t.key, v.vector FROM search_entry t JOIN search_vector v "
                "ON v.entry_id = t.id WHERE t.tenant = $1 AND t.kind = $2 ORDER BY t.key",
                tenant,
                kind.value,
            )
            ids, keys, blobs = zip(*rows, strict=True)
            vectors = np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), -1)
            self._matrices[kind] = _Matrix(np.array(ids, np.int64), list(keys), vectors)
            self._revisions[kind.value] = revision
        return self._matrices[kind]

    async def _allowed(self, kind: Kind, moment: Moment) -> NDArray[np.int64] | None:
        """The entries that the moment shows; `None` for all."""
        if kind not in VISIBLE:
            return None
        statement = (
            "SELECT json_group_array(t.id) FROM search_entry t "
            f"WHERE t.tenant = $1 AND t.kind = $2{VISIBLE[kind]}"
        )
        clocks = map(self._engine.time, clocks_of(kind, moment))
        ((listed,),) = await self._engine.rows(statement, self._engine.tenant, kind.value, *clocks)
        return np.array(orjson.loads(listed), np.int64)


def _nearest(
    matrix: _Matrix, vector: Vector, allowed: NDArray[np.int64] | None, depth: int
) -> list[Hit]:
    """The best by cosine to six decimals, ties by key."""
    keys, rows = matrix.keys, matrix.rows
    places = None if allowed is None else np.flatnonzero(np.isin(matrix.ids, allowed))
    if places is not None:
        rows = rows[places]
    scores = np.round((vector[None, :] @ rows.T)[0].astype(np.float64), 6)
    best = np.argsort(-scores, kind="stable")[:depth]
    chosen = best if places is None else places[best]
    return [Hit(keys[i], score) for i, score in zip(chosen, scores[best].tolist(), strict=True)]
