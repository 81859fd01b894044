"""A gateway whose server is down when it starts, and comes and goes while it is asked."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from backends.federation import Federation
from backends.ingest.reader import sources
from backends.records import Scope
from gateway.loading import load
from gateway.settings import load_settings
from tests.gateway.test_cli import PATIENCE, ended, run, start
from tests.gateway.test_migrate import NOWHERE, configure, migrated
from tests.servers import postgres as postgres_servers
from tests.servers.process import ServerMissing, place
from tests.support import DATA, QUIET, running

CLEAN = {"STORE_UNAVAILABLE", "STORE_TIMEOUT"}
"""The codes that a field may answer with while its store is away."""
QUESTION = """{
    documents(first: 2) { nodes { key chunks(first: 2) { nodes { key text } } } }
    chunk(key: "c:1") { key entities { nodes { key } } }
    entities(first: 2) { totalCount nodes { key facts(first: 1) { nodes { key } } } }
}"""
ROLES = {"texts": "texts", "graph": "graph", "keywords": "texts", "vectors": "texts"}
WORKERS = 8


@pytest.fixture(scope="module")
def home(postgres: str) -> Iterator[Path]:
    """A folder for a server that can be stopped; the fixture it asks for skips where none can be had."""
    del postgres
    with place("postgres") as folder:
        yield folder


@contextmanager
def up(home: Path) -> Iterator[str]:
    """The server of a folder, running."""
    try:
        with postgres_servers.started(home) as url:
            yield url
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
async def config(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gateway.toml of a graph in a file and of texts on a server, filled, that is down now."""
    folder = tmp_path_factory.mktemp("outage")
    with up(home) as url:
        config = configure(
            folder / "gateway.toml",
            texts={"kind": "sql", "url": url, "pool_size": 4, "timeout": 2.0, "pool_timeout": 1.0},
            graph={"kind": "sql", "path": str(folder / "graph.db")},
            roles=ROLES,
        )
        await migrated(config)
        async with Federation(load_settings(config=config).federation) as federation:
            files = sources([str(DATA / "odd")])
            report = await load(federation, Scope("default"), files, console=QUIET)
            assert report.rejected == []
    return config


@asynccontextmanager
async def serving(config: Path) -> AsyncIterator[tuple[httpx.AsyncClient, list[str]]]:
    """The program, serving, whatever its stores are like: a client, and afterwards what it logged."""
    logged: list[str] = []
    process = await start("serve", "--config", config, "--port", "0", cwd=config.parent)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://\S+(?=/graphql)", line)
        assert found is not None, line
        async with httpx.AsyncClient(base_url=found[0], timeout=PATIENCE) as client:
            yield client, logged
        process.terminate()
        ran = await ended(process)
        assert ran.code == 0
        logged += ran.err.splitlines()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def answer(client: httpx.AsyncClient) -> dict[str, Any]:
    response = await client.post("/graphql", json={"query": QUESTION})
    assert response.status_code == 200, response.text
    return response.json()


async def ready(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    response = await client.get("/readyz")
    return response.status_code, response.json()


def codes(answer: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


class Seen:
    """How many answers of each sort there have been, for whoever waits for some."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._changed = asyncio.Condition()

    async def note(self, sort: str) -> None:
        async with self._changed:
            self._counts[sort] += 1
            self._changed.notify_all()

    async def more(self, sort: str, number: int) -> None:
        """Wait for so many more."""
        wanted = self._counts[sort] + number
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self._counts[sort] >= wanted)


async def test_a_server_that_comes_after_the_gateway_is_found(home: Path, config: Path) -> None:
    async with serving(config) as (client, logged):
        status, said = await ready(client)
        assert (status, said["ready"]) == (503, False)
        assert said["roles"]["texts"]["status"] == "DOWN"
        assert "store texts" in said["roles"]["texts"]["message"]
        assert said["roles"]["graph"]["status"] == "UP"
        assert (await client.get("/healthz")).status_code == 200
        without = await answer(client)
        assert codes(without) == {"STORE_UNAVAILABLE"}
        assert {error["extensions"]["store"] for error in without["errors"]} == {"texts"}
        with up(home):
            assert (await ready(client))[0] == 200
            whole = await answer(client)
            assert "errors" not in whole
            assert len(whole["data"]["documents"]["nodes"]) == 2
            assert without["data"]["entities"] == whole["data"]["entities"]
        assert (await ready(client))[0] == 503
    (warning,) = [line for line in logged if "WARNING" in line]
    assert "store texts is DOWN: store texts: " in warning


async def test_a_server_that_comes_and_goes_under_load_costs_its_own_fields_alone(
    home: Path, config: Path
) -> None:
    seen = Seen()
    over = False

    async def ask(client: httpx.AsyncClient, whole: dict[str, Any]) -> None:
        while not over:
            found = await answer(client)
            assert codes(found) <= CLEAN, found["errors"]
            assert found["data"]["entities"] == whole["data"]["entities"]
            if "errors" not in found:
                assert found == whole
            await seen.note("bad" if "errors" in found else "good")

    async with serving(config) as (client, logged):
        with up(home):
            whole = await answer(client)
            assert "errors" not in whole
        async with asyncio.TaskGroup() as tasks:
            for _ in range(WORKERS):
                tasks.create_task(ask(client, whole))
            for _ in range(3):
                await seen.more("bad", 2 * WORKERS)
                with up(home):
                    await seen.more("good", 5 * WORKERS)
            over = True
        with up(home):
            found = await asyncio.gather(*(answer(client) for _ in range(30)))
            assert all(each == whole for each in found)
            assert (await ready(client))[0] == 200
    assert not any("ERROR" in line for line in logged)


async def test_a_file_that_cannot_be_opened_is_an_error_at_the_start(tmp_path: Path) -> None:
    config = configure(
        tmp_path / "gateway.toml",
        texts={"kind": "sql", "url": NOWHERE},
        graph={"kind": "sql", "path": str(tmp_path / "nowhere" / "graph.db")},
        roles=ROLES,
    )
    ran = await run("serve", "--config", config, "--port", "0", cwd=tmp_path)
    assert ran.code == 1
    assert "store graph: the folder" in ran.err


async def test_a_cache_that_is_down_makes_a_gateway_no_less_ready(tmp_path: Path) -> None:
    config = configure(
        tmp_path / "gateway.toml",
        memory={"kind": "sql", "path": str(tmp_path / "memory.db")},
        cache={"kind": "redis", "url": "redis://127.0.0.1:1/0"},
        roles={
            **dict.fromkeys(("texts", "graph", "keywords", "vectors"), "memory"),
            "cache": "cache",
        },
    )
    async with running(config=config) as gateway:
        status, said = await ready(gateway.client)
        assert (status, said["ready"]) == (200, True)
        assert said["roles"]["cache"]["status"] == "DOWN"
        assert await gateway.data("{ documents { totalCount } }") == {
            "documents": {"totalCount": 0}
        }
