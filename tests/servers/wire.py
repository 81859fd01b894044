"""A wire between a gateway and a server that can be watched and held: a proxy on a socket of its own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from tests.servers.played import playing, playing_at

Opened = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Connects to the server behind."""

PIECE = 2**16


class Wire:
    """What passes from a gateway to one server.

    `hold` is awaited before each piece on its way to the server; nothing is held while it is `None`.
    """

    def __init__(self, opened: Opened) -> None:
        self.hold: Callable[[], Awaitable[object]] | None = None
        self._opened = opened

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry a connection until either side ends it."""
        far_reader, far_writer = await self._opened()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._there(reader, far_writer))
                group.create_task(_carried(far_reader, writer))
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            far_writer.close()
            with suppress(ConnectionError):
                await far_writer.wait_closed()

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            if self.hold is not None:
                await self.hold()
            writer.write(piece)
            await writer.drain()
        raise ConnectionAbortedError  # the other way ends too


async def _carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
    raise ConnectionAbortedError


@asynccontextmanager
async def to_port(port: int) -> AsyncGenerator[tuple[Wire, int]]:
    """A wire to a loopback port, and the port that it begins at."""
    wire = Wire(lambda: asyncio.open_connection("127.0.0.1", port))
    async with playing(wire.carry) as beginning:
        yield wire, beginning


@asynccontextmanager
async def to_socket(path: str, beginning: str) -> AsyncGenerator[Wire]:
    """A wire to a Unix socket, beginning at another."""
    wire = Wire(lambda: asyncio.open_unix_connection(path))
    async with playing_at(beginning, wire.carry):
        yield wire
