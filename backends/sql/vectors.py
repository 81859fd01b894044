"""`Vectors` in SQL: float32 blobs, compared exactly in numpy.

A kind's vectors are read once and kept as one matrix until the store's revision of them changes.
Filters run as SQL and give the rows that may be found; the arithmetic runs on a thread.
"""

import asyncio
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from backends.errors import VectorSpaceMismatch
from backends.records import Hit, Kind, Moment, Scope, SearchEntry, SearchFilter, VectorSpace
from backends.roles import Matrix, Vector
from backends.sql import tables
from backends.sql.dialect import one_of
from backends.sql.engine import SqlEngine
from backends.sql.entries import delete_entries, entry_ids, passing, searched, write_entries
from backends.sql.keyset import Conditions
from backends.vectors import unit

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


class SqlVectors:
    """Plays `Vectors`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
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
        self._agree(kind, matrix.space, space)
        allowed = None
        if where != SearchFilter() or kind in (Kind.FACT, Kind.EPISODE):
            allowed = await self._ids(searched(scope, kind, where, moment))
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
            allowed = await self._ids(passing(scope, kind, where))
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
        statement = (
            select(_E.key, _V.vector)
            .join(tables.search_vector, _V.entry_id == _E.id)
            .where(_E.tenant == scope.tenant, _E.kind == kind.value, one_of(_E.key, keys))
        )
        found = {
            row[0]: np.frombuffer(row[1], np.float32) for row in await self._engine.rows(statement)
        }
        return [found.get(key) for key in keys]

    async def digests(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[str | None]:
        statement = (
            select(_E.key, _V.digest)
            .join(tables.search_vector, _V.entry_id == _E.id)
            .where(_E.tenant == scope.tenant, _E.kind == kind.value, one_of(_E.key, keys))
        )
        found = {row[0]: row[1] for row in await self._engine.rows(statement)}
        return [found.get(key) for key in keys]

    async def index_many(
        self,
        scope: Scope,
        entries: Sequence[SearchEntry],
        vectors: Sequence[Vector | None],
        digests: Sequence[str],
        space: VectorSpace,
    ) -> None:
        async with self._engine.batch():
            await write_entries(self._engine, scope, entries)
            for kind in dict.fromkeys(entry.kind for entry in entries):
                await self._enter_space(scope, kind, space)
                chosen = [
                    (entry.key, vector, digest)
                    for entry, vector, digest in zip(entries, vectors, digests, strict=True)
                    if entry.kind is kind
                ]
                await self._write_vectors(scope, kind, chosen)

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        await delete_entries(self._engine, scope, kind, keys)

    async def spaces(self, scope: Scope) -> dict[Kind, VectorSpace]:
        statement = select(_S.kind, _S.model, _S.dimension).where(_S.tenant == scope.tenant)
        rows = await self._engine.rows(statement)
        return {Kind(kind): VectorSpace(model, dimension) for kind, model, dimension in rows}

    async def _write_vectors(
        self, scope: Scope, kind: Kind, chosen: Sequence[tuple[str, Vector | None, str]]
    ) -> None:
        ids = await entry_ids(self._engine, scope, kind, [key for key, _, _ in chosen])
        statement = insert(tables.search_vector)
        statement = statement.on_conflict_do_update(
            index_elements=["entry_id"],
            set_={name: statement.excluded[name] for name in ("vector", "digest")},
        )
        rows = [
            {"entry_id": ids[key], "digest": digest, "vector": kept.astype("<f4").tobytes()}
            for key, vector, digest in chosen
            if vector is not None and (kept := unit(vector)) is not None
        ]
        await self._engine.write(statement, rows)
        await self._delete_stale(scope, kind, ids, [each for each in chosen if each[1] is None])
        await self._touch(scope, kind)

    async def _delete_stale(
        self,
        scope: Scope,
        kind: Kind,
        ids: dict[str, int],
        unmade: Sequence[tuple[str, Vector | None, str]],
    ) -> None:
        """Delete the vectors of a text that is no longer there."""
        there = await self.digests(scope, kind, [key for key, _, _ in unmade])
        stale = [
            ids[key]
            for (key, _, digest), before in zip(unmade, there, strict=True)
            if before not in (None, digest)
        ]
        if stale:
            await self._engine.write(delete(tables.search_vector).where(_V.entry_id.in_(stale)))

    async def _enter_space(self, scope: Scope, kind: Kind, space: VectorSpace) -> None:
        """Remember what fills the kind, or refuse what does not fit what is there."""
        before = (await self.spaces(scope)).get(kind)
        if before is not None:
            self._agree(kind, before, space)
            return
        row = {
            "tenant": scope.tenant,
            "kind": kind.value,
            "model": space.model,
            "dimension": space.dimension,
            "revision": 0,
        }
        await self._engine.write(insert(tables.vector_space), [row])

    async def _touch(self, scope: Scope, kind: Kind) -> None:
        await self._engine.write(
            update(tables.vector_space)
            .where(_S.tenant == scope.tenant, _S.kind == kind.value)
            .values(revision=_S.revision + 1)
        )

    def _agree(self, kind: Kind, there: VectorSpace, asked: VectorSpace) -> None:
        if there != asked:
            raise VectorSpaceMismatch(
                self._engine.name,
                f"store {self._engine.name}: the vectors of {kind.value} were made by "
                f"{there.model} ({there.dimension} dimensions), not by {asked.model} "
                f"({asked.dimension}); configure that embedder, or load into an empty store",
            )

    async def _ids(self, conditions: Conditions) -> NDArray[np.int64]:
        listed = await self._engine.scalar(select(func.json_group_array(_E.id)).where(*conditions))
        return np.array(msgspec.json.decode(listed), dtype=np.int64)

    async def _matrix(self, scope: Scope, kind: Kind) -> _Matrix | None:
        """The vectors of a kind as they are now; `None` if there are none."""
        statement = select(_S.revision, _S.model, _S.dimension).where(
            _S.tenant == scope.tenant, _S.kind == kind.value
        )
        rows = await self._engine.rows(statement)
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
