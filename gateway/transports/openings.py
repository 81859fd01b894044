"""How many streams may be open at once: sockets and streaming answers together."""

from collections.abc import Generator
from contextlib import contextmanager

from gateway.transports.refused import Refused

RETRY_SECONDS = 5


class Openings:
    """Counts what is open."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0

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
