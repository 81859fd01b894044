"""The gateway itself, as a process of its own, for clients that are no Python."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import free_port, listening, place, running

PROGRAM = Path(sys.executable).with_name("memory-gateway")


@contextmanager
def started(database: Path) -> Generator[str]:
    """A gateway over an embedded file: the URL of its API."""
    port = free_port()
    command = [PROGRAM, "serve", "--database", database, "--port", str(port)]
    with (
        place("gateway") as home,
        running(command, folder=home, ready=lambda _: listening(port), seconds=30),
    ):
        yield f"http://127.0.0.1:{port}/graphql"
