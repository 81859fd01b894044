"""Qdrant's client over gRPC and REST: what crosses the wire, and what is said when it breaks."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from qdrant_client import models

from backends.errors import StoreTimeout, StoreUnavailable, VectorSpaceMismatch
from backends.qdrant.points import point_id
from backends.records import Kind, Needs, Scope, SearchFilter, VectorSpace
from backends.registry import create
from backends.roles import Store
from tests.backends.qdrant_samples import EAST, NO_FILTER, SPACE, found
from tests.backends.qdrant_wire import INTERFACES, serving, silence
from tests.contract.samples import EVER, numbered
from tests.servers.process import free_port

SCOPE = Scope("t")
interfaces = pytest.mark.parametrize("interface", INTERFACES)


def create_store(interface: str, port: int, **options: object) -> Store:
    """A store whose server is at a loopback port, if anywhere."""
    scheme = "https" if "ca_file" in options else "http"
    where = {"url": f"{scheme}://localhost:{port}", "grpc_port": port}
    return create("qdrant", "q", where | {"prefer_grpc": interface == "grpc"} | options)


@asynccontextmanager
async def remote(interface: str, port: int, **options: object) -> AsyncGenerator[Store]:
    """That store, open."""
    store = create_store(interface, port, **options)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def ask(store: Store, key: str = "a") -> None:
    """Ask for one digest; the answer must be the stand-in's."""
    assert store.vectors is not None
    assert await store.vectors.digests(SCOPE, Kind.CHUNK, [key]) == ["digest"]


@interfaces
async def test_a_search_as_it_crosses_the_wire(interface: str) -> None:
    port = free_port()
    async with serving(interface, port) as asked, remote(interface, port) as store:
        where = SearchFilter(sources=("s",))
        assert await found(store, SCOPE, Kind.FACT, where, depth=3) == ["hit"]
    ((query,),) = asked.batches
    assert query.filter is not None
    assert isinstance(query.filter.must, list)
    assert query.filter.must[:2] == [
        models.FieldCondition(key="tenant", match=models.MatchValue(value="t")),
        models.FieldCondition(key="source", match=models.MatchAny(any=["s"])),
    ]
    assert query.with_vector is False
    assert query.with_payload in (
        ["key", "model"],
        models.PayloadSelectorInclude(include=["key", "model"]),
    )


@interfaces
async def test_similar_to_many_is_one_request(interface: str) -> None:
    port, keys = free_port(), numbered("k", 100)
    async with serving(interface, port) as asked, remote(interface, port) as store:
        assert store.vectors is not None
        hits = await store.vectors.similar(SCOPE, Kind.CHUNK, keys, NO_FILTER, 3, 0.5)
        assert [[hit.key for hit in each] for each in hits] == [["hit"]] * 100
    (batch,) = asked.batches
    ids = {str(getattr(query.query, "nearest", query.query)) for query in batch}
    assert ids == {point_id(SCOPE, Kind.CHUNK, key) for key in keys}
    assert {round(query.score_threshold or 0, 4) for query in batch} == {0.4999}


@interfaces
async def test_the_pool_is_of_a_fixed_size_and_kept(interface: str) -> None:
    port = free_port()
    async with serving(interface, port) as asked, remote(interface, port, pool_size=3) as store:
        for _ in range(4):
            await asyncio.gather(*(ask(store, key) for key in numbered("k", 12)))
        pool = store.pool()
    assert len(asked.peers) == 3
    assert len(asked.headers) == 48
    assert pool is not None
    assert (pool.size, pool.in_use, pool.checked) == (3, None, True)


@interfaces
async def test_the_api_key_goes_with_each_request(interface: str) -> None:
    port = free_port()
    with pytest.warns(UserWarning, match="insecure connection"):
        async with (
            serving(interface, port) as asked,
            remote(interface, port, api_key="secret") as store,
        ):
            await ask(store)
    assert [each.get("api-key") for each in asked.headers] == ["secret"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that no public authority signed, and its key."""
    if (openssl := shutil.which("openssl")) is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is missing; under CI it must be there")
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "cert.pem", folder / "key.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(chain)]
    subprocess.run([openssl, *made.split(), *named, *files], check=True, capture_output=True)
    return chain, key


@interfaces
async def test_a_server_is_trusted_by_the_authority_that_is_named(
    interface: str, certificate: tuple[Path, Path]
) -> None:
    port = free_port()
    async with serving(interface, port, certificate=certificate) as asked:
        async with remote(interface, port, ca_file=str(certificate[0]), api_key="k") as store:
            await ask(store)
        async with remote(interface, port, ca_file="") as store:
            with pytest.raises(StoreUnavailable):
                await ask(store)
    assert [each.get("api-key") for each in asked.headers] == ["k"]


# Faults


@interfaces
async def test_a_server_that_is_down_is_unavailable_until_it_is_up(interface: str) -> None:
    port = free_port()
    async with remote(interface, port) as store:
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="store q"):
                await ask(store)
        with pytest.raises(StoreUnavailable):
            await store.ping()
        with pytest.raises(StoreUnavailable):
            await store.migrate(Needs(vectors=frozenset(Kind), space=SPACE), dry_run=True)
        for _ in range(2):  # up, away, and up again
            async with serving(interface, port):
                await until_answered(store)
            with pytest.raises(StoreUnavailable):
                await ask(store)


async def until_answered(store: Store) -> None:
    """Ask again and again, for as long as a client may take to try to connect once more."""
    async with asyncio.timeout(30):
        while True:
            try:
                await ask(store)
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


@interfaces
async def test_a_server_that_never_answers_is_late_and_then_used_again(interface: str) -> None:
    async with silence() as (port, _):
        store = create_store(interface, port, request_timeout=1, connect_timeout=5)
        await store.open()
        with pytest.raises(StoreTimeout, match="store q"):
            await ask(store)
    async with serving(interface, port):
        await until_answered(store)
    await store.close()


async def test_a_grpc_connection_that_is_not_made_in_time_is_unavailable() -> None:
    """It takes a word from the server; TCP alone is no connection."""
    async with silence() as (port, _), remote("grpc", port, connect_timeout=0.1) as store:
        with pytest.raises(StoreUnavailable, match="timed out"):
            await ask(store)


@interfaces
async def test_what_is_under_way_when_the_store_is_closed_is_unavailable(interface: str) -> None:
    async with silence() as (port, met), remote(interface, port) as store:
        asking = asyncio.create_task(ask(store))
        await met.wait()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await asking


@interfaces
async def test_a_caller_that_gives_up_is_cancelled(interface: str) -> None:
    async with silence() as (port, met), remote(interface, port) as store:
        asking = asyncio.create_task(ask(store))
        await met.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


@interfaces
async def test_hits_of_another_model_are_refused(interface: str) -> None:
    port, other = free_port(), VectorSpace("another", 2)
    async with serving(interface, port), remote(interface, port) as store:
        assert store.vectors is not None
        with pytest.raises(VectorSpaceMismatch, match="made by model, not by another"):
            await store.vectors.search(SCOPE, Kind.CHUNK, EAST, other, NO_FILTER, EVER, 3)
