"""The servers that the tests start: each answers as the adapters need it, and says why when it cannot."""

import os
import sys
from pathlib import Path
from typing import Any

import asyncpg
import neo4j
import pytest
import redis.asyncio
from sqlalchemy import make_url

from tests.servers import process
from tests.servers import redis as redis_servers
from tests.servers.fixtures import had
from tests.servers.java import java
from tests.servers.neo4j import Neo4j
from tests.servers.postgres import database, execute, same_database
from tests.servers.process import ServerFailed, ServerMissing, running


def dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def test_postgres_gives_empty_databases_with_vectors(postgres: str) -> None:
    async with database(postgres) as first, database(postgres) as second:
        await execute(first, "CREATE EXTENSION vector", "CREATE TABLE seen (at halfvec(3))")
        await execute(second, "CREATE TABLE seen (at int)")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(dsn(first))


async def test_pgbouncer_lends_a_connection_for_a_transaction(
    postgres: str, pgbouncer: str
) -> None:
    async with database(postgres) as url:
        pooled = dsn(same_database(pgbouncer, url))
        clients: list[Any] = [
            await asyncpg.connect(pooled, statement_cache_size=0) for _ in range(20)
        ]
        servers: set[int] = {await client.fetchval("SELECT pg_backend_pid()") for client in clients}
        assert len(servers) < len(clients), "idle clients hold connections of the server"
        for client in clients:
            await client.close()


async def test_redis_keeps_what_it_is_given_while_it_runs(redis_server: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_server) as client:
        await client.set("test-servers", "here", ex=60)
        assert await client.get("test-servers") == b"here"


async def test_redis_comes_and_goes_at_one_port() -> None:
    port = process.free_port()
    for _ in range(2):
        with redis_servers.started(port) as url:
            async with redis.asyncio.Redis.from_url(url) as client:
                assert await client.dbsize() == 0
                await client.set("a", "b")
        assert not process.listening(port)


async def test_neo4j_lets_in_who_knows_the_password(neo4j_server: Neo4j) -> None:
    auth = (neo4j_server.user, neo4j_server.password)
    async with neo4j.AsyncGraphDatabase.driver(neo4j_server.url, auth=auth) as driver:
        records, _, _ = await driver.execute_query("RETURN 1 AS one", database_="neo4j")
        assert [each["one"] for each in records] == [1]


def test_a_server_that_dies_while_starting_shows_its_log(tmp_path: Path) -> None:
    script = "print('too many moths'); raise SystemExit(3)"
    with (
        pytest.raises(ServerFailed, match=r"ended with 3 while starting:\ntoo many moths"),
        running([sys.executable, "-c", script], folder=tmp_path, ready=never, seconds=60),
    ):
        pass


def test_a_server_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with (
        pytest.raises(ServerFailed, match="is not ready in"),
        running([sys.executable, "-c", script], folder=tmp_path, ready=never, seconds=1),
    ):
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "output.log").read_text()), 0)


def nothing(name: str, path: str | None = None) -> None:
    return None


def never(pid: int) -> bool:
    return False


def test_a_missing_program_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.shutil, "which", nothing)
    with pytest.raises(ServerMissing, match=r"apt-get install redis-server, or name a .* SOME_URL"):
        process.program("redis-server", package="redis-server", variable="SOME_URL")


def test_a_java_that_is_too_old_is_named() -> None:
    with pytest.raises(
        ServerMissing, match=r"Java 900 or later is needed, there is .*; install one, or not"
    ):
        java(900, advice="or not")


def test_a_missing_server_fails_under_ci_and_is_skipped_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process.shutil, "which", nothing)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="redis-server is not installed"):
        next(had(redis_servers.started()))
    with pytest.raises(pytest.skip.Exception, match="redis-server is not installed"):
        next(had(redis_servers.started(), required=False))
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="redis-server is not installed"):
        next(had(redis_servers.started()))
