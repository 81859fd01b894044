"""A gateway over the demo memory, and Node with the packages that ask it."""

import subprocess
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.servers import gateway
from tests.servers.fixtures import had
from tests.servers.packages import node_with
from tests.support import DEMO, fill

FOLDER = Path(__file__).parent
SECONDS = 60
"""That a script may take."""

Script = Callable[..., list[Any]]


@pytest.fixture(scope="session")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    """Where the API is."""
    database = tmp_path_factory.mktemp("clients") / "memory.db"
    await fill(database, DEMO)
    with gateway.started(database) as url:
        yield url


@pytest.fixture(scope="session")
def script() -> Iterator[Script]:
    """Runs a script of this folder with arguments: what it printed, a value for each line of JSON."""
    yield from had(_installed())


@contextmanager
def _installed() -> Generator[Script]:
    """Raises ServerMissing if the packages cannot be had."""
    program = node_with(FOLDER)

    def run(name: str, *arguments: str) -> list[Any]:
        done = subprocess.run(
            [program, name, *arguments],
            cwd=FOLDER, capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [msgspec.json.decode(line) for line in done.stdout.splitlines()]

    yield run
