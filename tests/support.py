"""What tests are made of: memories filled from files, and a gateway asked through HTTP."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from starlette.applications import Starlette

from backends import trace
from backends.federation import Federation
from backends.ingest.reader import sources
from backends.records import Scope
from backends.trace import StoreCall, recording
from gateway.app import create_app
from gateway.loading import load
from gateway.server import Server, bind
from gateway.settings import load_settings
from tests.servers.process import locked

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data"
DEMO = ROOT / "gateway" / "demo" / "memory"
SHARED = Path(os.environ.get("MEMORY_GATEWAY_TEST_SHARED", ROOT.parent / "shared")) / "data"
QUIET = Console(quiet=True)


BOTH = "MEMORY_GATEWAY_TEST_BOTH"
"""Variable that has each query asked of the other executor too, and the answers compared."""

counts_calls = pytest.mark.skipif(
    bool(os.environ.get(BOTH)), reason=f"{BOTH}: it counts what one executor asks for"
)


class Gateway:
    """A running application, asked through HTTP."""

    def __init__(self, client: httpx.AsyncClient, other: httpx.AsyncClient | None = None) -> None:
        self.client = client
        self._other = other

    async def answer(
        self, query: str, variables: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The whole answer: data and errors."""
        asked = {"query": query, "variables": variables, **more}
        if self._other is None or trace._calls.get() is not None:  # recorded calls are counted
            return (await self.client.post("/graphql", json=asked)).json()
        with at_one_time():
            answer = (await self.client.post("/graphql", json=asked)).json()
            other = (await self._other.post("/graphql", json=asked)).json()
        assert _comparable(answer) == _comparable(other)
        return answer

    async def data(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of an answer that has no errors."""
        answer = await self.answer(query, variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def codes(self, query: str, variables: dict[str, Any] | None = None) -> list[str]:
        """The codes of an answer's errors."""
        answer = await self.answer(query, variables)
        return [error["extensions"]["code"] for error in answer.get("errors", [])]

    async def calls(
        self, query: str, variables: dict[str, Any] | None = None
    ) -> tuple[Any, list[StoreCall]]:
        """The data, and the store calls that it took."""
        with recording() as calls:
            data = await self.data(query, variables)
        return data, calls

    async def id(self, kind: str, key: str) -> str:
        """The plain id of a thing."""
        data = await self.data(
            f"query($k: String!) {{ it: {kind.lower()}(key: $k) {{ id }} }}", {"k": key}
        )
        return data["it"]["id"]


@asynccontextmanager
async def running(
    database: Path | None = None, *, config: Path | None = None, **settings: Any
) -> AsyncIterator[Gateway]:
    """The application over an embedded file, or as a file configures it."""
    app = create_app(load_settings(database=database, config=config, **settings))
    async with app.router.lifespan_context(app), asking(app) as gateway:
        if not os.environ.get(BOTH):
            yield gateway
            return
        settings["execution"] = "graphql_core"
        other = create_app(load_settings(database=database, config=config, **settings))
        async with other.router.lifespan_context(other), asking(other) as beside:
            yield Gateway(gateway.client, beside.client)


@asynccontextmanager
async def asking(app: Starlette) -> AsyncIterator[Gateway]:
    """An application that runs, to be asked."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://memory") as client:
        yield Gateway(client)


@asynccontextmanager
async def serving(
    database: Path | None = None, *, config: Path | None = None, **settings: Any
) -> AsyncIterator[str]:
    """The application behind its server, in this event loop: the URL of its API."""
    chosen = load_settings(database=database, config=config, **settings)
    app = create_app(chosen)
    with bind("127.0.0.1", 0) as listener:
        listener.listen()  # who connects before the server runs waits for it
        server = Server(app, chosen)
        async with app.router.lifespan_context(app):
            running = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
            finally:
                server.should_exit = True
                await running


@contextmanager
def at_one_time() -> Iterator[None]:
    """All operations within have the same now."""
    now = datetime.now(UTC)

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resolvers.context.datetime", Stopped)
        yield


def _comparable(answer: dict[str, Any]) -> str:
    """An answer with the order of its keys, without what is different each time."""
    text = re.sub(r'"latencyMs": [0-9.e-]+', '"latencyMs": 0', json.dumps(answer))
    for error in answer.get("errors", []):
        if correlation := error["extensions"].get("correlationId"):
            text = text.replace(correlation, "…")
    return text


def need_peps() -> Path:
    """The folder of the PEP memory, which is not ours to carry; without it a skip, under CI a failure."""
    folder = SHARED / "peps"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is missing; under CI the PEP memory must be there")
        pytest.skip(f"the PEP memory is not at {folder} (MEMORY_GATEWAY_TEST_SHARED names another)")
    return folder


async def made_once(file: Path, make: Callable[[Path], Awaitable[object]]) -> Path:
    """A file in a folder of all workers, which the first to need it makes; it is not to be changed."""
    with locked(file.with_suffix(".lock")):
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            await make(unfinished)
            unfinished.rename(file)
    return file


async def fill(database: Path, *paths: Path, tenant: str = "default") -> None:
    """Load files into an embedded file; every line must be good."""
    settings = load_settings(database=database, tenant=tenant)
    async with Federation(settings.federation) as federation:
        files = sources([str(path) for path in paths])
        report = await load(federation, Scope(tenant), files, console=QUIET)
    assert report.rejected == []
