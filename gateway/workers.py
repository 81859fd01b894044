"""Serving by several processes: uvicorn's supervisor, and workers that end with it and tell their streams."""

import asyncio
import contextlib
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
from rich.console import Console
from starlette.applications import Starlette
from starlette.types import Lifespan
from uvicorn.server import HANDLED_SIGNALS
from uvicorn.supervisors import Multiprocess

from gateway.app import create_app
from gateway.server import PROTOCOLS, announce, forget_what_stays, log_to_console
from gateway.settings import Settings

_SECONDS_TO_BEGIN = 30
"""That a worker may take until it answers its supervisor, which kills it then: on a busy machine the 5 seconds
of uvicorn's default are not enough to import the program, and no worker would ever come up."""


def serve_in_workers(settings: Settings, listener: socket.socket, console: Console) -> None:
    """Serve on a bound socket by several processes until a signal; a process that dies is replaced."""
    config = uvicorn.Config(
        partial(_worker, settings),
        factory=True, lifespan="on", workers=settings.workers,
        ws_max_size=settings.limits.body_bytes, timeout_worker_healthcheck=_SECONDS_TO_BEGIN,
        **PROTOCOLS,
    )  # fmt: skip
    listener.listen()
    announce(listener, console)
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
    """A lifespan in which signals tell the open streams to end, as `server.Server` does: a worker's own server, which
    is uvicorn's, would wait for them in vain."""

    @contextlib.asynccontextmanager
    async def telling(app: Starlette) -> AsyncGenerator[None]:
        loop = asyncio.get_running_loop()
        handlers: dict[int, Any] = {sig: signal.getsignal(sig) for sig in HANDLED_SIGNALS}

        def tell(sig: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(app.state.openings.end)
            handlers[sig](sig, frame)

        async with lifespan(app):
            for sig in handlers:
                signal.signal(sig, tell)
            yield

    return telling
