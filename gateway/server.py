"""Running the application under uvicorn, and saying where it is."""

import gc
import logging
import signal
import socket
from types import FrameType
from typing import Any

import uvicorn
from rich.console import Console
from starlette.applications import Starlette

from backends.federation import Federation
from gateway.app import create_app
from gateway.settings import Settings
from gateway.transports.openings import Openings

PROTOCOLS: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "websockets-sansio",
    "log_level": "warning",
    "timeout_graceful_shutdown": 10,
}
"""What uvicorn is told, whoever runs it."""


class Server(uvicorn.Server):
    """Ends when it is told to, as a good end: uvicorn would raise the signal again afterwards."""

    def __init__(self, app: Starlette, settings: Settings) -> None:
        most = settings.limits.body_bytes
        # The lifespan is the caller's: a store that cannot be opened is then no trace of the server's.
        super().__init__(uvicorn.Config(app, lifespan="off", ws_max_size=most, **PROTOCOLS))
        self._openings: Openings = app.state.openings

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it in peace, another Ctrl+C at once."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is under way, but for streams, which would never be finished."""
        self._openings.end()
        await super().shutdown(sockets)


def bind(host: str, port: int) -> socket.socket:
    """A socket for `serve_app` or `workers.serve_in_workers`, not listening yet.  Raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it.  An answer goes out in two pieces, and the second would wait for the client to
    # acknowledge the first: 40 ms.  The event loop sees to it only where the socket names its protocol.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind((host, port))
    return listener


def forget_what_stays() -> None:
    """Take what is here now, which is here to stay, out of the sight of the garbage collector: a full
    collection then takes a tenth of its time (docs/decisions/0005-engine.md)."""
    gc.collect()
    gc.freeze()


async def serve_app(settings: Settings, listener: socket.socket, console: Console) -> None:
    """Serve on a bound socket until a signal; requests under way are finished first.

    Raises the store's own error if one cannot be opened.
    """
    app = create_app(settings)
    log_to_console()
    async with app.router.lifespan_context(app):
        forget_what_stays()
        listener.listen()
        announce(listener, console)
        await Server(app, settings).serve(sockets=[listener])


async def try_stores(settings: Settings) -> None:
    """Open the stores and close them again.  Raises the store's own error if one cannot be opened."""
    async with Federation(settings.federation):
        pass


def log_to_console() -> None:
    """Send the log where the server's operator looks."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def announce(listener: socket.socket, console: Console) -> None:
    """Say where the server is: who reads it may connect at once, and waits."""
    host, port = listener.getsockname()[:2]
    where = f"http://{host}:{port}/graphql"
    console.print(f"Memory Gateway: {where} (Ctrl+C stops it)", soft_wrap=True)
