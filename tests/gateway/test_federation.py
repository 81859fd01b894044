"""One nested query over several servers: when they are asked, how often, and how well search finds."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import make_url

from backends.federation import Federation
from backends.ingest.reader import sources
from backends.records import Scope
from benchmarks.recall import recall, sentences, titles
from gateway.app import create_app
from gateway.loading import load
from gateway.settings import load_settings
from tests.servers import postgres as postgres_server
from tests.servers import wire
from tests.servers.neo4j import Neo4j
from tests.support import DATA, QUIET, SHARED, Gateway, asking, made_once

NESTED = """{
    documents(first: 5) { nodes { key
      chunks(first: 3) { nodes { key entities(first: 2) { nodes { key name } } } } } }
    entities(first: 5) { nodes { key
      facts(first: 3, includeInvalidated: true) { nodes { key episodes(first: 2) { nodes { key } } } } } } }"""

LONG = 20.0
"""Seconds after which a store that is not asked meanwhile is not asked at the same time."""


class Wired(msgspec.Struct):
    """A gateway, and the wires to its stores."""

    gateway: Gateway
    wires: dict[str, wire.Wire]


@pytest.fixture(scope="module")
async def wired(
    postgres: str, neo4j_server: Neo4j, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Wired]:
    """The odd memory, texts in PostgreSQL and the graph in Neo4j, both behind a wire."""
    folder = tmp_path_factory.mktemp("wire")
    if "host" not in make_url(postgres).query:
        pytest.skip("the wire to PostgreSQL begins at a socket; this server is elsewhere")
    port = urlsplit(neo4j_server.url).port
    assert port is not None
    async with (
        postgres_server.database(postgres) as database,
        wire.to_socket(
            f"{make_url(postgres).query['host']}/.s.PGSQL.5432", f"{folder}/.s.PGSQL.5432"
        ) as texts,
        wire.to_port(port) as (graph, graph_port),
    ):
        url = make_url(database).set(query={"host": str(folder)})
        toml = folder / "gateway.toml"
        toml.write_text(
            f"""
            [stores.texts]
            kind = "sql"
            url = "{url.render_as_string(hide_password=False)}"
            timeout = {3 * LONG}
            [stores.graph]
            kind = "neo4j"
            url = "bolt://127.0.0.1:{graph_port}"
            user = "{neo4j_server.user}"
            password = "{neo4j_server.password}"
            timeout = {3 * LONG}
            [roles]
            texts = "texts"
            graph = "graph"
            keywords = "texts"
            vectors = "texts"
            """
        )
        settings = load_settings(config=toml, tenant=f"test-{uuid4().hex}")
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            await fill(app.state.federation, Scope(settings.tenant), DATA / "odd")
            async with asking(app) as gateway:
                yield Wired(gateway, {"texts": texts, "graph": graph})


async def fill(federation: Federation, scope: Scope, folder: Path) -> None:
    for name, store in federation.stores.items():
        await store.migrate(federation.needs_of(name))
    await load(federation, scope, sources([str(folder)]), console=QUIET)


async def test_the_stores_are_asked_at_the_same_time(wired: Wired) -> None:
    """Neither gets its question before the other has one on its way: asked one after the other, the first
    would wait for ever."""
    expected = await wired.gateway.data(NESTED)
    met = asyncio.Barrier(len(wired.wires))
    for each in wired.wires.values():
        each.hold = holding_once(each, met)
    try:
        assert await wired.gateway.data(NESTED) == expected
        assert met.n_waiting == 0
        assert all(each.hold is None for each in wired.wires.values())
    finally:
        for each in wired.wires.values():
            each.hold = None


def holding_once(held: wire.Wire, met: asyncio.Barrier) -> Callable[[], Awaitable[object]]:
    async def hold() -> None:
        held.hold = None
        async with asyncio.timeout(LONG):
            await met.wait()

    return hold


async def test_each_store_is_asked_once_a_field_and_level(wired: Wired) -> None:
    data, calls = await wired.gateway.calls(NESTED)
    assert data["documents"]["nodes"]
    assert Counter((call.store, f"{call.role}.{call.method}") for call in calls) == {
        ("texts", "documents.find"): 1,
        ("texts", "chunks.of_documents"): 1,
        ("graph", "mentions.entities_of"): 1,
        ("graph", "entities.find"): 1,
        ("graph", "facts.of"): 1,
        ("graph", "episodes.of"): 1,
    }


async def test_a_store_that_is_slow_does_not_hold_the_others(wired: Wired) -> None:
    """While the graph has not answered its first question, the texts answer two levels."""
    answered = asyncio.Event()
    held = asyncio.Event()
    asked: list[None] = []

    async def hold_graph() -> None:
        held.set()
        await answered.wait()

    async def count_texts() -> None:
        asked.append(None)
        if len(asked) >= 2 and held.is_set():
            answered.set()

    wired.wires["graph"].hold = hold_graph
    wired.wires["texts"].hold = count_texts
    try:
        async with asyncio.timeout(LONG):
            await wired.gateway.data(NESTED)
    finally:
        for each in wired.wires.values():
            each.hold = None
    assert len(asked) >= 2


SAMPLE = 40
"""Queries of each sort, evenly chosen."""
WORSE = 0.05


@pytest.mark.peps
@pytest.mark.parametrize("federation_config", ["postgres", "federation"], indirect=True)
@pytest.mark.parametrize("mode", ["VECTOR", "KEYWORD", "HYBRID"])
async def test_search_finds_as_much_as_in_the_embedded_store(
    peps_anywhere: Gateway, embedded_recall: dict[str, list[float]], mode: str
) -> None:
    """Recall@10 within five points, though rankings differ between engines."""
    for queries, embedded in zip(sampled(), embedded_recall[mode], strict=True):
        there = await recall(peps_anywhere.client, queries, mode)
        assert there >= embedded - WORSE, (there, embedded)


@pytest.fixture(scope="module")
async def embedded_recall(peps: Gateway, run_folder: Path) -> dict[str, list[float]]:
    """Recall@10 of the embedded store, by mode."""

    async def measure(file: Path) -> None:
        found = {
            mode: [await recall(peps.client, queries, mode) for queries in sampled()]
            for mode in ("VECTOR", "KEYWORD", "HYBRID")
        }
        file.write_text(json.dumps(found))

    return json.loads((await made_once(run_folder / "recall.json", measure)).read_text())


def sampled() -> list[list[tuple[str, str]]]:
    """Titles, and first sentences."""
    folder = SHARED / "peps"
    whole = (titles(folder), sentences(folder))
    return [queries[:: max(1, len(queries) // SAMPLE)] for queries in whole]
