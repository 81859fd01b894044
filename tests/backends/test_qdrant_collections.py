"""The collections and options of a Qdrant: what is made, what is refused, what is said."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient, models

from backends.errors import (
    ConfigurationError,
    SchemaTooOld,
    StoreRejected,
    StoreUnavailable,
    VectorSpaceMismatch,
)
from backends.qdrant.store import QdrantStore
from backends.records import (
    Health,
    Kind,
    Needs,
    Scope,
    VectorSpace,
)
from backends.registry import create
from backends.roles import Store
from tests.backends.qdrant_samples import EVERYTHING, NO_FILTER, SPACE, entry, found, index, local
from tests.contract.samples import (
    EVER,
    new_scope,
)


async def test_migrate_says_what_it_would_make_and_makes_it_once() -> None:
    needs = Needs(vectors=frozenset({Kind.FACT, Kind.CHUNK}), space=SPACE)
    lines = [
        f"create collection memory_{kind} (2 dimensions, cosine)" for kind in ("chunk", "fact")
    ]
    async with local(None) as store:
        assert await store.migrate(needs, dry_run=True) == lines
        with pytest.raises(SchemaTooOld, match=r"memory_chunk.*memory-gateway migrate"):
            await store.ping()
        assert await store.migrate(needs) == lines
        assert await store.migrate(needs) == []
        assert await store.ping() is Health.UP
        assert await store.migrate(Needs(space=SPACE)) == []
    assert await store.migrate(needs, dry_run=True) == lines
    with pytest.raises(StoreUnavailable):
        await store.ping()


async def test_a_collection_of_another_dimension_is_refused_before_anything_is_made() -> None:
    async with local(Needs(vectors=frozenset({Kind.FACT}), space=SPACE)) as store:
        wider = Needs(vectors=frozenset(Kind), space=VectorSpace("wide", 3))
        for dry_run in (True, False):
            with pytest.raises(
                VectorSpaceMismatch, match=r"memory_fact holds .* 2 .* wide makes 3"
            ):
                await store.migrate(wider, dry_run=dry_run)
        assert store.vectors is not None
        with pytest.raises(SchemaTooOld):
            await store.vectors.digests(Scope("t"), Kind.CHUNK, ["a"])


@pytest.mark.parametrize(
    "layout",
    [
        {"named": models.VectorParams(size=2, distance=models.Distance.COSINE)},
        models.VectorParams(size=2, distance=models.Distance.DOT),
    ],
    ids=["named", "dot"],
)
async def test_a_collection_of_another_layout_is_refused(layout: Any) -> None:
    async with local(None) as store:
        assert isinstance(store, QdrantStore)
        await store._connection.client.create_collection("memory_chunk", layout)  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(StoreRejected, match="memory_chunk has not one unnamed vector"):
            await store.migrate(EVERYTHING)
        with pytest.raises(StoreRejected, match="memory_chunk has not one unnamed vector"):
            await index(store, Scope("t"), [entry("a")])


async def test_an_alias_is_a_collection_too() -> None:
    needs = Needs(vectors=frozenset({Kind.CHUNK}), space=SPACE)
    async with local(None) as store:
        assert isinstance(store, QdrantStore)
        assert store.vectors is not None
        client = store._connection.client  # pyright: ignore[reportPrivateUsage]
        vectors = models.VectorParams(size=2, distance=models.Distance.COSINE)
        await client.create_collection("blue", vectors)
        alias = models.CreateAlias(collection_name="blue", alias_name="memory_chunk")
        await client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
        assert await store.migrate(needs) == []
        scope = new_scope()
        await index(store, scope, [entry("a")])
        assert await found(store, scope) == ["a"]
        assert await store.vectors.spaces(scope) == {Kind.CHUNK: SPACE}
        assert await store.counts(scope) == {"search_vector": 1}
        assert await store.ping() is Health.UP


async def test_a_collection_that_is_not_there_names_the_fix() -> None:
    async with local(Needs(vectors=frozenset({Kind.FACT}), space=SPACE)) as store:
        scope, vectors = new_scope(), store.vectors
        assert vectors is not None
        for ask in (
            found(store, scope),
            vectors.similar(scope, Kind.CHUNK, ["a"], NO_FILTER, 5, None),
            vectors.get_many(scope, Kind.CHUNK, ["a"]),
            vectors.digests(scope, Kind.CHUNK, ["a"]),
            vectors.remove_many(scope, Kind.CHUNK, ["a"]),
            index(store, scope, [entry("a")]),
        ):
            with pytest.raises(SchemaTooOld, match=r"no collection memory_chunk; run `memory-gat"):
                await ask
        await index(store, scope, [entry("f", Kind.FACT)])
        assert await vectors.spaces(scope) == {Kind.FACT: SPACE}
        assert await store.counts(scope) == {"search_vector": 1}


async def test_a_query_of_another_dimension_is_explained() -> None:
    """Also where the tenant has nothing yet: the server refuses it."""
    wide, query = VectorSpace("wide", 3), np.ones(3, dtype=np.float32)
    async with local() as store:
        assert store.vectors is not None
        await index(store, new_scope(), [entry("a")])
        with pytest.raises(VectorSpaceMismatch, match=r"memory_chunk holds .* 2 .* wide makes 3"):
            await store.vectors.search(new_scope(), Kind.CHUNK, query, wide, NO_FILTER, EVER, 5)


@pytest.fixture
def indexes(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Any]:
    """The payload indexes of a server; local mode has none."""
    made: dict[tuple[str, str], Any] = {}
    get = AsyncQdrantClient.get_collection

    async def create_index(_: Any, name: str, field: str, schema: Any, *, wait: bool) -> None:
        assert wait
        made[name, field] = schema

    async def get_collection(client: Any, name: str) -> models.CollectionInfo:
        info = await get(client, name)
        info.payload_schema = {
            field: models.PayloadIndexInfo(data_type=getattr(schema, "type", schema), points=0)
            for (collection, field), schema in made.items()
            if collection == name
        }
        return info

    monkeypatch.setattr(AsyncQdrantClient, "create_payload_index", create_index)
    monkeypatch.setattr(AsyncQdrantClient, "get_collection", get_collection)
    return made


@asynccontextmanager
async def served() -> AsyncGenerator[Store]:
    """A store that takes local mode for a server."""
    async with local(None) as store:
        assert isinstance(store, QdrantStore)
        store._connection.local = False  # pyright: ignore[reportPrivateUsage]
        yield store


async def test_payload_indexes_are_made_once_the_tenant_first(
    indexes: dict[tuple[str, str], Any],
) -> None:
    needs = Needs(vectors=frozenset({Kind.EPISODE}), space=SPACE)
    keyword, datetime = models.PayloadSchemaType.KEYWORD, models.PayloadSchemaType.DATETIME
    async with served() as store:
        planned = await store.migrate(needs, dry_run=True)
        assert indexes == {}
        assert await store.migrate(needs) == planned
        assert await store.migrate(needs) == []
        assert await store.ping() is Health.UP
    assert planned[:2] == [
        "create collection memory_episode (2 dimensions, cosine)",
        "create payload index memory_episode.tenant (keyword)",
    ]
    (_, tenant), *others = indexes.items()
    assert tenant == models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    assert {field: schema for (_, field), schema in others} == {
        **dict.fromkeys(("source", "document_key", "type", "tokens"), keyword),
        **dict.fromkeys(("created_at", "recorded_at"), datetime),
    }


async def test_an_index_that_is_missing_or_of_another_type_is_told_and_made(
    indexes: dict[tuple[str, str], Any],
) -> None:
    async with served() as store:
        await store.migrate(EVERYTHING)
        del indexes["memory_fact", "valid_to"]
        indexes["memory_chunk", "source"] = models.PayloadSchemaType.TEXT
        with pytest.raises(SchemaTooOld) as told:
            await store.ping()
        assert str(told.value) == (
            "store q: memory_chunk has no payload index on source; memory_fact has no payload index "
            "on valid_to; run `memory-gateway migrate`"
        )
        assert await store.migrate(EVERYTHING) == [
            "create payload index memory_chunk.source (keyword)",
            "create payload index memory_fact.valid_to (datetime)",
        ]
        assert await store.ping() is Health.UP


async def test_a_collection_whose_writes_failed_is_degraded(
    indexes: dict[tuple[str, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    get = AsyncQdrantClient.get_collection

    async def failing(client: Any, name: str) -> models.CollectionInfo:
        info = await get(client, name)
        info.status = models.CollectionStatus.RED
        return info

    async with served() as store:
        await store.migrate(EVERYTHING)
        monkeypatch.setattr(AsyncQdrantClient, "get_collection", failing)
        assert await store.ping() is Health.DEGRADED


# Options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "langchain"}, "layout 'langchain' is not known; there is native"),
        ({"url": "localhost:6333"}, "'localhost:6333' is not http://"),
        ({"prefix": "a/b"}, "prefix 'a/b'"),
        ({"pool_size": 0}, "pool_size"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"cert_file": "cert.pem"}, "cert_file and key_file go together"),
        ({"collection": "c"}, "a store of kind 'qdrant' takes url"),
    ],
)
def test_options_that_do_not_fit_are_told(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        create("qdrant", "vec", options)
    assert "[stores.vec]" in str(raised.value)


async def test_certificates_that_cannot_be_read_are_told() -> None:
    for prefer_grpc in (True, False):
        options = {"url": "https://localhost", "ca_file": "/no/ca.pem", "prefer_grpc": prefer_grpc}
        store = create("qdrant", "vec", options)
        with pytest.raises(ConfigurationError, match=r"\[stores.vec\].*"):
            await store.open()
