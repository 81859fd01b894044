"""`Vectors` in Neo4j: float32 lists on the entries, a vector index a kind (HNSW), cosine.

    index, asked deeper than the question   →   exact cosines of what it gave, those that pass
    too little passed, or it cannot tell    →   the index once more, deeper, if that is the cheaper way
    still too little, no index that fits,   →   exact scan of the tenant's entries that pass
    few entries, or within a batch

The index's own scores are of rounded vectors and are not used.  It neither sees what is not committed nor
vectors of another dimension than its own, and what filters take away it has counted: the scan needs no
index, costs one microsecond for each entry and eight for each that passes, and leaves nothing out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backends.errors import StoreRejected, VectorSpaceMismatch
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.entries import (
    LABELS,
    SPACE,
    VECTOR_INDEXES,
    delete_entries,
    hopeless,
    last_of,
    passing,
    portions,
    row_of,
    write_entries,
)
from backends.neo4j.indexes import Found, SearchIndexes, best, deepened, deepened_each
from backends.records import Hit, Kind, Moment, Scope, SearchEntry, SearchFilter, VectorSpace
from backends.roles import Vector
from backends.vectors import agree, unit

_MICRO = 1_000_000
"""Cosines are compared to six decimals, as whole millionths: float32 tells no more."""


class Neo4jVectors:
    """Plays `Vectors`."""

    def __init__(self, engine: Neo4jEngine) -> None:
        self._engine = engine
        self._indexes = SearchIndexes(engine)

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
        asked = self._unit(kind, vector, space)
        if asked is None or hopeless(where):
            return []
        condition, given = passing(scope, kind, where, moment)
        given |= {
            "kind": kind.value,
            "index": VECTOR_INDEXES[kind],
            "vector": asked.tolist(),
            "model": space.model,
            "dimension": space.dimension,
            "depth": depth,
            "stored": "vector",
        }

        async def ask(query: str, k: int = 0) -> Found:
            rows = await self._engine.rows(query, given | {"k": k})
            for model, dimension, found in rows:
                agree(self._engine.name, kind, VectorSpace(model, dimension), space)
                return _cosines(found)
            return []

        hits = None
        index = await self._indexes.vectors(VECTOR_INDEXES[kind], LABELS[kind], 1)
        if index is not None and index.dimension == space.dimension:
            near = _in_space(_near("$vector", condition))
            try:
                hits = await deepened(lambda k: ask(near, k), depth, whole=False, held=index.held)
            except StoreRejected as error:
                self._do_without(error)
        if hits is None:
            hits = best(await ask(_in_space(_scan(kind, "$vector", condition))), depth)
        return hits

    async def similar(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        where: SearchFilter,
        first: int,
        min_score: float | None,
    ) -> list[list[Hit]]:
        if hopeless(where):
            return [[] for _ in keys]
        condition, given = passing(scope, kind, where, None)
        left: Sequence[str] = list(dict.fromkeys(keys))
        index = await self._indexes.vectors(VECTOR_INDEXES[kind], LABELS[kind], len(left))
        given |= {"index": VECTOR_INDEXES[kind], "depth": first, "stored": "vector"}
        others = f"n <> item AND {condition}"

        async def ask(query: str, items: Sequence[str], k: int = 0) -> dict[str, Found]:
            more = {"keys": list(items), "k": k}
            rows = await self._engine.rows(_of_items(kind, query), given | more)
            return {key: _cosines(found) for key, found in rows}

        hits: dict[str, list[Hit]] = {}
        if index is not None:
            near, held = _near("item.vector", others), index.held
            given["dimension"] = index.dimension
            try:
                hits, left = await deepened_each(
                    lambda items, k: ask(near, items, k), left, first, whole=False, held=held
                )
            except StoreRejected as error:
                self._do_without(error)
        if left:
            every = await ask(_scan(kind, "item.vector", others), left)
            hits |= {key: best(found, first) for key, found in every.items()}
        least = -1.0 if min_score is None else min_score
        return [[hit for hit in hits.get(key, []) if hit.score >= least] for key in keys]

    async def get_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[Vector | None]:
        found = await self._values(scope, kind, keys, "vector")
        return [
            None if (value := found.get(key)) is None else np.array(value, dtype=np.float32)
            for key in keys
        ]

    async def digests(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[str | None]:
        found = await self._values(scope, kind, keys, "digest")
        return [found.get(key) for key in keys]

    async def index_many(
        self,
        scope: Scope,
        entries: Sequence[SearchEntry],
        vectors: Sequence[Vector | None],
        digests: Sequence[str],
        space: VectorSpace,
    ) -> None:
        given = list(zip(entries, vectors, digests, strict=True))
        async with self._engine.batch():
            for kind in dict.fromkeys(entry.kind for entry in entries):
                await self._enter_space(scope, kind, space)
                await write_entries(self._engine, scope, kind, map(row_of, last_of(entries, kind)))
                made = {
                    entry.key: (None if vector is None else self._unit(kind, vector, space), digest)
                    for entry, vector, digest in given
                    if entry.kind is kind
                }
                await self._write_vectors(scope, kind, made)

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        await delete_entries(self._engine, scope, kind, keys)

    async def spaces(self, scope: Scope) -> dict[Kind, VectorSpace]:
        query = f"MATCH (s:{SPACE} {{tenant: $tenant}}) RETURN s.kind, s.model, s.dimension"
        rows = await self._engine.rows(query, {"tenant": scope.tenant})
        return {Kind(kind): VectorSpace(model, dimension) for kind, model, dimension in rows}

    async def _values(
        self, scope: Scope, kind: Kind, keys: Sequence[str], name: str
    ) -> dict[str, Any]:
        """A property of each entry that has a vector."""
        query = f"""
            UNWIND $keys AS key
            MATCH (n:{LABELS[kind]} {{tenant: $tenant, key: key}}) WHERE n.vector IS NOT NULL
            RETURN collect([key, n.{name}])"""
        given = {"tenant": scope.tenant, "keys": list(dict.fromkeys(keys))}
        ((found,),) = await self._engine.rows(query, given)
        return {key: value for key, value in found}  # noqa: C416

    async def _write_vectors(
        self, scope: Scope, kind: Kind, made: dict[str, tuple[Vector | None, str]]
    ) -> None:
        """Set the vectors that were made, and take away those of a text that is no longer there."""
        entry = f"MATCH (n:{LABELS[kind]} {{tenant: $tenant, key: row.key}})"
        kept = f"""
            UNWIND $rows AS row {entry}
            SET n.digest = row.digest WITH n, row
            CALL db.create.setNodeVectorProperty(n, 'vector', row.vector)"""
        stale = f"""
            UNWIND $rows AS row {entry} WHERE n.digest <> row.digest
            REMOVE n.vector, n.digest"""
        for query, there in ((kept, True), (stale, False)):
            rows = (
                {
                    "key": key,
                    "digest": digest,
                    "vector": None if vector is None else vector.tolist(),
                }
                for key, (vector, digest) in made.items()
                if (vector is not None) is there
            )
            for portion in portions(rows, lambda row: len(row["vector"] or ())):
                await self._engine.write(query, {"rows": portion, "tenant": scope.tenant})

    async def _enter_space(self, scope: Scope, kind: Kind, space: VectorSpace) -> None:
        """Remember what fills the kind, or refuse what does not fit what is there."""
        query = f"""
            MERGE (s:{SPACE} {{tenant: $tenant, kind: $kind}})
            ON CREATE SET s.model = $model, s.dimension = $dimension
            RETURN s.model, s.dimension"""
        given = {"tenant": scope.tenant, "kind": kind.value}
        given |= {"model": space.model, "dimension": space.dimension}
        for model, dimension in await self._engine.write(query, given):
            agree(self._engine.name, kind, VectorSpace(model, dimension), space)

    def _unit(self, kind: Kind, vector: Vector, space: VectorSpace) -> Vector | None:
        """The vector at length 1, `None` for one that has none.  Raises VectorSpaceMismatch for one that
        is not as long as its space says."""
        if vector.shape != (space.dimension,):
            raise VectorSpaceMismatch(
                self._engine.name,
                f"store {self._engine.name}: a vector of {kind.value} has the shape {vector.shape}, "
                f"where {space.model} makes {space.dimension} dimensions",
            )
        return unit(vector)

    def _do_without(self, error: StoreRejected) -> None:
        """The index was there a moment ago."""
        if isinstance(error, VectorSpaceMismatch):
            raise error
        self._indexes.forget()


def _near(vector: str, condition: str) -> str:
    """`found`: what the index gives for a vector of its length, keys of those alone that pass."""
    return f"""
        WITH * WHERE size({vector}) = $dimension
        CALL db.index.vector.queryNodes($index, $k, {vector}) YIELD node AS n
        RETURN collect([CASE WHEN {condition} THEN n.key END, {_score(vector)}]) AS found"""


def _scan(kind: Kind, vector: str, condition: str) -> str:
    """`found`: the nearest `$depth` of all entries that pass."""
    # A vector costs more to read than all the rest, and the planner likes to read what it knows that it
    # will need before it filters: so the digest is asked whether there is one, and the name is hidden.
    return f"""
        MATCH (n:{LABELS[kind]}) WHERE {condition} AND n.key IS NOT NULL AND n.digest IS NOT NULL
        WITH n, {_score(vector, "n[$stored]")} AS score ORDER BY score DESC, n.keyOrder LIMIT $depth
        RETURN collect([n.key, score]) AS found"""


def _score(vector: str, stored: str = "n.vector") -> str:
    """The cosine in millionths; Neo4j's own is (1 + cosine) / 2."""
    return f"round((2 * vector.similarity.cosine({stored}, {vector}) - 1) * {_MICRO})"


def _in_space(query: str) -> str:
    """The space of the tenant's kind and, if it is the one asked for, what the query found there."""
    return f"""
        MATCH (s:{SPACE} {{tenant: $tenant, kind: $kind}})
        CALL (s) {{
            WITH s WHERE s.model = $model AND s.dimension = $dimension
            {query}
        }}
        RETURN s.model, s.dimension, found"""


def _of_items(kind: Kind, query: str) -> str:
    """What the query found for each `item` that has a vector."""
    return f"""
        UNWIND $keys AS key
        MATCH (item:{LABELS[kind]} {{tenant: $tenant, key: key}}) WHERE item.vector IS NOT NULL
        CALL (item) {{ {query} }}
        RETURN key, found"""


def _cosines(found: Sequence[Sequence[Any]]) -> Found:
    return [(key, max(-1.0, min(1.0, score / _MICRO))) for key, score in found]
