"""Runs every server until interrupted: `python -m tests.servers`, which prints their URLs as exports."""

import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar
from urllib.parse import quote

from tests.servers import neo4j, pgbouncer, postgres, qdrant, redis
from tests.servers.process import ServerMissing

Server = TypeVar("Server")


def main() -> None:
    """Start them all, say where they are, wait, end them all."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            _start(stack)
            signal.pause()
        except KeyboardInterrupt:
            pass


def _start(stack: ExitStack) -> None:
    database = _had(stack, postgres.serving)
    _say(postgres.VARIABLE, database)
    if database is not None:
        _say(pgbouncer.VARIABLE, _had(stack, lambda: pgbouncer.serving(database)))
    _say(redis.VARIABLE, _had(stack, redis.serving))
    _say(qdrant.VARIABLE, _had(stack, qdrant.serving))
    graph = _had(stack, neo4j.serving)
    _say(neo4j.VARIABLE, graph and _with_password(graph))


def _had(stack: ExitStack, serving: Callable[[], AbstractContextManager[Server]]) -> Server | None:
    """A server; where it cannot be had, a comment says why."""
    try:
        return stack.enter_context(serving())
    except ServerMissing as missing:
        print(f"# {missing}", flush=True)
        return None


def _say(variable: str, url: str | None) -> None:
    if url is not None:
        print(f"export {variable}={shlex.quote(url)}", flush=True)


def _with_password(server: neo4j.Neo4j) -> str:
    scheme, _, place = server.url.partition("://")
    return f"{scheme}://{quote(server.user, safe='')}:{quote(server.password, safe='')}@{place}"


if __name__ == "__main__":
    sys.exit(main())
