"""The collections: what there must be of them, and what `migrate` makes.

A collection a kind, with one unnamed vector compared by cosine, and an index for each attribute of the
payload that is ever filtered by (in strict mode a server refuses to filter by others).  HNSW is left to
the server's settings; the index of the tenant says that it is one, so that a tenant's points lie together
and each large tenant has a graph of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from qdrant_client import models

from backends.errors import SchemaTooOld
from backends.qdrant.connection import QdrantConnection
from backends.qdrant.errors import translated
from backends.qdrant.filters import of_tenant
from backends.records import Health, Kind, Needs, Scope

_KEYWORDS = ("source", "document_key", "type", "tokens")
_TIMES: dict[Kind, tuple[str, ...]] = {
    Kind.FACT: ("valid_from", "valid_to", "recorded_at", "retracted_at"),
    Kind.EPISODE: ("recorded_at",),
}
"""The times that a moment looks at."""


class _Change(msgspec.Struct, frozen=True):
    """Something to make, and the line that says so."""

    line: str
    make: Callable[[], Awaitable[object]]


def indexes_of(kind: Kind) -> dict[str, models.PayloadSchemaType]:
    """The attributes of a kind's payload that have an index, the tenant first."""
    return {
        "tenant": models.PayloadSchemaType.KEYWORD,
        **dict.fromkeys(_KEYWORDS, models.PayloadSchemaType.KEYWORD),
        **dict.fromkeys(("created_at", *_TIMES.get(kind, ())), models.PayloadSchemaType.DATETIME),
    }


async def migrate(connection: QdrantConnection, needs: Needs, *, dry_run: bool) -> list[str]:
    """Make what is missing for the kinds of vectors that are needed; gives a line for each thing made, or
    to be made.

    Raises VectorSpaceMismatch for a collection of another dimension and StoreRejected for one that is not
    ours, before anything is made.
    """
    changes = await _planned(connection, needs)
    for change in () if dry_run else changes:
        with translated(connection.name):
            await change.make()
    return [change.line for change in changes]


async def health(connection: QdrantConnection) -> Health:
    """How the collections are that there are: degraded if the server says that a write of one failed.

    Raises SchemaTooOld when there is none at all or when one has no index that it must have.  Which kinds
    there must be is `migrate`'s to know; one that is missing is told of by whoever asks it.
    """
    there = await connection.collections()
    if not there:
        raise SchemaTooOld(
            connection.name,
            f"store {connection.name} has none of its collections ({connection.collection(Kind.CHUNK)}, …); "
            "run `memory-gateway migrate`",
        )
    if connection.local:
        return Health.UP
    infos = await asyncio.gather(*(connection.info(kind) for kind in there))
    lacking = [
        f"{name} has no payload index on {', '.join(fields)}"
        for (kind, name), info in zip(there.items(), infos, strict=True)
        if (fields := _lacking(kind, info))
    ]
    if lacking:
        raise SchemaTooOld(
            connection.name,
            f"store {connection.name}: {'; '.join(lacking)}; run `memory-gateway migrate`",
        )
    red = any(info.status == models.CollectionStatus.RED for info in infos)
    return Health.DEGRADED if red else Health.UP


async def count(connection: QdrantConnection, scope: Scope) -> int:
    """How many points a tenant has in all the collections that there are."""
    total = 0
    for kind, name in (await connection.collections()).items():
        async with connection.asking(kind) as client:
            found = await client.count(name, count_filter=of_tenant(scope), exact=True)
        total += found.count
    return total


async def _planned(connection: QdrantConnection, needs: Needs) -> list[_Change]:
    there = await connection.collections()
    changes: list[_Change] = []
    for kind in sorted(needs.vectors, key=lambda kind: kind.value):
        have: set[str] = set()
        if kind in there:
            info = await connection.info(kind)
            if (misfit := connection.misfit(kind, info, needs.space)) is not None:
                raise misfit
            have = set(indexes_of(kind)) - set(_lacking(kind, info))
        else:
            changes.append(_new_collection(connection, kind, needs.space.dimension))
        if not connection.local:  # local mode has no indexes, and warns of each
            changes += [
                _new_index(connection, kind, field, schema)
                for field, schema in indexes_of(kind).items()
                if field not in have
            ]
    return changes


def _lacking(kind: Kind, info: models.CollectionInfo) -> list[str]:
    """The attributes whose index is not there, or is of another type."""
    found = {field: index.data_type for field, index in info.payload_schema.items()}
    return [field for field, schema in indexes_of(kind).items() if found.get(field) != schema]


def _new_collection(connection: QdrantConnection, kind: Kind, dimension: int) -> _Change:
    name = connection.collection(kind)
    vectors = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
    return _Change(
        f"create collection {name} ({dimension} dimensions, cosine)",
        lambda: connection.client.create_collection(name, vectors_config=vectors),
    )


def _new_index(
    connection: QdrantConnection, kind: Kind, field: str, schema: models.PayloadSchemaType
) -> _Change:
    name = connection.collection(kind)
    params = schema
    if field == "tenant":
        params = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    return _Change(
        f"create payload index {name}.{field} ({schema.value})",
        lambda: connection.client.create_payload_index(name, field, params, wait=True),
    )
