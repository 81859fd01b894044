"""Redis, Debian's, with nothing kept on disk."""

import socket
from collections.abc import Generator
from contextlib import contextmanager

from tests.servers.process import free_port, given, place, program, running

VARIABLE = "MEMORY_GATEWAY_TEST_REDIS_URL"


@contextmanager
def serving() -> Generator[str]:
    """A server that the environment names, else one of our own: its URL."""
    if (url := given(VARIABLE)) is not None:
        yield url
        return
    with started() as url:
        yield url


@contextmanager
def started(port: int | None = None) -> Generator[str]:
    """A server of our own, empty: its URL."""
    redis = program("redis-server", package="redis-server", variable=VARIABLE)
    port = port or free_port()
    command = [
        redis,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    with (
        place("redis") as home,
        running(command, folder=home, ready=lambda _: _ready(port), seconds=30),
    ):
        yield f"redis://127.0.0.1:{port}/0"


def _ready(port: int) -> bool:
    """Whether the server answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False
