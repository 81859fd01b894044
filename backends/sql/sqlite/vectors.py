"""`Vectors` in SQLite: float32 blobs, compared exactly in numpy.

A kind's vectors are read once and kept as one matrix until the store's revision of them changes.
Filters run as SQL and give the rows that may be found; the arithmetic runs on a thread.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, select

from backends.records import Hit, Kind, Moment, Scope, SearchEntry, SearchFilter, VectorSpace
from backends.roles import Matrix, Vector
from backends.sql import tables
from backends.sql.engine import SqlEngine
from backends.sql.entries import delete_entries, passing, searched
from backends.sql.keyset import Conditions
from backends.sql.vector_rows import VectorRows
from backends.vectors import agree, unit

_E, _V, _S = tables.search_entry.c, tables.search_vector.c, tables.vector_space.c
READ_AT_ONCE = 4_000
"""Vectors fetched by one statement, so that filling the cache never holds the interpreter for long."""
COMPARED_AT_ONCE = 64
"""Rows of a similarity matrix made at once."""


class _Matrix(msgspec.Struct, frozen=True):
    """The vectors of one tenant and kind at one revision, in the order of their keys."""

    revision: int
    space: VectorSpace
    ids: NDArray[np.int64]
    keys: list[str]
    places: dict[str, int]
    rows: Matrix


class ExactVectors:
    """Plays `Vectors`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._rows = VectorRows(engine, tables.search_vector, _encode)
        self._cache: dict[tuple[str, Kind], _Matrix] = {}
        self._filling = asyncio.Lock()

    async def search(
        self,
        scope: Scope,
        kind: Kind,
        vector: Vector,
        space: VectorSpace,
        where: SearchFilter,
        moment: Moment,
        depth: int,
    ) -> list[Hit]:
        matrix = await self._matrix(scope, kind)
        if matrix is None:
            return []
        agree(self._engine.name, kind, matrix.space, space)
        allowed = None
        if where != SearchFilter() or kind in (Kind.FACT, Kind.EPISODE):
            allowed = await self._ids(partial(searched, scope, kind, where, moment))
        asked = unit(vector)
        if asked is None:
            return []
        found = await asyncio.to_thread(_nearest, matrix, asked[None, :], allowed, depth)
        return found[0]

    async def similar(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        where: SearchFilter,
        first: int,
        min_score: float | None,
    ) -> list[list[Hit]]:
        matrix = await self._matrix(scope, kind)
        known = [key for key in dict.fromkeys(keys) if matrix and key in matrix.places]
        if matrix is None or not known:
            return [[] for _ in keys]
        allowed = None
        if where != SearchFilter():
            allowed = await self._ids(partial(passing, scope, kind, where))
        vectors = matrix.rows[[matrix.places[key] for key in known]]
        # One more than asked for: the item itself may be among them.
        found = await asyncio.to_thread(_nearest, matrix, vectors, allowed, first + 1)
        hits = {
            key: [
                hit
                for hit in each
                if hit.key != key and (min_score is None or hit.score >= min_score)
            ][:first]
            for key, each in zip(known, found, strict=True)
        }
        return [hits.get(key, []) for key in keys]

    async def get_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[Vector | None]:
        found = await self._rows.by_key(scope, kind, keys, _V.vector)
        return [None if key not in found else np.frombuffer(found[key], "<f4") for key in keys]

    async def digests(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[str | None]:
        return await self._rows.digests(scope, kind, keys)

    async def index_many(
        self,
        scope: Scope,
        entries: Sequence[SearchEntry],
        vectors: Sequence[Vector | None],
        digests: Sequence[str],
        space: VectorSpace,
    ) -> None:
        await self._rows.index_many(scope, entries, vectors, digests, space)

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        await delete_entries(self._engine, scope, kind, keys)

    async def spaces(self, scope: Scope) -> dict[Kind, VectorSpace]:
        return await self._rows.spaces(scope)

    async def _ids(self, conditions: partial[Conditions]) -> NDArray[np.int64]:
        listed = await self._engine.scalar(partial(_listed, conditions))
        return np.array(msgspec.json.decode(listed), dtype=np.int64)

    async def _matrix(self, scope: Scope, kind: Kind) -> _Matrix | None:
        """The vectors of a kind as they are now; `None` if there are none."""
        rows = await self._engine.rows(partial(_state, scope, kind))
        if not rows:
            return None
        revision, model, dimension = rows[0]
        if self._engine.in_batch:  # what is not committed must not be remembered
            return await self._read(scope, kind, revision, VectorSpace(model, dimension))
        cached = self._cache.get((scope.tenant, kind))
        if cached is not None and cached.revision == revision:
            return cached
        async with self._filling:
            cached = self._cache.get((scope.tenant, kind))
            if cached is None or cached.revision != revision:
                cached = await self._read(scope, kind, revision, VectorSpace(model, dimension))
                self._cache[scope.tenant, kind] = cached
            return cached

    async def _read(self, scope: Scope, kind: Kind, revision: int, space: VectorSpace) -> _Matrix:
        ids: list[int] = []
        keys: list[str] = []
        blobs: list[bytes] = []
        while True:
            statement = (
                select(_E.id, _E.key, _V.vector)
                .join(tables.search_vector, _V.entry_id == _E.id)
                .where(
                    _E.tenant == scope.tenant,
                    _E.kind == kind.value,
                    *([_E.key > keys[-1]] if keys else []),
                )
                .order_by(_E.key)
                .limit(READ_AT_ONCE)
            )
            rows = await self._engine.rows(statement)
            for entry_id, key, blob in rows:
                ids.append(entry_id)
                keys.append(key)
                blobs.append(blob)
            if len(rows) < READ_AT_ONCE:
                break
        matrix = await asyncio.to_thread(_stack, blobs, space.dimension)
        places = {key: place for place, key in enumerate(keys)}
        return _Matrix(revision, space, np.array(ids, dtype=np.int64), keys, places, matrix)


def _listed(conditions: partial[Conditions]) -> Select[Any]:
    """The numbers of the entries that meet the conditions, as one list."""
    return select(func.json_group_array(_E.id)).where(*conditions())


def _state(scope: Scope, kind: Kind) -> Select[Any, Any, Any]:
    return select(_S.revision, _S.model, _S.dimension).where(
        _S.tenant == scope.tenant, _S.kind == kind.value
    )


def _encode(_: Kind, vector: Vector) -> dict[str, Any]:
    return {"vector": vector.astype("<f4").tobytes()}


def _stack(blobs: Sequence[bytes], dimension: int) -> Matrix:
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dimension)


def _nearest(
    matrix: _Matrix, vectors: Matrix, allowed: NDArray[np.int64] | None, depth: int
) -> list[list[Hit]]:
    """The best `depth` rows for each vector, by cosine, ties in the order of the keys."""
    places = np.arange(len(matrix.keys))
    if allowed is not None:
        places = places[np.isin(matrix.ids, allowed)]
    rows = matrix.rows if allowed is None else matrix.rows[places]
    found: list[list[Hit]] = []
    for start in range(0, len(vectors), COMPARED_AT_ONCE):
        block = vectors[start : start + COMPARED_AT_ONCE]
        scores = np.clip(np.round((block @ rows.T).astype(np.float64), 6), -1.0, 1.0)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
        found += [
            [Hit(matrix.keys[places[i]], float(line[i])) for i in order]
            for line, order in zip(scores, best, strict=True)
        ]
    return found
