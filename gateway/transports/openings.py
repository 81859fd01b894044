"""The streams that are open, sockets and streaming answers together: how many there may be, and their end when
the server ends."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from gateway.transports.refused import Refused

RETRY_SECONDS = 5


class Openings:
    """Counts what is open."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._end = asyncio.Event()

    def end(self) -> None:
        """Tell what is open to end: it would keep the server from ending."""
        self._end.set()

    @property
    def is_ending(self) -> bool:
        """Whether the server is about to end."""
        return self._end.is_set()

    async def wait(self, coming: "asyncio.Future[Any]", seconds: float) -> None:
        """Until something is there, so many seconds went by, or the server is about to end."""
        ending = asyncio.ensure_future(self._end.wait())
        try:
            await asyncio.wait(
                (coming, ending), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ending.cancel()

    @contextmanager
    def one(self) -> Generator[None]:
        """While a stream is open."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    def check(self) -> None:
        """Raises Refused if there are as many as may be."""
        if self._open >= self._most:
            message = f"{self._most:,} streams are open, as many as may be (streams.connections)"
            raise Refused(503, "LIMIT_EXCEEDED", message, {"retry-after": str(RETRY_SECONDS)})
