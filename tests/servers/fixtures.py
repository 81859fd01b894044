"""The servers as fixtures: each started when a test first needs it, once a session."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

import pytest

from tests.servers.neo4j import Neo4j
from tests.servers.neo4j import serving as serving_neo4j
from tests.servers.pgbouncer import serving as serving_pgbouncer
from tests.servers.postgres import serving as serving_postgres
from tests.servers.process import ServerMissing
from tests.servers.qdrant import serving as serving_qdrant
from tests.servers.redis import serving as serving_redis

Server = TypeVar("Server")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server with pgvector: the URL of its first database, as a user who may do anything."""
    yield from had(serving_postgres())


@pytest.fixture(scope="session")
def pgbouncer(postgres: str) -> Iterator[str]:
    """A PgBouncer in transaction mode before `postgres`: the URL of the same database."""
    yield from had(serving_pgbouncer(postgres))


@pytest.fixture(scope="session")
def neo4j_server() -> Iterator[Neo4j]:
    """A Neo4j server: its URL, user and password."""
    yield from had(serving_neo4j())


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A Redis server: its URL."""
    yield from had(serving_redis())


@pytest.fixture(scope="session")
def qdrant_server() -> Iterator[str]:
    """A Qdrant server: its URL.  There is none to install, so that CI may be without one too."""
    yield from had(serving_qdrant(), required=False)


def had(serving: AbstractContextManager[Server], *, required: bool = True) -> Iterator[Server]:
    """A server.  Where it cannot be had that is a failure under CI, and a skip elsewhere."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(serving)
        except ServerMissing as missing:
            if required and os.environ.get("CI"):
                pytest.fail(str(missing), pytrace=False)
            pytest.skip(str(missing))
        yield server
