"""An entry of the index as a point: its id, its payload, and requests of a bounded size to write it."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from qdrant_client import models

from backends.records import Kind, Scope, SearchEntry, VectorSpace
from backends.roles import Vector
from backends.times import format_instant
from backends.vectors import unit

NAMESPACE = uuid.UUID("6d6a4f3c-53a2-5b0e-9d0c-0c6f2b1e7a94")
"""Of the ids of our points.  Never to be changed: the ids of what is stored follow from it."""

FILTERED = (
    "source",
    "document_key",
    "type",
    "created_at",
    "valid_from",
    "valid_to",
    "recorded_at",
    "retracted_at",
)
"""The attributes of an entry that stand in its payload where they have a value; its tokens do too."""

LARGEST_REQUEST = 900_000
"""Bytes of a request to write, estimated as JSON: below 1 MiB, the least that a proxy before the server is
commonly set to take (the server itself takes 32 MiB over REST).  gRPC needs a fifth of it."""

BYTES_OF_A_NUMBER = 22
BYTES_OF_AN_ID = 40

Payload = dict[str, Any]


class Point(msgspec.Struct, frozen=True):
    """A point as it is to be; without a vector, with the one that is there."""

    id: str
    digest: str
    payload: Payload
    vector: Vector | None


Change = Point | str
"""A point to write (only its payload where it has no vector), or the id of one to delete."""


def point_id(scope: Scope, kind: Kind, key: str) -> str:
    """The id of a thing's point.  No key holds U+0000, so no two things share one."""
    return str(uuid.uuid5(NAMESPACE, f"{kind.value}\0{scope.tenant}\0{key}"))


def points_of(
    scope: Scope,
    entries: Sequence[SearchEntry],
    vectors: Sequence[Vector | None],
    digests: Sequence[str],
    space: VectorSpace,
) -> dict[str, Point]:
    """The points of entries of one kind, by id; the last of a key wins.

    A vector without length or with a number that is not finite is none.  One given earlier for the same
    key and digest is kept where the last has none.
    """
    points: dict[str, Point] = {}
    for entry, vector, digest in zip(entries, vectors, digests, strict=True):
        id = point_id(scope, entry.kind, entry.key)
        made = None if vector is None else unit(vector)
        before = points.get(id)
        if made is None and before is not None and before.digest == digest:
            made = before.vector
        points[id] = Point(id, digest, _payload(scope, entry, digest, space), made)
    return points


def changes(points: Mapping[str, Point], stored: Mapping[str, Payload]) -> list[Change]:
    """What to write of these points.  `stored` are the payloads that there are of those without a vector:
    one of another digest goes with its vector, one that has not changed stays as it is."""
    made: list[Change] = []
    for id, point in points.items():
        if point.vector is not None:
            made.append(point)
        elif id in stored and stored[id].get("digest") != point.digest:
            made.append(id)
        elif id in stored and stored[id] != point.payload:
            made.append(point)
    return made


def requests(made: Sequence[Change]) -> Iterator[list[models.UpdateOperation]]:
    """The operations that make these changes, in requests of a bounded size."""
    portion: list[Change] = []
    size = 0
    for change in made:
        more = _size(change)
        if portion and size + more > LARGEST_REQUEST:
            yield _operations(portion)
            portion, size = [], 0
        portion.append(change)
        size += more
    if portion:
        yield _operations(portion)


def _payload(scope: Scope, entry: SearchEntry, digest: str, space: VectorSpace) -> Payload:
    payload: Payload = {
        "tenant": scope.tenant,
        "key": entry.key,
        "digest": digest,
        "model": space.model,
    }
    for name in FILTERED:
        value: str | datetime | None = getattr(entry, name)
        if value is not None:
            payload[name] = format_instant(value) if isinstance(value, datetime) else value
    if entry.tokens:
        payload["tokens"] = list(entry.tokens)
    return payload


def _size(change: Change) -> int:
    if isinstance(change, str):
        return BYTES_OF_AN_ID
    numbers = 0 if change.vector is None else len(change.vector)
    payload = len(msgspec.json.encode(change.payload))
    return BYTES_OF_AN_ID + payload + BYTES_OF_A_NUMBER * numbers


def _operations(portion: Sequence[Change]) -> list[models.UpdateOperation]:
    whole: list[models.PointStruct] = []
    gone: list[models.ExtendedPointId] = []
    operations: list[models.UpdateOperation] = []
    for each in portion:
        if isinstance(each, str):
            gone.append(each)
        elif each.vector is None:
            rewritten = models.SetPayload(payload=each.payload, points=[each.id])
            operations.append(models.OverwritePayloadOperation(overwrite_payload=rewritten))
        else:
            vector = each.vector.tolist()
            whole.append(models.PointStruct(id=each.id, vector=vector, payload=each.payload))
    if whole:
        operations.append(models.UpsertOperation(upsert=models.PointsList(points=whole)))
    if gone:
        operations.append(models.DeleteOperation(delete=models.PointIdsList(points=gone)))
    return operations
