"""`Vectors` in PostgreSQL: pgvector, compared by cosine.

A tenant's kind with few vectors is compared exactly.  One with many walks the kind's HNSW index, which
goes on until enough rows pass the filter; where it gives up before, the exact comparison answers.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import (
    REAL,
    ColumnElement,
    Executable,
    Float,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from backends.records import Hit, Kind, Moment, Scope, SearchEntry, SearchFilter, VectorSpace
from backends.roles import Vector
from backends.sql import tables
from backends.sql.engine import SqlEngine
from backends.sql.entries import delete_entries, passing, searched
from backends.sql.keyset import Conditions
from backends.sql.postgres.tables import LONGEST, VectorOf, search_vector
from backends.sql.vector_rows import VectorRows
from backends.vectors import agree, unit

_E, _S, _V = tables.search_entry.c, tables.vector_space.c, search_vector.c
FEW = 5_000
"""Vectors of a tenant's kind up to which comparing each is as quick as an index, and exact."""
WIDEST = 1_000
"""Candidates that an HNSW index can be asked to hold."""
DECIMALS = 6
"""Of a score: beyond them stand the errors of single precision, and equal vectors would differ."""


class PgVectors:
    """Plays `Vectors`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._rows = VectorRows(engine, search_vector, _encode)

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
        there, few = await self._filled(scope, kind)
        if there is None:
            return []
        agree(self._engine.name, kind, there, space)
        asked = unit(vector)
        if asked is None:
            return []
        conditions = searched(scope, kind, where, moment)
        target = _constant(asked, space.dimension)
        if not few and space.dimension <= LONGEST:
            statement = _ranked(kind, space.dimension, target, conditions, depth)
            rows = await self._walk(statement, depth)
            if len(rows) >= depth:
                return _hits(rows)
        statement = _ranked(kind, space.dimension, target, conditions, depth, exact=True)
        return _hits(await self._engine.rows(statement))

    async def similar(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        where: SearchFilter,
        first: int,
        min_score: float | None,
    ) -> list[list[Hit]]:
        there, few = await self._filled(scope, kind)
        if there is None:
            return [[] for _ in keys]
        exact = few or there.dimension > LONGEST
        found = await self._nearest_to(scope, kind, keys, where, there, first, exact=exact)
        if not exact and any(len(each) < first for each in found.values()):
            found = await self._nearest_to(scope, kind, keys, where, there, first, exact=True)
        hits = {place: _hits(each) for place, each in found.items()}
        return [
            [hit for hit in hits.get(place, ()) if min_score is None or hit.score >= min_score]
            for place in range(len(keys))
        ]

    async def get_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[Vector | None]:
        numbers = cast(_V.vector, ARRAY(REAL))
        found = await self._rows.by_key(scope, kind, keys, numbers)
        return [np.array(found[key], np.float32) if key in found else None for key in keys]

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

    async def _filled(self, scope: Scope, kind: Kind) -> tuple[VectorSpace | None, bool]:
        """What filled a kind, and whether it has few entries."""
        rows = await self._engine.rows(partial(_filling, scope, kind))
        if not rows:
            return None, True
        model, dimension, count = rows[0]
        return VectorSpace(model, dimension), count <= FEW

    async def _walk(self, statement: Executable, depth: int) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement that may walk an HNSW index, `depth` of them if that many pass."""
        settings = {
            "hnsw.iterative_scan": "strict_order",
            "hnsw.ef_search": str(min(max(2 * depth, 100), WIDEST)),
        }
        async with self._engine.connection() as connection:
            # They stay with the connection, where nothing else reads them.
            set_all = (func.set_config(name, value, False) for name, value in settings.items())
            await connection.execute(select(*set_all))
            return (await connection.execute(statement)).all()  # pyright: ignore[reportReturnType]

    async def _nearest_to(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        where: SearchFilter,
        space: VectorSpace,
        first: int,
        *,
        exact: bool,
    ) -> dict[int, list[tuple[str, float]]]:
        """Keys and distances, by the place of each item that has a vector."""
        parent = self._engine.dialect.parents(keys)
        me, mine = tables.search_entry.alias("me"), search_vector.alias("mine")
        target = cast(mine.c.vector, VectorOf(space.dimension))
        conditions = [*passing(scope, kind, where), _E.id != me.c.id]
        ranked = _ranked(kind, space.dimension, target, conditions, first, exact=exact)
        item = ranked.correlate(me, mine).lateral("item")
        own = and_(me.c.tenant == scope.tenant, me.c.kind == kind.value, me.c.key == parent.c.value)
        statement = select(parent.c.key, item.c.key, item.c.distance).select_from(
            parent.join(me, own).join(mine, mine.c.entry_id == me.c.id).outerjoin(item, true())
        )
        rows = await (self._engine.rows(statement) if exact else self._walk(statement, first))
        found: dict[int, list[tuple[str, float]]] = {}
        for place, key, distance in rows:
            nearest = found.setdefault(place, [])
            if key is not None:
                nearest.append((key, distance))
        return found


def _filling(scope: Scope, kind: Kind) -> Select[Any, Any, Any]:
    """What fills a kind, with the number of entries up to one more than a few."""
    own = select(1).where(_E.tenant == scope.tenant, _E.kind == kind.value)
    entries = own.limit(FEW + 1).subquery()
    number = select(func.count()).select_from(entries).scalar_subquery()
    return select(_S.model, _S.dimension, number).where(
        _S.tenant == scope.tenant, _S.kind == kind.value
    )


def _encode(kind: Kind, vector: Vector) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "dimension": len(vector),
        "vector": vector.tolist(),
    }


def _constant(vector: Vector, dimension: int) -> ColumnElement[Any]:
    return cast(literal(vector.tolist(), ARRAY(REAL)), VectorOf(dimension))


def _inline(kind: Kind, dimension: int) -> Conditions:
    """Kind and dimension as parts of the statement, so that any plan may use their own index."""
    return [
        _V.kind == literal_column(f"'{kind.value}'", Text),
        _V.dimension == literal_column(str(dimension)),
    ]


def _distance(dimension: int, target: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(_V.vector, VectorOf(dimension)).op("<=>", return_type=Float())(target)


def _ranked(
    kind: Kind,
    dimension: int,
    target: ColumnElement[Any],
    conditions: Conditions,
    depth: int,
    *,
    exact: bool = False,
) -> Select[Any, Any]:
    """The nearest entries: key and distance.  What is exact orders equal scores by key."""
    distance = _distance(dimension, target)
    order = [func.round(distance * 10**DECIMALS), _E.key] if exact else [distance]
    return (
        select(_E.key, distance.label("distance"))
        .join(search_vector, _V.entry_id == _E.id)
        .where(*_inline(kind, dimension), *conditions)
        .order_by(*order)
        .limit(depth)
    )


def _hits(rows: Iterable[tuple[str, float]]) -> list[Hit]:
    """Best first, ties by key."""
    hits = [Hit(key, min(1.0, max(-1.0, round(1 - distance, DECIMALS)))) for key, distance in rows]
    return sorted(hits, key=lambda hit: (-hit.score, hit.key))
