"""The five nested queries over each federation, beside the same calls by hand, in one run:
`python -m benchmarks.federations FOLDER`.

Starts PostgreSQL, Neo4j and Redis as the tests do, loads FOLDER (such as the PEP memory) into each
federation, and asks by turns: the gateway through HTTP in this process, and `benchmarks.by_hand`.  Prints
p50 and p99 of both, their ratio, and what our time is made of:

    stores    from a store call's beginning to its end, overlaps counted once
    encoding  of the answer to JSON
    engine    all else: parsing, validation, resolving, completing, records and cursors
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from backends.federation import Federation
from backends.ingest.reader import sources
from backends.records import Scope
from backends.trace import StoreCall, recording
from benchmarks.by_hand import Calls, Drivers, taking_down
from benchmarks.queries import QUERIES
from gateway.app import create_app
from gateway.loading import load
from gateway.settings import load_settings
from tests.servers import neo4j, postgres

ROUNDS = 60
WARM = 20
"""Rounds before the clock runs: a JVM compiles what it runs often, statements are prepared."""

console = Console(width=150)
Ask = Callable[[], Any]


async def main(folder: Path) -> None:
    """Load every federation, then ask."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(postgres.serving())
        graph = stack.enter_context(neo4j.serving())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        alone, shared = [
            await stack.enter_async_context(postgres.database(server)) for _ in range(2)
        ]
        configs = {
            "embedded": f'[stores.embedded]\nkind = "sql"\npath = "{place}/memory.db"\n',
            "PostgreSQL": f'[stores.postgres]\nkind = "sql"\nurl = "{alone}"\npool_size = 8\n',
            "federation": _federation(shared, graph),
        }
        running = {
            name: await stack.enter_async_context(_running(place / f"{name}.toml", config, folder))
            for name, config in configs.items()
        }
        for query, text in QUERIES.items():
            console.print(await _compare(query, text, running))


def _federation(url: str, graph: neo4j.Neo4j) -> str:
    return f"""
        [stores.postgres]
        kind = "sql"
        url = "{url}"
        pool_size = 8
        [stores.graph]
        kind = "neo4j"
        url = "{graph.url}"
        user = "{graph.user}"
        password = "{graph.password}"
        pool_size = 8
        [roles]
        texts = "postgres"
        graph = "graph"
        keywords = {{ document = "postgres", chunk = "postgres", entity = "graph", fact = "graph", episode = "graph" }}
        vectors = {{ document = "postgres", chunk = "postgres", entity = "graph", fact = "graph", episode = "graph" }}
        """


class Running(msgspec.Struct):
    """A gateway that runs, and the bare drivers of its stores."""

    client: Any
    federation: Any
    drivers: Any


@asynccontextmanager
async def _running(toml: Path, config: str, folder: Path) -> AsyncGenerator[Running]:
    toml.write_text(config)
    settings = load_settings(config=toml, tenant=f"bench-{toml.stem}")
    app = create_app(settings)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        federation: Federation = app.state.federation
        for name, store in federation.stores.items():
            await store.migrate(federation.needs_of(name))
        files = sources([str(folder)])
        scope = Scope(settings.tenant)
        report = await load(federation, scope, files, console=Console(quiet=True))
        console.print(
            f"{toml.stem}: {report.records:,} records loaded in {report.seconds:.1f} s "
            f"({report.records / report.seconds:,.0f} a second, embeddings included)"
        )
        transport = httpx.ASGITransport(app=app)
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://memory", timeout=60)
        )
        drivers = await stack.enter_async_context(Drivers.of(federation))
        yield Running(client, federation, drivers)


async def _compare(query: str, text: str, running: dict[str, Running]) -> Table:
    table = Table(title=query)
    for column in (
        "federation", "store calls", "p50 ms", "p99 ms", "by hand p50", "p99", "ratio",
        "stores", "engine", "encoding",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for name, gateway in running.items():
        table.add_row(name, *await _row(text, gateway))
    return table


async def _row(text: str, gateway: Running) -> Sequence[str]:
    async def ask() -> bytes:
        response = await gateway.client.post("/graphql", json={"query": text})
        assert b'"errors"' not in response.content, response.text[:500]
        return response.content

    for _ in range(WARM):
        await ask()
    with taking_down(gateway.federation) as noted:
        await ask()
    by_hand = Calls(noted)
    for _ in range(WARM):
        await by_hand.send(gateway.drivers)
    ours: list[float] = []
    theirs: list[float] = []
    stores: list[float] = []
    for _ in range(ROUNDS):
        with recording() as calls:
            ours.append(await _timed(ask))
        stores.append(_covered(calls))
        theirs.append(await _timed(lambda: by_hand.send(gateway.drivers)))
    encoding = _encoding(await ask())
    p50, store = statistics.median(ours), statistics.median(stores)
    return [
        f"{len(calls)} ({len(noted)} statements)",
        *_figures(ours),
        *_figures(theirs),
        f"{p50 / statistics.median(theirs):.1f}",
        *(f"{part / p50:.0%}" for part in (store, p50 - store - encoding, encoding)),
    ]


async def _timed(work: Ask) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def _figures(times: Sequence[float]) -> list[str]:
    ordered = sorted(times)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return [f"{statistics.median(ordered) * 1e3:.1f}", f"{last * 1e3:.1f}"]


def _covered(calls: Sequence[StoreCall]) -> float:
    """Seconds in which at least one store call was under way."""
    total, until = 0.0, 0.0
    for call in sorted(calls, key=lambda call: call.started):
        end = call.started + call.seconds
        total += max(0.0, end - max(until, call.started))
        until = max(until, end)
    return total


def _encoding(answer: bytes) -> float:
    """What it costs to encode an answer."""
    data = msgspec.json.decode(answer)
    times: list[float] = []
    for _ in range(20):
        started = time.perf_counter()
        msgspec.json.encode(data)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
