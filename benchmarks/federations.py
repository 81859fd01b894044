"""The five nested queries over each federation, beside the same by hand, in one run:
`python -m benchmarks.federations FOLDER [--rounds N]`.

Starts PostgreSQL and Neo4j as the tests do, loads FOLDER (such as the PEP memory) into each federation, and
asks by turns: the gateway, through HTTP in this process, the same with graphql-core's executor, and
`benchmarks.by_hand`.  All must give the same answer: if they do not, it says where, and ends with 1.
Prints p50 and p99 of ours and of what is by hand, their ratios, how many times our p50 graphql-core takes,
and what our time is made of:

    stores    from a store call's beginning to its end, overlaps counted once
    encoding  of the answer to JSON
    engine    all else: parsing, validation, resolving, completing, the request itself
"""

import argparse
import asyncio
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
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
from benchmarks.asking import client_of
from benchmarks.by_hand.answers import ANSWERS
from benchmarks.by_hand.compare import difference
from benchmarks.by_hand.memories import by_hand
from benchmarks.by_hand.reads import Memory
from benchmarks.queries import QUERIES
from gateway.app import create_app
from gateway.loading import load
from gateway.server import forget_what_stays
from gateway.settings import Settings, load_settings
from tests.servers import neo4j, postgres

ROUNDS = 60
WARM = 20
"""Rounds before the clock runs: a JVM compiles what it runs often, statements are prepared."""

console = Console(width=150)


class Gateway(msgspec.Struct, frozen=True):
    """A gateway that runs in this process."""

    client: httpx.AsyncClient
    federation: Federation

    async def ask(self, query: str, variables: dict[str, Any] | None = None) -> bytes:
        """The answer, which must have no errors."""
        asked = {"query": query, "variables": variables}
        response = await self.client.post("/graphql", json=asked)
        if response.status_code != 200 or b'"errors"' in response.content:
            raise RuntimeError(response.text[:500])
        return response.content


async def main(folder: Path, rounds: int) -> int:
    """Load every federation, then ask.  How many answers differed."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(postgres.serving())
        graph = stack.enter_context(neo4j.serving())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        alone, shared = [
            await stack.enter_async_context(postgres.database(server)) for _ in range(2)
        ]
        configs = {
            "embedded": embedded(place),
            "PostgreSQL": f'[stores.postgres]\nkind = "sql"\nurl = "{alone}"\npool_size = 8\n',
            "federation": federated(shared, graph),
        }
        tables = {query: _table(query) for query in QUERIES}
        different = 0
        for name, config in configs.items():  # one gateway at a time, as it would run
            settings = settings_of(place / f"{name}.toml", config)
            await fill(settings, folder, name)
            stock = settings.model_copy(update={"execution": "graphql_core"})
            async with (
                running(settings) as gateway,
                running(stock) as other,
                by_hand(gateway.federation, settings) as bare,
            ):
                forget_what_stays()
                for query, table in tables.items():
                    found = await _compare(query, gateway, other, bare)
                    if found is not None:
                        different += 1
                        message = f"{query}, {name}: the answers differ at {found}"
                        console.print(message, style="bold red", markup=False)
                    table.add_row(name, *await _row(query, gateway, other, bare, rounds))
            gc.collect()
        for table in tables.values():
            console.print(table)
        return different


def embedded(place: Path) -> str:
    """The configuration of a file in a folder."""
    return f'[stores.embedded]\nkind = "sql"\npath = "{place}/memory.db"\npool_size = 8\n'


def federated(url: str, graph: neo4j.Neo4j) -> str:
    """The configuration of texts in PostgreSQL and a graph in Neo4j, each searched where it is."""
    split = (
        '{ document = "postgres", chunk = "postgres", '
        'entity = "graph", fact = "graph", episode = "graph" }'
    )
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
        keywords = {split}
        vectors = {split}
        """


def settings_of(toml: Path, config: str) -> Settings:
    """The settings of a configuration, which is written to a file."""
    toml.write_text(config)
    return load_settings(config=toml, tenant="bench")


async def fill(settings: Settings, folder: Path, name: str) -> None:
    """Make what the stores need, and load a folder."""
    async with Federation(settings.federation) as federation:
        for store in federation.stores.values():
            await store.migrate(federation.needs_of(store.name))
        scope, files = Scope(settings.tenant), sources([str(folder)])
        report = await load(federation, scope, files, console=Console(quiet=True))
    for store in settings.federation.stores.values():
        url = str(store.options.get("url", ""))
        if url.startswith(postgres.DRIVER):  # as the server does by itself, but within a minute
            await postgres.execute(url, "VACUUM ANALYZE")
    console.print(
        f"{name}: {report.records:,} records loaded in {report.seconds:.1f} s "
        f"({report.records / report.seconds:,.0f} a second, embeddings included)"
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[Gateway]:
    """A gateway over stores that are filled."""
    app = create_app(settings)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        client = await stack.enter_async_context(client_of(app))
        yield Gateway(client, app.state.federation)


def _table(query: str) -> Table:
    table = Table(title=query)
    for column in (
        "federation", "kB", "store calls", "p50 ms", "p99 ms", "by hand: sent", "p50 ms", "p99 ms",
        "ratio p50", "p99", "graphql-core", "stores", "engine", "encoding",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    return table


async def _compare(query: str, gateway: Gateway, other: Gateway, bare: Memory) -> str | None:
    """Ask all until all is warm.  Where their answers differ, if they do."""
    for _ in range(WARM):
        ours = await gateway.ask(QUERIES[query])
        stock = await other.ask(QUERIES[query])
        await ANSWERS[query](bare)
    if ours != stock:
        return "the executors"
    return difference(await gateway.ask(QUERIES[query]), await ANSWERS[query](bare))


async def _row(
    query: str, gateway: Gateway, other: Gateway, bare: Memory, rounds: int
) -> Sequence[str]:
    stock: list[float] = []
    ours: list[float] = []
    theirs: list[float] = []
    stores: list[float] = []
    before = bare.sent()
    for _ in range(rounds):
        with recording() as calls:
            ours.append(await timed(lambda: gateway.ask(QUERIES[query])))
        stores.append(_covered(calls))
        stock.append(await timed(lambda: other.ask(QUERIES[query])))
        theirs.append(await timed(lambda: ANSWERS[query](bare)))
    sent = (bare.sent() - before) // rounds
    answer = await gateway.ask(QUERIES[query])
    encoding = _encoding(answer)
    p50, store = statistics.median(ours), statistics.median(stores)
    return [
        f"{len(answer) / 1000:.0f}",
        str(len(calls)),
        *figures(ours),
        str(sent),
        *figures(theirs),
        f"{p50 / statistics.median(theirs):.2f}",
        f"{p99(ours) / p99(theirs):.2f}",
        f"{statistics.median(stock) / p50:.2f}",
        *(f"{part / p50:.0%}" for part in (store, p50 - store - encoding, encoding)),
    ]


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """The seconds that something takes."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def figures(times: Sequence[float]) -> list[str]:
    """p50 and p99 in milliseconds."""
    return [f"{statistics.median(times) * 1e3:.1f}", f"{p99(times) * 1e3:.1f}"]


def p99(times: Sequence[float]) -> float:
    """The time that one in a hundred exceeds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


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


def arguments(description: str | None, *, rounds: int) -> tuple[Path, int]:
    """The folder to load and how often to ask, of the command line."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="what to load, such as the PEP memory")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"{rounds} unless said")
    given = parser.parse_args()
    return given.folder, max(1, given.rounds)


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main(*arguments(__doc__, rounds=ROUNDS))) else 0)
