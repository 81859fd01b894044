"""What the tests of Qdrant write, and a store in local mode to write it to."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from backends.records import (
    Kind,
    Moment,
    Needs,
    Scope,
    SearchEntry,
    SearchFilter,
    VectorSpace,
)
from backends.registry import create
from backends.roles import Store, Vector
from tests.contract.samples import (
    EVER,
)

SPACE = VectorSpace("model", 2)
EVERYTHING = Needs(vectors=frozenset(Kind), space=SPACE)
NO_FILTER = SearchFilter()
EAST = np.array([1, 0], dtype=np.float32)


@asynccontextmanager
async def local(needs: Needs | None = EVERYTHING) -> AsyncGenerator[Store]:
    """A store in local mode, migrated where it is said for what."""
    store = create("qdrant", "q", {"url": ":memory:"})
    await store.open()
    if needs is not None:
        await store.migrate(needs)
    yield store
    await store.close()


def entry(key: str, kind: Kind = Kind.CHUNK, **given: Any) -> SearchEntry:
    return SearchEntry(kind=kind, key=key, body=key, **given)


async def index(
    store: Store,
    scope: Scope,
    entries: Sequence[SearchEntry],
    given: Sequence[Vector | None] | None = None,
    digest: str = "digest",
) -> None:
    vectors = [EAST for _ in entries] if given is None else given
    assert store.vectors is not None
    await store.vectors.index_many(scope, entries, vectors, [digest for _ in entries], SPACE)


async def found(
    store: Store,
    scope: Scope,
    kind: Kind = Kind.CHUNK,
    where: SearchFilter = NO_FILTER,
    at: Moment = EVER,
    depth: int = 100,
) -> list[str]:
    assert store.vectors is not None
    hits = await store.vectors.search(scope, kind, EAST, SPACE, where, at, depth)
    return [hit.key for hit in hits]
