"""`Vectors` in Qdrant: what the driver is asked, what is written and what is left alone."""

import itertools
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient, models

from backends.errors import (
    StoreError,
    StoreRejected,
)
from backends.qdrant.points import LARGEST_REQUEST, point_id, points_of, requests
from backends.qdrant.store import QdrantStore
from backends.qdrant.vectors import SPARE
from backends.records import (
    Kind,
    MetadataMatch,
    Scope,
    SearchFilter,
    VectorSpace,
)
from backends.roles import Store
from tests.backends.qdrant_samples import (
    EAST,
    NO_FILTER,
    SPACE,
    entry,
    found,
    index,
    local,
)
from tests.contract.samples import (
    EVER,
    day,
    new_scope,
    numbered,
)


@pytest.fixture(scope="module")
async def store() -> AsyncGenerator[Store]:
    async with local() as store:
        yield store


Calls = dict[str, list[dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the driver is asked, method by method."""
    made: Calls = {}

    def recorded(name: str) -> Callable[..., Any]:
        method = getattr(AsyncQdrantClient, name)

        async def call(client: Any, collection: str, argument: Any = None, **options: Any) -> Any:
            made.setdefault(name, []).append(options | {"asked": argument})
            rest = () if argument is None else (argument,)
            return await method(client, collection, *rest, **options)

        return call

    for name in ("query_batch_points", "retrieve", "scroll", "batch_update_points", "count"):
        monkeypatch.setattr(AsyncQdrantClient, name, recorded(name))
    return made


# Asking


async def test_a_search_is_one_query_for_keys_and_models(store: Store, calls: Calls) -> None:
    scope = new_scope()
    await index(store, scope, [entry("a")])
    calls.clear()
    assert await found(store, scope) == ["a"]
    (batch,) = calls.pop("query_batch_points")
    (query,) = batch["asked"]
    assert not calls
    assert (query.with_payload, query.with_vector) == (["key", "model"], False)
    assert query.limit == 100 + SPARE


async def test_similar_is_one_look_and_one_batch(store: Store, calls: Calls) -> None:
    scope = new_scope()
    keys = numbered("k", 50)
    await index(store, scope, [entry(key) for key in keys])
    calls.clear()
    assert store.vectors is not None
    asked = [*keys, "gap", *keys]
    hits = await store.vectors.similar(scope, Kind.CHUNK, asked, NO_FILTER, 60, None)
    assert [len(each) for each in hits] == [*([49] * 50), 0, *([49] * 50)]
    (look,), (batch,) = calls.pop("retrieve"), calls.pop("query_batch_points")
    assert not calls
    assert (look["with_payload"], look["with_vectors"], len(look["asked"])) == (False, False, 51)
    assert {query.query for query in batch["asked"]} == {
        point_id(scope, Kind.CHUNK, key) for key in keys
    }
    assert {(*query.with_payload, query.with_vector) for query in batch["asked"]} == {
        ("key", False)
    }


async def test_only_what_is_asked_for_is_fetched(store: Store, calls: Calls) -> None:
    scope = new_scope()
    await index(store, scope, [entry("a")])
    calls.clear()
    assert store.vectors is not None
    await store.vectors.get_many(scope, Kind.CHUNK, ["a"])
    await store.vectors.digests(scope, Kind.CHUNK, ["a"])
    first, second = calls["retrieve"]
    assert (first["with_payload"], first["with_vectors"]) == (False, True)
    assert (second["with_payload"], second["with_vectors"]) == (["digest"], False)


async def test_nothing_is_asked_where_nothing_can_be_found(store: Store, calls: Calls) -> None:
    assert store.vectors is not None
    scope, vectors = new_scope(), store.vectors
    for where in (
        SearchFilter(sources=()),
        SearchFilter(documents=()),
        SearchFilter(entity_types=()),
        SearchFilter(metadata=(MetadataMatch(tokens=()),)),
    ):
        assert await found(store, scope, where=where) == []
        assert await vectors.similar(scope, Kind.CHUNK, ["a"], where, 5, None) == [[]]
    assert await found(store, scope, depth=0) == []
    assert await vectors.similar(scope, Kind.CHUNK, ["a"], NO_FILTER, 0, None) == [[]]
    assert await vectors.similar(scope, Kind.CHUNK, [], NO_FILTER, 5, None) == []
    for odd in ([0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0]):
        query = np.array(odd, dtype=np.float32)
        assert await vectors.search(scope, Kind.CHUNK, query, SPACE, NO_FILTER, EVER, 5) == []
    assert not calls


async def test_a_tie_beyond_the_end_is_asked_for_once_more(store: Store, calls: Calls) -> None:
    scope = new_scope()
    keys = numbered("k", 3 * SPARE)
    await index(store, scope, [entry(key) for key in reversed(keys)])
    calls.clear()
    assert await found(store, scope, depth=2) == keys[:2]
    assert [batch["asked"][0].limit for batch in calls["query_batch_points"]] == [
        2 + SPARE,
        10 * (2 + SPARE),
    ]


async def test_a_server_that_gives_no_more_leaves_the_tie_cut(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = new_scope()
    await index(store, scope, [entry(key) for key in numbered("k", 3 * SPARE)])
    method = AsyncQdrantClient.query_batch_points

    async def bounded(client: Any, name: str, asked: Sequence[models.QueryRequest]) -> Any:
        if any((query.limit or 0) > 2 + SPARE for query in asked):
            raise ValueError("Limit exceeded")
        return await method(client, name, asked)

    monkeypatch.setattr(AsyncQdrantClient, "query_batch_points", bounded)
    hits = await found(store, scope, depth=2)
    assert len(hits) == 2
    assert hits == sorted(hits)


async def test_an_item_taken_out_meanwhile_is_like_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = new_scope()
    await index(store, scope, [entry(key) for key in "abc"])
    assert store.vectors is not None
    method = AsyncQdrantClient.retrieve

    async def and_then_remove(client: Any, *given: Any, **options: Any) -> Any:
        records = await method(client, *given, **options)
        assert store.vectors is not None
        await store.vectors.remove_many(scope, Kind.CHUNK, ["b"])
        return records

    monkeypatch.setattr(AsyncQdrantClient, "retrieve", and_then_remove)
    hits = await store.vectors.similar(scope, Kind.CHUNK, ["a", "b"], NO_FILTER, 5, None)
    assert [[hit.key for hit in each] for each in hits] == [["c"], []]


async def test_points_that_are_not_ours_are_no_hits() -> None:
    async with local() as store:
        scope = new_scope()
        await index(store, scope, [entry("a")])
        assert isinstance(store, QdrantStore)
        odd = [{"tenant": scope.tenant}, {"tenant": scope.tenant, "key": 7}]
        foreign = [
            models.PointStruct(id=number, vector=[1.0, 0.0], payload=payload)
            for number, payload in enumerate(odd)
        ]
        await store._connection.client.upsert("memory_chunk", foreign)  # pyright: ignore[reportPrivateUsage]
        assert await found(store, scope) == ["a"]


# Writing


def test_an_id_is_that_of_tenant_kind_and_key_for_ever() -> None:
    assert point_id(Scope("t"), Kind.CHUNK, "k") == "feb7ba65-0450-5972-82ff-56a317b5664a"
    parts = itertools.product(("t", "t\0CHUNK"), Kind, ("k", "k\nk"))
    ids = [point_id(Scope(tenant), kind, key) for tenant, kind, key in parts]
    assert len({*ids}) == len(ids)


async def test_a_payload_that_has_not_changed_is_not_written(store: Store, calls: Calls) -> None:
    scope = new_scope()
    entries = [entry("a", source="s", created_at=day(1), tokens=("x?", "x=1")), entry("b")]
    await index(store, scope, entries)
    calls.clear()
    await index(store, scope, entries, [None, None])
    assert "batch_update_points" not in calls
    await index(store, scope, [entries[0], entry("b", source="s")], [None, None])
    ((operation,),) = (batch["asked"] for batch in calls["batch_update_points"])
    assert isinstance(operation, models.OverwritePayloadOperation)
    assert operation.overwrite_payload.points == [point_id(scope, Kind.CHUNK, "b")]
    assert all(batch["wait"] for batch in calls["batch_update_points"])
    assert await found(store, scope, where=SearchFilter(sources=("s",))) == ["a", "b"]


@pytest.mark.parametrize("odd", [[0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0]], ids=str)
async def test_a_vector_without_direction_is_none(
    store: Store, calls: Calls, odd: list[float]
) -> None:
    scope, vector = new_scope(), np.array(odd, dtype=np.float32)
    await index(store, scope, [entry("a"), entry("b")])
    calls.clear()
    await index(store, scope, [entry("c")], [vector])
    assert "batch_update_points" not in calls
    await index(store, scope, [entry("a", source="s")], [vector])
    await index(store, scope, [entry("b", source="s")], [vector], "another")
    assert await found(store, scope) == ["a"]
    assert await found(store, scope, where=SearchFilter(sources=("s",))) == ["a"]


async def test_a_vector_given_earlier_in_a_call_is_kept(store: Store) -> None:
    scope = new_scope()
    await index(store, scope, [entry("a"), entry("a", source="s")], [EAST, None])
    assert await found(store, scope, where=SearchFilter(sources=("s",))) == ["a"]


def test_requests_to_write_are_bounded() -> None:
    scope, space = Scope("t"), VectorSpace("model", 1_536)
    entries = [entry(key, tokens=("x" * 200,) * 20) for key in numbered("k", 200)]
    vector = np.random.default_rng(7).normal(size=1_536).astype(np.float32)
    points = points_of(scope, entries, [vector] * 200, ["digest"] * 200, space)
    whole = list(requests(list(points.values())))
    sizes = [
        len(models.UpdateOperations(operations=each).model_dump_json(exclude_none=True))
        for each in whole
    ]
    assert len(sizes) > 1
    assert max(sizes) <= LARGEST_REQUEST * 1.1 < 2**20
    written = [
        str(point.id)
        for operations in whole
        for operation in operations
        if isinstance(operation, models.UpsertOperation)
        and isinstance(operation.upsert, models.PointsList)
        for point in operation.upsert.points
    ]
    assert written == list(points)
    assert len(list(requests(list(points)))) == 1
    assert list(requests([])) == []


async def test_a_batch_ends_with_the_error_in_it(store: Store) -> None:
    scope = new_scope()
    with pytest.raises(StoreError):
        async with store.batch():
            await index(store, scope, [entry("a")])
            raise StoreRejected("q", "no more")
    assert await found(store, scope) == ["a"]
