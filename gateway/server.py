"""Running the application under uvicorn, and saying where it is."""

import gc
import logging
import signal
import socket
from types import FrameType

import uvicorn
from rich.console import Console

from gateway.app import create_app
from gateway.settings import Settings


class _Server(uvicorn.Server):
    """Ends when it is told to, as a good end: uvicorn would raise the signal again afterwards."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it in peace, another Ctrl+C at once."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


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
    config = uvicorn.Config(
        app,
        lifespan="off",  # ours, below: a store that cannot be opened is then no trace of the server's
        loop="uvloop",
        http="httptools",
        log_level="warning",
        ws_max_size=settings.limits.body_bytes,
        timeout_graceful_shutdown=10,
    )
    host, port = listener.getsockname()[:2]
    async with app.router.lifespan_context(app):
        forget_what_stays()
        listener.listen()  # who reads the line below may connect at once, and waits for the server
        where = f"http://{host}:{port}/graphql"
        console.print(f"Memory Gateway: {where} (Ctrl+C stops it)", soft_wrap=True)
        await _Server(config).serve(sockets=[listener])
