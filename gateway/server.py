"""Running the application under uvicorn, and saying where it is."""

import gc
import logging
import signal
import socket
from types import FrameType

import uvicorn
from rich.console import Console
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.settings import Settings
from gateway.transports.openings import Openings


class Server(uvicorn.Server):
    """Ends when it is told to, as a good end: uvicorn would raise the signal again afterwards."""

    def __init__(self, app: Starlette, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",  # the caller's: a store that cannot be opened is then no trace of the server's
                loop="uvloop",
                http="httptools",
                ws="websockets-sansio",
                ws_max_size=settings.limits.body_bytes,
                log_level="warning",
                timeout_graceful_shutdown=10,
            )
        )
        self._openings: Openings = app.state.openings

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it in peace, another Ctrl+C at once."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is under way, but for streams, which would never be finished."""
        self._openings.end()
        await super().shutdown(sockets)


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
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    host, port = listener.getsockname()[:2]
    async with app.router.lifespan_context(app):
        forget_what_stays()
        listener.listen()  # who reads the line below may connect at once, and waits for the server
        where = f"http://{host}:{port}/graphql"
        console.print(f"Memory Gateway: {where} (Ctrl+C stops it)", soft_wrap=True)
        await Server(app, settings).serve(sockets=[listener])
