"""Running the application under uvicorn, and saying where it is."""

import logging
import signal
import socket
from types import FrameType

import uvicorn
from rich.console import Console

from backends.federation import Federation
from gateway.app import create_app
from gateway.settings import Settings


class _Server(uvicorn.Server):
    """Ends when it is told to, as a good end: uvicorn would raise the signal again afterwards."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it in peace, another Ctrl+C at once."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


async def serve_app(settings: Settings, listener: socket.socket, console: Console) -> None:
    """Serve on a bound socket until a signal; requests under way are finished first.

    Raises the store's own error if one cannot be opened.
    """
    async with Federation(settings.federation):
        pass  # a store that cannot be opened is an error here, not a trace from inside the server
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    config = uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
    host, port = listener.getsockname()[:2]
    console.print(f"Memory Gateway: http://{host}:{port}/graphql (Ctrl+C stops it)", soft_wrap=True)
    await _Server(config).serve(sockets=[listener])
