"""Servers that a test plays itself: for the faults that no real one shows when it is told to."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What a server says to one client.  The connection ends with it."""

_TURNS = 5
"""Of the loop, from a connection that is accepted to its talk."""


@asynccontextmanager
async def playing(
    talk: Talk, *, port: int = 0, ssl: SSLContext | None = None
) -> AsyncGenerator[int]:
    """A server on a loopback port: the port."""

    async def start(talk: Talk) -> asyncio.Server:
        return await asyncio.start_server(talk, "127.0.0.1", port, ssl=ssl)

    async with _until_all_ended(start, talk) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def playing_at(path: str, talk: Talk) -> AsyncGenerator[None]:
    """A server on a Unix socket."""

    async def start(talk: Talk) -> asyncio.Server:
        return await asyncio.start_unix_server(talk, path)

    async with _until_all_ended(start, talk):
        yield


@asynccontextmanager
async def _until_all_ended(
    start: Callable[[Talk], Awaitable[asyncio.Server]], talk: Talk
) -> AsyncGenerator[asyncio.Server]:
    """A server whose talks are ended after it, and their connections closed, even of one who comes last."""
    talks: set[asyncio.Task[None]] = set()

    async def talk_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())  # pyright: ignore[reportArgumentType]
        with suppress(OSError, EOFError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    server = await start(talk_and_close)
    try:
        yield server
    finally:
        server.close()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks)
