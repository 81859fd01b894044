"""Two stores, one of which comes and goes, behind a real server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.servers import redis
from tests.servers.fixtures import had
from tests.servers.process import free_port
from tests.support import serving

CONFIG = """
[stores.file]
kind = "sql"
path = "{path}"

[stores.cache]
kind = "redis"
url = "redis://127.0.0.1:{port}/0"
timeout = 1.0

[roles]
texts = "file"
graph = "file"
keywords = "file"
vectors = "file"
cache = "cache"

[streams]
status_seconds = 0.1
heartbeat_seconds = 0.2
init_seconds = 0.3
idle_seconds = 0.4
operations = 3
connections = 2
"""


@pytest.fixture
def port() -> int:
    """Where the cache is, when it is there."""
    return free_port()


@pytest.fixture
async def url(tmp_path: Path, port: int) -> AsyncIterator[str]:
    """A gateway whose cache is down; it gives up soon on who is silent, and takes few at a time."""
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(path=tmp_path / "memory.db", port=port))
    async with serving(config=config) as url:
        yield url


@pytest.fixture
def cache(port: int) -> Callable[[], AbstractContextManager[object]]:
    """Has the cache up while within."""
    return contextmanager(lambda: had(redis.started(port)))
