"""Running the application under uvicorn, and saying where it is."""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import AsyncGenerator
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
import uvicorn.server
from rich.console import Console
from starlette.applications import Starlette
from starlette.types import Lifespan
from uvicorn.supervisors import Multiprocess

from backends.federation import Federation
from gateway.app import create_app
from gateway.settings import Settings
from gateway.transports.openings import Openings

_PROTOCOLS: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "websockets-sansio",
    "log_level": "warning",
    "timeout_graceful_shutdown": 10,
}

_SECONDS_TO_BEGIN = 30
"""That a worker may take until it answers its supervisor, which kills it then: on a busy machine the 5 seconds
of uvicorn's default are not enough to import the program, and no worker would ever come up."""


class Server(uvicorn.Server):
    """Ends when it is told to, as a good end: uvicorn would raise the signal again afterwards."""

    def __init__(self, app: Starlette, settings: Settings) -> None:
        most = settings.limits.body_bytes
        # The lifespan is the caller's: a store that cannot be opened is then no trace of the server's.
        super().__init__(uvicorn.Config(app, lifespan="off", ws_max_size=most, **_PROTOCOLS))
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
    """A socket for `serve_app` or `serve_in_workers`, not listening yet.  Raises OSError."""
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
        _announce(listener, console)
        await Server(app, settings).serve(sockets=[listener])


async def try_stores(settings: Settings) -> None:
    """Open the stores and close them again.  Raises the store's own error if one cannot be opened."""
    async with Federation(settings.federation):
        pass


def serve_in_workers(settings: Settings, listener: socket.socket, console: Console) -> None:
    """Serve on a bound socket by several processes until a signal; a process that dies is replaced."""
    config = uvicorn.Config(
        partial(_worker, settings),
        factory=True, lifespan="on", workers=settings.workers,
        ws_max_size=settings.limits.body_bytes, timeout_worker_healthcheck=_SECONDS_TO_BEGIN,
        **_PROTOCOLS,
    )  # fmt: skip
    listener.listen()
    _announce(listener, console)
    Multiprocess(config, sockets=[listener]).run()


def _worker(settings: Settings) -> Starlette:
    """The application of one process, which ends with its supervisor, however that one ends."""
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    app = create_app(settings)
    app.router.lifespan_context = _telling_streams(app.router.lifespan_context)
    log_to_console()
    forget_what_stays()
    return app


def _end_with_supervisor() -> None:
    """Workers that outlive it would hold the port against the next server."""
    supervisor = multiprocessing.parent_process()
    assert supervisor is not None
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _telling_streams(lifespan: Lifespan[Starlette]) -> Lifespan[Starlette]:
    """A lifespan in which signals tell the open streams to end, as `Server` does: a worker's own server, which
    is uvicorn's, would wait for them in vain."""

    @contextlib.asynccontextmanager
    async def telling(app: Starlette) -> AsyncGenerator[None]:
        loop = asyncio.get_running_loop()
        handlers: dict[int, Any] = {
            sig: signal.getsignal(sig) for sig in uvicorn.server.HANDLED_SIGNALS
        }

        def tell(sig: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(app.state.openings.end)
            handlers[sig](sig, frame)

        async with lifespan(app):
            for sig in handlers:
                signal.signal(sig, tell)
            yield

    return telling


def log_to_console() -> None:
    """Send the log where the server's operator looks."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def _announce(listener: socket.socket, console: Console) -> None:
    """Say where the server is: who reads it may connect at once, and waits."""
    host, port = listener.getsockname()[:2]
    where = f"http://{host}:{port}/graphql"
    console.print(f"Memory Gateway: {where} (Ctrl+C stops it)", soft_wrap=True)
