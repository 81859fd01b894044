"""`Vectors` in Qdrant: a point for each thing that has a vector, searched and filtered by the server.

Scores are the server's, to six decimals; equal ones go by key.  The server cuts equal scores at its limit
as it likes, so a few more are asked for than are wanted, and only where a tie reaches beyond those many
more, once: the order is the promised one unless hundreds of things are equally near.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from qdrant_client import models

from backends.errors import StoreRejected, VectorSpaceMismatch
from backends.qdrant import filters
from backends.qdrant.connection import QdrantConnection, dimension_of
from backends.qdrant.points import Change, changes, point_id, points_of, requests
from backends.records import Hit, Kind, Moment, Scope, SearchEntry, SearchFilter, VectorSpace
from backends.roles import Vector
from backends.vectors import unit

SPARE = 8
"""Points asked for beyond those wanted, so that a tie across the end is seen and settled."""

DEEPER = 10
"""How many times as many are asked for where a tie reaches beyond the spare ones."""

LEEWAY = 1e-4
"""How far below the least score the server's threshold lies: it passes only what is above, and its float32
may be off.  The least score itself is compared with the rounded ones."""

Found = list[models.ScoredPoint]


class QdrantVectors:
    """Plays `Vectors`."""

    def __init__(self, connection: QdrantConnection) -> None:
        self._connection = connection

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
        """One query.  The model stands in the payload of each hit: where it is another, what was found is
        refused."""
        asked = unit(vector)
        if asked is None or depth < 1 or filters.nothing(where):
            return []
        query = models.QueryRequest(
            query=asked.tolist(),
            filter=filters.searched(scope, kind, where, moment),
            with_payload=["key", "model"],
            with_vector=False,
        )
        (found,) = await self._nearest(kind, [query], depth, space)
        for point in found:
            self._same_model(kind, _text(point.payload, "model"), space)
        return _ranked(found)[:depth]

    async def similar(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        where: SearchFilter,
        first: int,
        min_score: float | None,
    ) -> list[list[Hit]]:
        """One look for which of the items have a vector (an id that is not there fails a whole batch),
        then one batch of queries by id, for which the server leaves out the item itself."""
        if first < 1 or filters.nothing(where):
            return [[] for _ in keys]
        ids = {key: point_id(scope, kind, key) for key in keys}
        passing = filters.passing(scope, where)
        there = await self._records(kind, ids.values())
        try:
            found = await self._near(kind, there, passing, first, min_score)
        except StoreRejected:
            # Was one of them taken out meanwhile?  Then without it.
            left = await self._records(kind, there)
            if len(left) == len(there):
                raise
            found = await self._near(kind, left, passing, first, min_score)
        return [found.get(ids[key], []) for key in keys]

    async def get_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[Vector | None]:
        ids = [point_id(scope, kind, key) for key in keys]
        found = await self._records(kind, ids, vectors=True)
        vectors = {
            id: unit(np.array(record.vector))
            for id, record in found.items()
            if isinstance(record.vector, list)
        }
        return [vectors.get(id) for id in ids]

    async def digests(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[str | None]:
        ids = [point_id(scope, kind, key) for key in keys]
        found = await self._records(kind, ids, payload=["digest"])
        digests = {id: _text(record.payload, "digest") for id, record in found.items()}
        return [digests.get(id) for id in ids]

    async def index_many(
        self,
        scope: Scope,
        entries: Sequence[SearchEntry],
        vectors: Sequence[Vector | None],
        digests: Sequence[str],
        space: VectorSpace,
    ) -> None:
        """A thing without a vector has no point.  A payload that has not changed is not written."""
        for kind in dict.fromkeys(entry.kind for entry in entries):
            await self._agree(scope, kind, space)
            chosen = [place for place, entry in enumerate(entries) if entry.kind is kind]
            points = points_of(
                scope,
                [entries[place] for place in chosen],
                [vectors[place] for place in chosen],
                [digests[place] for place in chosen],
                space,
            )
            unmade = [point.id for point in points.values() if point.vector is None]
            there = await self._records(kind, unmade, payload=True)
            stored = {id: record.payload or {} for id, record in there.items()}
            await self._write(kind, changes(points, stored), space)

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        await self._write(kind, list({point_id(scope, kind, key): None for key in keys}))

    async def spaces(self, scope: Scope) -> dict[Kind, VectorSpace]:
        """The model is that of any of the tenant's points, the dimension the collection's."""
        spaces: dict[Kind, VectorSpace] = {}
        for kind in await self._connection.collections():
            model = await self._model(scope, kind)
            dimension = dimension_of(await self._connection.info(kind))
            if model is not None and dimension is not None:
                spaces[kind] = VectorSpace(model, dimension)
        return spaces

    async def _near(
        self,
        kind: Kind,
        ids: Iterable[str],
        passing: models.Filter,
        first: int,
        min_score: float | None,
    ) -> dict[str, list[Hit]]:
        """The nearest to each of these points, all of which must be there, by id."""
        asked = list(ids)
        threshold = None if min_score is None else min_score - LEEWAY
        queries = [
            models.QueryRequest(
                query=id,
                filter=passing,
                score_threshold=threshold,
                with_payload=["key"],
                with_vector=False,
            )
            for id in asked
        ]
        found = await self._nearest(kind, queries, first) if queries else []
        return {
            id: _ranked(points, min_score)[:first] for id, points in zip(asked, found, strict=True)
        }

    async def _nearest(
        self,
        kind: Kind,
        queries: Sequence[models.QueryRequest],
        first: int,
        space: VectorSpace | None = None,
    ) -> list[Found]:
        """The nearest points for each query: the first, and all that the last of them ties with as far as
        they are seen."""
        limit = first + SPARE
        found = await self._query(kind, queries, limit, space)
        tied = [place for place, points in enumerate(found) if _cut_in_a_tie(points, first, limit)]
        if tied:
            again = [queries[place] for place in tied]
            try:
                deeper = await self._query(kind, again, limit * DEEPER, space)
            except StoreRejected:
                return found  # more than this server gives at once: the tie stays cut as it was
            for place, points in zip(tied, deeper, strict=True):
                found[place] = points
        return found

    async def _query(
        self,
        kind: Kind,
        queries: Sequence[models.QueryRequest],
        limit: int,
        space: VectorSpace | None,
    ) -> list[Found]:
        limited = [query.model_copy(update={"limit": limit}) for query in queries]
        async with self._connection.asking(kind, space) as client:
            answers = await client.query_batch_points(self._connection.collection(kind), limited)
        return [answer.points for answer in answers]

    async def _records(
        self,
        kind: Kind,
        ids: Iterable[str],
        *,
        payload: bool | list[str] = False,
        vectors: bool = False,
    ) -> dict[str, models.Record]:
        """The points of these ids that there are, by id."""
        unique: list[models.ExtendedPointId] = list(dict.fromkeys(ids))
        if not unique:
            return {}
        async with self._connection.asking(kind) as client:
            records = await client.retrieve(
                self._connection.collection(kind),
                unique,
                with_payload=payload,
                with_vectors=vectors,
            )
        return {str(record.id): record for record in records}

    async def _write(
        self, kind: Kind, made: Sequence[Change], space: VectorSpace | None = None
    ) -> None:
        for operations in requests(made):
            async with self._connection.asking(kind, space) as client:
                await client.batch_update_points(
                    self._connection.collection(kind), operations, wait=True
                )

    async def _model(self, scope: Scope, kind: Kind) -> str | None:
        """The model that made a tenant's vectors of a kind; `None` if there are none."""
        async with self._connection.asking(kind) as client:
            records, _ = await client.scroll(
                self._connection.collection(kind),
                scroll_filter=filters.of_tenant(scope),
                limit=1,
                with_payload=["model"],
                with_vectors=False,
            )
        return _text(records[0].payload, "model") if records else None

    async def _agree(self, scope: Scope, kind: Kind, space: VectorSpace) -> None:
        """Refuse a space that does not fit the collection or what the tenant has in it."""
        info = await self._connection.info(kind)
        if (misfit := self._connection.misfit(kind, info, space)) is not None:
            raise misfit
        self._same_model(kind, await self._model(scope, kind), space)

    def _same_model(self, kind: Kind, there: str | None, asked: VectorSpace) -> None:
        if there not in (None, asked.model):
            name = self._connection.name
            raise VectorSpaceMismatch(
                name,
                f"store {name}: the vectors of {kind.value} were made by {there}, not by {asked.model}; "
                "configure that embedder, or load into an empty store",
            )


def _cut_in_a_tie(points: Found, first: int, limit: int) -> bool:
    """Whether there may be more that are as near as the last one wanted."""
    return len(points) >= limit and _score(points[first - 1]) == _score(points[-1])


def _ranked(points: Found, min_score: float | None = None) -> list[Hit]:
    """Hits by score, then key.  A point that is not ours (without a key, or with a vector that gives no
    score) is none."""
    hits = [
        Hit(key, _score(point))
        for point in points
        if (key := _text(point.payload, "key")) is not None and not math.isnan(point.score)
    ]
    kept = [hit for hit in hits if min_score is None or hit.score >= min_score]
    return sorted(kept, key=lambda hit: (-hit.score, hit.key))


def _score(point: models.ScoredPoint) -> float:
    """The cosine, to six decimals."""
    return min(1.0, max(-1.0, round(point.score, 6))) + 0.0


def _text(payload: dict[str, Any] | None, name: str) -> str | None:
    value = (payload or {}).get(name)
    return value if isinstance(value, str) else None
